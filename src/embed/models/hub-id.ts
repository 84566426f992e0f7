/** A model of a hub, such as `sentence-transformers/all-MiniLM-L6-v2@main`. */
export interface HubId {
  /** `org/name`. */
  id: string;
  /** A branch, tag or commit; `main` unless given. */
  revision: string;
}

/** One part of an id: no part is empty, begins with a dot or climbs out of a folder. */
const PART = /^[A-Za-z0-9_][\w.-]*$/;

/** Undefined for what can be no hub id, a path for one. */
export function parseHubId(text: string): HubId | undefined {
  const [id = '', revision = 'main', ...more] = text.split('@');
  const parts = id.split('/');
  const valid =
    more.length === 0 && parts.length === 2 && [...parts, revision].every((part) => PART.test(part));
  return valid && !text.includes('..') ? { id, revision } : undefined;
}

/** A model of a hub, such as `sentence-transformers/all-MiniLM-L6-v2@main`. */
export interface HubId {
  /** `org/name`. */
  id: string;
  /** A branch, tag or commit; `main` unless given. */
  revision: string;
}

/** Where models are fetched. */
export interface Hub {
  /** Without a slash at its end. */
  endpoint: string;
  allowPrivateAddresses: boolean;
}

/** A file of a model, and what the hub says of its content. */
export interface HubFile {
  /** Path in the repository. */
  name: string;
  size?: number;
  /** Of the content, of large files. */
  sha256?: string;
  /** Git's name of the content, of small ones. */
  gitSha1?: string;
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

import { FatalError } from './errors.ts';
import type { Metadata } from './labels.ts';

export const PATCH_ACTIONS = ['merge', 'overwrite', 'remove'] as const;
export type PatchAction = (typeof PATCH_ACTIONS)[number];

/**
 * An object after a patch, as the platform's patch actions have it; neither argument is changed.
 *
 * **merge**: objects merge deeply; entries of lists that have equal `id` merge and others are appended; `{}` and `[]`
 * replace what is there; null does nothing; anything else replaces.
 * **overwrite**: the patch is the result.
 * **remove**: `true` deletes the key; other scalars replace; entries of lists are deleted by their `id`; `{}`, `[]` and
 * null do nothing. Throws FatalError CONFIG_INVALID for a list with an entry that has no id, about which the platform's
 * documents contradict each other.
 */
export function patchObject(action: PatchAction, stored: Metadata, patch: Metadata): Metadata {
  if (action === 'overwrite') return patch;
  return action === 'merge' ? merged(stored, patch) : removed(stored, patch, '');
}

function merged(stored: Metadata, patch: Metadata): Metadata {
  const fields = new Map(Object.entries(stored));
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && value !== undefined) fields.set(key, mergedValue(fields.get(key), value));
  }
  // Not by assignment, which would take a key called __proto__ for the prototype.
  return Object.fromEntries(fields);
}

function mergedValue(before: unknown, value: unknown): unknown {
  if (isEmpty(value)) return value;
  if (isObject(value)) return merged(isObject(before) ? before : {}, value);
  if (!Array.isArray(value)) return value;
  const entries: unknown[] = Array.isArray(before) ? [...before] : [];
  for (const entry of value) {
    const id = idOf(entry);
    const at = id === undefined ? -1 : entries.findIndex((other) => idOf(other) === id);
    if (at === -1) entries.push(entry);
    else entries[at] = merged(entries[at] as Metadata, entry);
  }
  return entries;
}

function removed(stored: Metadata, patch: Metadata, at: string): Metadata {
  const fields = new Map(Object.entries(stored));
  for (const [key, value] of Object.entries(patch)) {
    const before = fields.get(key);
    const place = at === '' ? key : `${at}.${key}`;
    if (value === true) fields.delete(key);
    else if (Array.isArray(value)) {
      const ids = new Set<unknown>(value.map((entry) => idOf(entry) ?? refuse(place)));
      if (Array.isArray(before))
        fields.set(
          key,
          before.filter((entry) => !ids.has(idOf(entry))),
        );
    } else if (isObject(value)) {
      if (isObject(before)) fields.set(key, removed(before, value, place));
    } else if (value !== null && value !== undefined) fields.set(key, value);
  }
  return Object.fromEntries(fields);
}

function refuse(place: string): never {
  throw new FatalError(
    'CONFIG_INVALID',
    `${place}: entries of a list are removed by their id, and one has none`,
  );
}

const isObject = (value: unknown): value is Metadata =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEmpty = (value: unknown): boolean =>
  (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);

/** Of an entry of a list; an id is a string or number. */
function idOf(entry: unknown): string | number | undefined {
  const id = isObject(entry) ? entry['id'] : undefined;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

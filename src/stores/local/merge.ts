import { isDeepStrictEqual } from 'node:util';
import type { Concept, Geo, Metadata } from '../../model/labels.ts';

export type OnExisting = 'merge' | 'overwrite' | 'keep';

/** What labels an input; what `on_existing` decides about. */
export interface Labels {
  concepts: Concept[];
  metadata: Metadata;
  geo: Geo | undefined;
  split: string | undefined;
}

/** What an item brings; an absent field says nothing. */
export type IncomingLabels = { [K in keyof Labels]: Labels[K] | undefined };

/**
 * The labels of a stored input after an item with the same id came.
 *
 * `merge` adds: a concept of the item wins over the stored one with its id, objects in metadata merge deeply,
 * anything else of the item replaces what is stored. `overwrite` takes the item's labels as they are. `keep` leaves
 * what is stored. Applying the same item twice gives what applying it once gives.
 */
export function combineLabels(stored: Labels, item: IncomingLabels, policy: OnExisting): Labels {
  if (policy === 'keep') return pick(stored);
  if (policy === 'overwrite') {
    return {
      concepts: uniqueConcepts(item.concepts ?? []),
      metadata: item.metadata ?? {},
      geo: item.geo,
      split: item.split,
    };
  }
  return {
    concepts: uniqueConcepts([...stored.concepts, ...(item.concepts ?? [])]),
    metadata: mergeObjects(stored.metadata, item.metadata ?? {}),
    geo: item.geo ?? stored.geo,
    split: item.split ?? stored.split,
  };
}

/** The text beside an input that is no text, after an item with the same id came; as `combineLabels`. */
export function combineText<T>(
  stored: T | undefined,
  item: T | undefined,
  policy: OnExisting,
): T | undefined {
  if (policy === 'keep') return stored;
  return policy === 'overwrite' ? item : (item ?? stored);
}

/** The order of concepts and of keys says nothing. */
export function sameLabels(a: Labels, b: Labels): boolean {
  const byId = ({ concepts }: Labels) => new Map(concepts.map((concept) => [concept.id, concept]));
  return isDeepStrictEqual({ ...pick(a), concepts: byId(a) }, { ...pick(b), concepts: byId(b) });
}

/** One concept an id: the last value, at the first one's place. */
export function uniqueConcepts(concepts: Concept[]): Concept[] {
  if (concepts.length < 2) return concepts;
  return [...new Map(concepts.map((concept) => [concept.id, concept])).values()];
}

const pick = ({ concepts, metadata, geo, split }: Labels): Labels => ({ concepts, metadata, geo, split });

function mergeObjects(stored: Metadata, item: Metadata): Metadata {
  const merged = new Map(Object.entries(stored));
  for (const [key, value] of Object.entries(item)) {
    const before = merged.get(key);
    merged.set(key, isObject(before) && isObject(value) ? mergeObjects(before, value) : value);
  }
  // Not by assignment, which would take a key called __proto__ for the prototype.
  return Object.fromEntries(merged);
}

const isObject = (value: unknown): value is Metadata =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

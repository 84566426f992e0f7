import { isDeepStrictEqual } from 'node:util';
import type { Annotation } from '../../model/annotation.ts';
import { NO_ANNOTATIONS } from './rows.ts';

export type OnAnnotations = 'append' | 'replace' | 'keep';

/** Annotations as a row has them; undefined where the source says nothing of annotations, which is not none. */
export function annotationsJson(annotations: readonly Annotation[] | undefined): string | undefined {
  if (annotations === undefined) return undefined;
  return annotations.length === 0 ? NO_ANNOTATIONS : JSON.stringify(annotations);
}

/**
 * The annotations of a stored input after an item with the same bytes came, both as JSON; `stored` itself where
 * nothing changes, which the order of annotations and of keys does not.
 *
 * `append` adds: of two with one id the item's wins, at the stored one's place. `replace` takes the item's alone.
 * `keep` never touches what is stored, be it none. Applying the same item twice gives what applying it once gives.
 */
export function combineAnnotations(
  stored: string,
  item: string,
  policy: Exclude<OnAnnotations, 'keep'>,
): string {
  if (item === stored) return stored;
  const before = byId(stored);
  const brought = byId(item);
  const after = policy === 'replace' ? brought : new Map([...before, ...brought]);
  return isDeepStrictEqual(before, after) ? stored : JSON.stringify([...after.values()]);
}

const byId = (json: string): Map<string, Annotation> =>
  new Map((JSON.parse(json) as Annotation[]).map((annotation) => [annotation.id, annotation]));

import type { Annotation } from '../model/annotation.ts';
import { shortHash } from '../model/ids.ts';

/**
 * The id of an annotation that brought none: 80 bits of a hash of its input's id, what it says (not when it was said),
 * and which of several equal ones it is. Reading the same labels again gives the same ids; `taken` is added to.
 */
export function deriveAnnotationId(
  inputId: string,
  { createdAt: _created, modifiedAt: _modified, ...content }: Omit<Annotation, 'id'>,
  taken: Set<string>,
): string {
  const key = `${inputId}\n${JSON.stringify(sorted(content))}`;
  for (let occurrence = 0; ; occurrence++) {
    const id = shortHash(`${key}\n${occurrence}`);
    if (taken.has(id)) continue;
    taken.add(id);
    return id;
  }
}

/** With the keys of every object in order, as the order of keys means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

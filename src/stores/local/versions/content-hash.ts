import { createHash } from 'node:crypto';
import { compareUtf8 } from '../id-order.ts';
import type { VersionLine } from './line.ts';

/** The hash of a version's content, line by line: equal for equal content, in whatever order labels and keys came. */
export class ContentHash {
  readonly #hash = createHash('sha256');

  add({ id, kind, sha256, text, concepts, metadata, geo, split, annotations }: VersionLine): void {
    // A text's own bytes are in its hash; another input's text came beside its bytes.
    const beside = kind === 'text' ? undefined : text;
    const content = { id, sha256, text: beside, metadata, geo, split };
    const labels = { concepts: byId(concepts), annotations: byId(annotations) };
    this.#hash.update(`${JSON.stringify(inOrder({ ...content, ...labels }))}\n`);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

function byId<T extends { id: string }>(values: readonly T[]): readonly T[] {
  return values.length < 2 ? values : values.toSorted((a, b) => compareUtf8(a.id, b.id));
}

/** The value with the keys of its objects in order: a copy that is then written at once is the fastest way to that. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const keys = Object.keys(value).sort();
  const fields = value as Record<string, unknown>;
  // Not by assignment, which would take this key for the prototype.
  if (Object.hasOwn(fields, '__proto__')) {
    return Object.fromEntries(keys.map((key) => [key, inOrder(fields[key])]));
  }
  const copy: Record<string, unknown> = {};
  for (const key of keys) copy[key] = inOrder(fields[key]);
  return copy;
}

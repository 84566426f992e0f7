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
    this.#hash.update(`${canonicalJson({ ...content, ...labels })}\n`);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

function byId<T extends { id: string }>(values: readonly T[]): readonly T[] {
  return values.length < 2 ? values : values.toSorted((a, b) => compareUtf8(a.id, b.id));
}

/** JSON with the keys of objects in order. */
function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join()}}`;
}

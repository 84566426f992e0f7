import type { Annotation } from '../../../../model/annotation.ts';
import { contentKey } from '../../../../model/content-key.ts';
import type { Kind } from '../../../../model/kind.ts';
import type { Concept } from '../../../../model/labels.ts';
import type { Found, HitParts } from '../../../../model/search.ts';
import type { VectorPart } from '../../../../model/vector-index.ts';
import { LOOKUP_CHUNK } from '../../ids.ts';
import { columnNames, idIn, type Table } from '../../lance.ts';
import { type ResultBatch, stringColumn } from '../../result.ts';
import type { Near } from './nearest.ts';

/** An input as it is now. */
type Current = Pick<Found, 'kind' | 'uri' | 'datasets' | 'concepts'> & {
  content: string;
  sha256: string;
  annotations: Annotation[];
};

const COLUMNS = ['id', 'kind', 'uri', 'sha256', 'datasets', 'concepts', 'annotations'];

/** Inputs as they are now, looked up once each: what a row of vectors says of an input may be of an earlier state. */
export class CurrentInputs {
  readonly #inputs: Table | undefined;
  readonly #regions: boolean;
  readonly #known = new Map<string, Current | undefined>();

  /** `regions`: of the generation whose vectors are compared. */
  constructor(inputs: Table | undefined, regions: boolean) {
    this.#inputs = inputs;
    this.#regions = regions;
  }

  async lookUp(ids: Iterable<string>): Promise<void> {
    const unknown = [...new Set(ids)].filter((id) => !this.#known.has(id));
    for (let at = 0; at < unknown.length; at += LOOKUP_CHUNK) {
      const chunk = unknown.slice(at, at + LOOKUP_CHUNK);
      for (const id of chunk) this.#known.set(id, undefined);
      for await (const batch of this.#query(chunk)) {
        for (const { id, ...input } of readInputs(batch as ResultBatch)) {
          const content = contentKey(input, this.#regions);
          this.#known.set(id, { ...input, content });
        }
      }
    }
  }

  /** What a row of vectors found; undefined where its input is gone or has changed since. */
  found(near: Near, part: VectorPart, hits: HitParts): Found | undefined {
    const input = this.#known.get(near.inputId);
    if (input === undefined || input.content !== near.content) return undefined;
    const { kind, uri, datasets, concepts } = input;
    const { inputId, timeMs, distance } = near;
    const found = { inputId, kind, uri, datasets, concepts, part, distance };
    if (hits === 'inputs') return { ...found, ...(timeMs === undefined ? {} : { timeMs }) };
    const annotation = input.annotations.find(({ id }) => id === near.annotationId);
    return annotation === undefined ? undefined : { ...found, annotation };
  }

  isCurrent(id: string, content: string): boolean {
    return this.#known.get(id)?.content === content;
  }

  /** Without their texts, which may be long. */
  async *#query(ids: readonly string[]): AsyncGenerator<unknown> {
    if (this.#inputs === undefined) return;
    const known = new Set(await columnNames(this.#inputs));
    const columns = COLUMNS.filter((name) => known.has(name));
    yield* this.#inputs.query().where(idIn(ids)).select(columns);
  }
}

function* readInputs(batch: ResultBatch): Generator<Omit<Current, 'content'> & { id: string }> {
  const texts = (name: string) => stringColumn(batch, name) as string[];
  const [ids, kinds, uris, hashes] = ['id', 'kind', 'uri', 'sha256'].map(texts);
  const concepts = texts('concepts');
  // A table of schema 1 has no annotations.
  const annotations = batch.getChild('annotations') === null ? undefined : texts('annotations');
  const datasets = batch.getChild('datasets')!;
  for (let i = 0; i < batch.numRows; i++) {
    yield {
      id: ids![i]!,
      kind: kinds![i] as Kind,
      uri: uris![i]!,
      sha256: hashes![i]!,
      datasets: [...(datasets.get(i) as Iterable<string>)],
      concepts: JSON.parse(concepts[i]!) as Concept[],
      annotations: JSON.parse(annotations?.[i] ?? '[]') as Annotation[],
    };
  }
}

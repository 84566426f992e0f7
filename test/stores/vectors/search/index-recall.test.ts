import { hash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { VectorRow } from '../../../../src/model/vector-index.ts';
import { type NearestRequest, openVectorSearch } from '../../../../src/stores/index.ts';
import { ensureVectorIndex } from '../../../../src/stores/local/vectors/vector-search-index.ts';
import { testContext } from '../../../support/context.ts';
import { randomFrom } from '../../../support/random.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { ingest, textItem } from '../../local/support.ts';
import { model, serve, writeVectors } from './support.ts';

const ROWS = 60_000;
const DIMENSIONS = 16;
const CLUSTERS = 300;
const BATCH = 10_000;
const QUERIES = 40;

test('above the threshold the index finds at least 0.9 of the nearest ten of 60 000 clustered vectors', async ({
  annotate,
}) => {
  const random = randomFrom(66);
  const near = (centre: readonly number[]) => unit(centre.map((value) => value + (random() - 0.5) * 0.5));
  const centres = Array.from({ length: CLUSTERS }, () =>
    Array.from({ length: DIMENSIONS }, () => random() * 2 - 1),
  );
  const texts = model('text', { dimensions: DIMENSIONS });
  const store = join(await tempFolder(), 'store');
  const commits: VectorRow[][] = [];
  for (let at = 0; at < ROWS; at += BATCH) {
    const ids = Array.from({ length: BATCH }, (_, i) => `t${at + i}`);
    await ingest(store, [ids.map((id) => textItem(id, id))]);
    commits.push(
      ids.map((id, i) => ({
        inputId: id,
        content: hash('sha256', id),
        part: 'whole',
        vector: near(centres[(at + i) % CLUSTERS]!),
      })),
    );
  }
  await serve(store, [texts]);
  await writeVectors(store, texts, ...commits);
  const queries = Array.from({ length: QUERIES }, (_, i) => near(centres[i]!));
  const exact = await idsOf(store, queries, false);
  expect(await ensureVectorIndex(store, texts.fingerprint, { threshold: 50_000 }, testContext())).toBe(true);
  const byIndex = await idsOf(store, queries, true);
  const shared = byIndex.flatMap((ids, i) => ids.filter((id) => exact[i]!.includes(id)));
  const recall = shared.length / (10 * QUERIES);
  await annotate(`recall ${recall}`);
  expect(recall).toBeGreaterThanOrEqual(0.9);

  // What was written after the index was made is found, too.
  await ingest(store, [[textItem('new', 'new')]]);
  const content = hash('sha256', 'new');
  await writeVectors(store, texts, [{ inputId: 'new', content, part: 'whole', vector: queries[1]! }]);
  expect((await idsOf(store, [queries[1]!], true))[0]![0]).toBe('new');

  // A filter, and the other metric, still compare every vector.
  const search = await openVectorSearch(store);
  const filter = { dataset: 'default' };
  for (const request of [{ filter }, { metric: 'euclidean' as const }]) {
    const { found, approximate } = await search.nearest({ ...asked(queries[0]!), ...request }, signal);
    expect(approximate).toBe(false);
    expect(found.map(({ inputId }) => inputId)).toEqual(exact[0]);
  }
  search.close();

  async function idsOf(
    path: string,
    vectors: readonly Float32Array[],
    approximately: boolean,
  ): Promise<string[][]> {
    const opened = await openVectorSearch(path);
    const all: string[][] = [];
    for (const vector of vectors) {
      const { found, approximate } = await opened.nearest(asked(vector), signal);
      expect(approximate).toBe(approximately);
      all.push(found.map(({ inputId }) => inputId));
    }
    opened.close();
    return all;
  }

  function asked(vector: Float32Array): NearestRequest {
    const maxDistance = Number.POSITIVE_INFINITY;
    return { vector, metric: 'cosine', hits: 'inputs', top: 10, maxDistance, models: [texts] };
  }
});

const { signal } = new AbortController();

function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / length);
}

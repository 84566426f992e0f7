import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { describe, expect, test } from 'vitest';
import { contentKey } from '../../../src/model/content-key.ts';
import type { IndexedModel, IndexState } from '../../../src/model/workflow.ts';
import {
  changeIndexState,
  checkStore,
  collectGarbage,
  compactStore,
  deleteAnnotations,
  deleteInputs,
  dropUnusedVectors,
  ensureVectorIndex,
  readIndexState,
} from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, box, collect, imageItem, ingest, textItem, withAnnotations } from '../local/support.ts';
import {
  appendNow,
  frame,
  generation,
  idsOf,
  model,
  opened,
  storedRows,
  vectorOf,
  whole,
} from './support.ts';

const ctx = testContext();
const TEXT = model('aaaa');
const IMAGE = model('cccc', { kind: 'image' });

const serve = (store: string, models: IndexedModel[], fields: Partial<IndexState> = {}) => {
  const serving = generation('g', models, { regions: true });
  return changeIndexState(store, (state) => ({ ...state, base: serving, serving, ...fields }), ctx);
};

/** Two texts and an image with a box, all embedded. */
async function indexedStore(): Promise<string> {
  const store = await tempFolder();
  const image = withAnnotations(imageItem('i1', 'image 1'), box('b1'));
  await ingest(store, [[textItem('t1', 'one'), textItem('t2', 'two'), image]]);
  await serve(store, [TEXT, IMAGE]);
  const writer = await opened(store, [TEXT, IMAGE]);
  for (const input of await allInputs(store)) {
    const row = whole(input.id, contentKey(input, true));
    if (input.kind === 'text') await appendNow(writer, 'aaaa', [row, frame(row.inputId, row.content, 0)]);
    else await appendNow(writer, 'cccc', [row, { ...row, part: 'region', annotationId: 'b1' }]);
  }
  await writer.close();
  return store;
}

const findingsOf = async (store: string) =>
  (await collect(checkStore(store, {}, ctx))).filter(({ finding }) => finding.startsWith('VECTOR'));

describe('deleted inputs', () => {
  test('leave every table of vectors, and the failures', async () => {
    const store = await indexedStore();
    const writer = await opened(store, [TEXT]);
    const failure = { inputId: 't1', content: 'c', code: 'EMBED_FAILED', message: 'why' } as const;
    await Promise.all([writer.fail('aaaa', [failure]), writer.flush()]);
    await writer.close();
    expect(await deleteInputs(store, ['t1', 'i1', 'none'], {}, ctx)).toBe(2);
    expect(idsOf(await storedRows(store))).toEqual(['t2', 't2']);
    expect(await storedRows(store, 'vectors_cccc')).toEqual([]);
    expect(await storedRows(store, 'failures')).toEqual([]);
    expect(await findingsOf(store)).toEqual([]);
    const again = await opened(store, [TEXT]);
    expect(again.hasContent('aaaa', contentKey((await allInputs(store))[0]!, false))).toBe(true);
    await again.close();
  });

  test('leave theirs to a run that writes the index, and are deleted nevertheless', async () => {
    const store = await indexedStore();
    const writer = await opened(store, [TEXT, IMAGE]);
    expect(await deleteInputs(store, ['t1'], {}, ctx)).toBe(1);
    expect(idsOf(await storedRows(store))).toEqual(['t1', 't1', 't2', 't2']);
    expect(await writer.removeStale((id) => id !== 't1')).toBe(2);
    await writer.close();
    expect(idsOf(await storedRows(store))).toEqual(['t2', 't2']);
  });

  test('of a store without an index are no reason to make one', async () => {
    const store = await tempFolder();
    await ingest(store, [[textItem('t1', 'one')]]);
    await deleteInputs(store, ['t1'], {}, ctx);
    await collectGarbage(store, {}, ctx);
    await compactStore(store, {}, ctx);
    expect(await readdir(store)).not.toContain('index');
  });
});

test('a check names stale, doubled and unused vectors; the collection removes all but the doubled', async () => {
  const store = await indexedStore();
  expect(await findingsOf(store)).toEqual([]);
  const stray = await opened(store, [TEXT, model('dddd')]);
  await appendNow(stray, 'aaaa', [whole('gone', 'x')]);
  await appendNow(stray, 'dddd', [whole('t1', 'x')]);
  await stray.close();
  await deleteAnnotations(store, ['i1'], {}, ctx);
  // What no writer of ours would do.
  const connection = await connect(join(store, 'index', 'db'));
  const table = await connection.openTable('vectors_aaaa');
  const [row] = await table.query().where("`inputId` = 't2' AND part = 'frame'").toArray();
  await table.add([{ ...row.toJSON(), vector: [...vectorOf(1)] }]);
  connection.close();

  const fingerprint = 'aaaa';
  const doubled = { finding: 'VECTOR_DOUBLED', fingerprint, id: 't2', part: 'frame:0' };
  expect((await findingsOf(store)).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toEqual([
    { finding: 'VECTORS_UNUSED', fingerprint: 'dddd' },
    doubled,
    { finding: 'VECTOR_STALE', fingerprint, id: 'gone', part: 'whole' },
    { finding: 'VECTOR_STALE', fingerprint: 'cccc', id: 'i1', part: 'region:b1' },
    { finding: 'VECTOR_STALE', fingerprint: 'cccc', id: 'i1', part: 'whole' },
  ]);
  const garbage = { vectors: 3, models: 1 };
  expect(await collectGarbage(store, { dryRun: true }, ctx)).toMatchObject(garbage);
  expect(await findingsOf(store)).toHaveLength(5);
  expect(await collectGarbage(store, {}, ctx)).toMatchObject(garbage);
  expect(await findingsOf(store)).toEqual([doubled]);
  expect(await collectGarbage(store, {}, ctx)).toMatchObject({ vectors: 0, models: 0 });
});

test('vectors are kept while any generation names their model, to revert to', async () => {
  const store = await indexedStore();
  const others = [model('dddd'), model('eeee')];
  await (await opened(store, others)).close();
  const state = await serve(store, [model('eeee')], { previous: [generation('old', [IMAGE])] });
  expect(await dropUnusedVectors(store, state, ctx)).toBe(2);
  const left = (await readdir(join(store, 'index', 'db'))).filter((name) => name.startsWith('vectors'));
  expect(left.sort()).toEqual(['vectors_cccc.lance', 'vectors_eeee.lance']);
  expect(await dropUnusedVectors(store, await readIndexState(store), ctx)).toBe(0);
});

test('a compaction joins what many commits left, of the index too', async () => {
  const store = await indexedStore();
  const writer = await opened(store, [TEXT]);
  for (let n = 0; n < 20; n++) await appendNow(writer, 'aaaa', [whole(`i${n}`, 'c')]);
  await writer.close();
  await compactStore(store, { retainMs: 0 }, ctx);
  const connection = await connect(join(store, 'index', 'db'));
  const { fragmentStats } = await (await connection.openTable('vectors_aaaa')).stats();
  connection.close();
  expect(fragmentStats.numFragments).toBe(1);
  expect(await storedRows(store)).toHaveLength(24);
});

test('the approximate index is made above the threshold only, and made anew when it lags behind', async () => {
  const store = await tempFolder();
  const writer = await opened(store, [TEXT]);
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => whole(`i${from + n}`, `c${from + n}`, (from + n) % 97));
  await appendNow(writer, 'aaaa', some(0, 600));
  expect(await ensureVectorIndex(store, 'none', { threshold: 1000 }, ctx)).toBe(false);
  expect(await ensureVectorIndex(store, 'aaaa', { threshold: 1000 }, ctx)).toBe(false);
  expect(await ensureVectorIndex(store, 'aaaa', { threshold: 500 }, ctx)).toBe(true);
  const unindexed = async () => {
    const connection = await connect(join(store, 'index', 'db'));
    const stats = await (await connection.openTable('vectors_aaaa')).indexStats('vector_idx');
    connection.close();
    return stats?.numUnindexedRows;
  };
  await appendNow(writer, 'aaaa', some(600, 30));
  expect(await ensureVectorIndex(store, 'aaaa', { threshold: 500 }, ctx)).toBe(true);
  expect(await unindexed()).toBe(30);
  await appendNow(writer, 'aaaa', some(630, 100));
  expect(await ensureVectorIndex(store, 'aaaa', { threshold: 500 }, ctx)).toBe(true);
  expect(await unindexed()).toBe(0);
  // The writer goes on beside it.
  await appendNow(writer, 'aaaa', some(730, 10));
  await writer.close();
  expect(await storedRows(store)).toHaveLength(740);
});

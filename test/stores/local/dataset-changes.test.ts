import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ReadyItem } from '../../../src/model/contracts.ts';
import {
  addMembers,
  checkStore,
  createDataset,
  createFilter,
  createVersion,
  deleteAnnotations,
  deleteDataset,
  deleteFilter,
  openReader,
  openWriter,
  patchDataset,
  patchFilter,
  patchInputs,
  removeMembers,
  splitDataset,
} from '../../../src/stores/index.ts';
import { connectTables } from '../../../src/stores/local/lance.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import {
  allInputs,
  box,
  collect,
  imageItem,
  ingest,
  textItem,
  withAnnotations,
  writerOptions,
} from './support.ts';

const ctx = testContext();
const texts = (prefix: string, count: number): ReadyItem[] =>
  Array.from({ length: count }, (_, i) => textItem(`${prefix}-${i}`, `${prefix} ${i}`));

async function show(store: string, id: string) {
  const reader = await openReader(store);
  try {
    return await reader.showDataset(id);
  } finally {
    reader.close();
  }
}

const membersOf = async (store: string, dataset: string): Promise<string[]> =>
  (await allInputs(store)).filter(({ datasets }) => datasets.includes(dataset)).map(({ id }) => id);

describe('a dataset', () => {
  test('is made, described, patched and deleted', async () => {
    const store = await tempFolder();
    await ingest(store, [texts('a', 1)]);
    await createFilter(store, 'ann', { annotators: ['ann'] }, {}, ctx);
    const made = await createDataset(
      store,
      'cats',
      { description: 'Cats', metadata: { a: { b: 1, c: 2 } }, defaultFilterId: 'ann' },
      {},
      ctx,
    );
    expect(await show(store, 'cats')).toMatchObject({ ...made, inputs: 0, defaultFilterId: 'ann' });
    await expect(createDataset(store, 'cats', {}, {}, ctx)).rejects.toMatchObject({ code: 'DATASET_EXISTS' });
    await expect(createDataset(store, 'a@b', {}, {}, ctx)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(createDataset(store, 'b', { defaultFilterId: 'an' }, {}, ctx)).rejects.toMatchObject({
      code: 'FILTER_NOT_FOUND',
      message: expect.stringContaining('ann'),
    });

    const patch = { action: 'remove', metadata: { a: { b: true } }, description: '' } as const;
    expect(await patchDataset(store, 'cats', patch, {}, ctx)).toEqual({
      ...{ id: 'cats', metadata: { a: { c: 2 } }, defaultFilterId: 'ann' },
      ...{ createdAt: made.createdAt, modifiedAt: expect.any(String) },
    });
    await patchDataset(store, 'cats', { action: 'merge', defaultFilterId: '' }, {}, ctx);
    expect(await show(store, 'cats')).not.toHaveProperty('defaultFilterId');
    await expect(patchDataset(store, 'cat', { action: 'merge' }, {}, ctx)).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
      message: expect.stringContaining('did you mean cats?'),
    });

    expect(await deleteDataset(store, 'cats', {}, ctx)).toEqual({ inputs: 0, versions: 0 });
    expect(await show(store, 'cats')).toBeUndefined();
  });

  test('that is deleted leaves its inputs, and its versions unless they are to go too', async () => {
    const store = await tempFolder();
    await ingest(store, [texts('a', 3)]);
    await createVersion(store, { dataset: 'default', id: 'v1' }, ctx);
    expect(await deleteDataset(store, 'default', {}, ctx)).toEqual({ inputs: 3, versions: 0 });
    expect((await allInputs(store)).map(({ datasets }) => datasets)).toEqual([[], [], []]);
    const reader = await openReader(store);
    expect(await collect((await reader.openVersion('default', 'v1')).inputs())).toHaveLength(3);
    expect(await deleteDataset(store, 'default', { versions: true }, ctx)).toEqual({
      inputs: 0,
      versions: 1,
    });
    expect(await reader.listVersions('default')).toEqual([]);
    reader.close();
    await expect(deleteDataset(store, 'default', {}, ctx)).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
    });
  });

  test('takes the inputs of another one, or single ones, once', async () => {
    const store = await tempFolder();
    await ingest(store, [texts('a', 20)], { dataset: 'a' });
    await ingest(store, [[...texts('b', 3), textItem('a-1', 'a 1')]], { dataset: 'b', runId: 'run-2' });
    expect(await addMembers(store, 'b', { dataset: 'a' }, {}, ctx)).toEqual({
      changed: 19,
      unchanged: 1,
      missing: 0,
    });
    expect(await addMembers(store, 'b', { dataset: 'a' }, {}, ctx)).toEqual({
      changed: 0,
      unchanged: 20,
      missing: 0,
    });
    expect(await show(store, 'b')).toMatchObject({ inputs: 23 });
    expect(await show(store, 'a')).toMatchObject({ inputs: 20 });

    const some = { ids: ['a-0', 'a-0', 'b-1', 'nobody'] };
    expect(await removeMembers(store, 'a', some, {}, ctx)).toEqual({ changed: 1, unchanged: 1, missing: 1 });
    expect(await membersOf(store, 'a')).not.toContain('a-0');
    expect(await addMembers(store, 'a', some, {}, ctx)).toEqual({ changed: 2, unchanged: 0, missing: 1 });
    expect(await removeMembers(store, 'b', { dataset: 'a' }, {}, ctx)).toMatchObject({ changed: 21 });
    expect(await membersOf(store, 'b')).toEqual(['b-0', 'b-2']);
    await expect(addMembers(store, 'a', { dataset: 'a' }, {}, ctx)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(addMembers(store, 'a', { dataset: 'c' }, {}, ctx)).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
    });
  });

  test('of a store from before datasets could be described is read and changed', async () => {
    const store = await tempFolder();
    await ingest(store, [texts('a', 1)]);
    const connection = await connectTables(join(store, 'db'));
    const table = await connection.openTable('datasets');
    await table.dropColumns(['description', 'metadata', 'defaultFilterId', 'modifiedAt']);
    table.close();
    connection.close();
    expect(await show(store, 'default')).toMatchObject({ id: 'default', metadata: {}, inputs: 1 });
    await patchDataset(store, 'default', { action: 'merge', description: 'Old' }, {}, ctx);
    await ingest(store, [texts('b', 1)], { dataset: 'new', runId: 'run-2' });
    expect(await show(store, 'default')).toMatchObject({ description: 'Old', metadata: {}, inputs: 1 });
    expect(await show(store, 'new')).toMatchObject({ metadata: {}, inputs: 1 });
  });

  test('is not changed beside a writer', async () => {
    const store = await tempFolder();
    const writer = await openWriter(store, writerOptions({ runId: 'run-busy' }), ctx);
    for (const task of [
      () => createDataset(store, 'x', {}, {}, ctx),
      () => patchDataset(store, 'default', { action: 'merge' }, {}, ctx),
      () => deleteDataset(store, 'default', {}, ctx),
      () => addMembers(store, 'default', { ids: ['a'] }, {}, ctx),
      () => splitDataset(store, 'default', { metadata: 'k' }, {}, ctx),
      () => createFilter(store, 'x', {}, {}, ctx),
      () => patchInputs(store, ['a'], { action: 'merge', patch: {} }, {}, ctx),
      () => deleteAnnotations(store, ['a'], {}, ctx),
    ]) {
      await expect(task()).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    }
    await writer.close();
  });
});

describe('splits', () => {
  const rule = { percent: { train: 80, val: 10, test: 10 } };
  const splitsOf = async (store: string) =>
    new Map((await allInputs(store)).map(({ id, split }) => [id, split]));

  test('by percentage are close to it, the same each time, and stay when inputs are added', async () => {
    const store = await tempFolder();
    await ingest(store, [texts('a', 2000)]);
    const { bySplit, changed } = await splitDataset(store, 'default', rule, {}, ctx);
    expect(changed).toBe(2000);
    expect(Object.keys(bySplit)).toEqual(['test', 'train', 'val']);
    expect(bySplit['train']).toBeGreaterThan(1500);
    expect(bySplit['train']).toBeLessThan(1700);
    const before = await splitsOf(store);
    await ingest(store, [texts('b', 200)], { runId: 'run-2' });
    expect(await splitDataset(store, 'default', rule, {}, ctx)).toMatchObject({
      changed: 200,
      unchanged: 2000,
    });
    const after = await splitsOf(store);
    for (const [id, split] of before) expect(after.get(id)).toBe(split);

    const other = await splitDataset(store, 'default', { ...rule, seed: 'other' }, {}, ctx);
    expect(other.changed).toBeGreaterThan(200);
    expect(await show(store, 'default')).toMatchObject({ bySplit: other.bySplit });
  });

  test('by metadata take its value, and inputs without one keep theirs', async () => {
    const store = await tempFolder();
    const metadata = (value: unknown) => ({ metadata: { fold: value }, split: 'before' });
    const values = ['train', 1, true, '', null, { a: 1 }];
    await ingest(store, [values.map((value, i) => textItem(`${i}`, `${i}`, metadata(value)))]);
    expect(await splitDataset(store, 'default', { metadata: 'fold' }, {}, ctx)).toEqual({
      changed: 3,
      unchanged: 3,
      withoutValue: 3,
      bySplit: { '1': 1, before: 3, train: 1, true: 1 },
    });
    expect([...(await splitsOf(store)).values()]).toEqual([
      'train',
      '1',
      'true',
      'before',
      'before',
      'before',
    ]);
  });

  test('that do not add up to 100 are refused', async () => {
    const store = await tempFolder();
    await ingest(store, [texts('a', 1)]);
    for (const percent of [{ a: 50, b: 49 }, { a: 110, b: -10 }, { '': 100 }, {}]) {
      await expect(
        splitDataset(store, 'default', { percent: percent as Record<string, number> }, {}, ctx),
      ).rejects.toThrow(/add up/);
    }
    await splitDataset(store, 'default', { percent: { a: 33.3, b: 33.3, c: 33.4 } }, {}, ctx);
  });
});

describe('filters', () => {
  test('are stored, changed and deleted, and versions keep what they were made with', async () => {
    const store = await tempFolder();
    const ann = { ...box('1'), annotator: 'ann' };
    const bob = { ...box('2'), annotator: 'bob' };
    await ingest(store, [[withAnnotations(imageItem('a', 'A'), ann, bob)]]);
    await createFilter(store, 'person', { annotators: ['ann'], kinds: ['box'] }, {}, ctx);
    await expect(createFilter(store, 'person', {}, {}, ctx)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await patchDataset(store, 'default', { action: 'merge', defaultFilterId: 'person' }, {}, ctx);
    const first = await createVersion(store, { dataset: 'default' }, ctx);
    expect(first).toMatchObject({
      filterId: 'person',
      filter: { annotators: ['ann'] },
      annotationsLeftOut: 1,
    });

    const changed = { action: 'merge' as const, filter: { annotators: ['ann', 'bob'] } };
    expect((await patchFilter(store, 'person', changed, {}, ctx)).filter).toEqual({
      annotators: ['ann', 'bob'],
      kinds: ['box'],
    });
    expect(await createVersion(store, { dataset: 'default' }, ctx)).toMatchObject({ annotationsLeftOut: 0 });
    const whole = { action: 'overwrite' as const, filter: { kinds: ['mask' as const] } };
    expect((await patchFilter(store, 'person', whole, {}, ctx)).filter).toEqual({ kinds: ['mask'] });
    const own = await createVersion(store, { dataset: 'default', filter: { annotators: ['bob'] } }, ctx);
    expect(own).toMatchObject({ annotationsLeftOut: 1 });
    expect(own).not.toHaveProperty('filterId');

    await expect(deleteFilter(store, 'person', {}, ctx)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('default'),
    });
    await patchDataset(store, 'default', { action: 'merge', defaultFilterId: '' }, {}, ctx);
    await deleteFilter(store, 'person', {}, ctx);
    const reader = await openReader(store);
    expect(await reader.listFilters()).toEqual([]);
    expect(await reader.getVersion('default', first.id)).toEqual(first);
    await expect(reader.getFilter('person')).rejects.toMatchObject({ code: 'FILTER_NOT_FOUND' });
    reader.close();
    for (const filter of [{ annotators: [] }, { after: 'yesterday' }, { kinds: ['circle'] }, { other: 1 }]) {
      await expect(createFilter(store, 'bad', filter as object, {}, ctx)).rejects.toThrow(
        /annotation filter: /,
      );
    }
  });
});

describe('patching inputs', () => {
  const concept = (id: string, value = 1) => ({ id, name: id, value });
  const item = () =>
    withAnnotations(
      imageItem('a', 'A', {
        concepts: [concept('cat'), concept('dog')],
        metadata: { k: 1, deep: { x: 1 } },
        geo: { latitude: 1, longitude: 2 },
        split: 'train',
      }),
      box('1'),
      box('2'),
    );
  const stored = async () => {
    const store = await tempFolder();
    await ingest(store, [[item(), imageItem('b', 'B')]]);
    return store;
  };
  const patched = async (store: string, action: 'merge' | 'overwrite' | 'remove', patch: object) => {
    const counts = await patchInputs(
      store,
      ['a'],
      { action, patch: patch as Record<string, unknown> },
      {},
      ctx,
    );
    const [a] = await allInputs(store);
    return { ...counts, ...a! };
  };

  test('merges concepts by id, metadata deeply, and annotations by id', async () => {
    const store = await stored();
    const patch = {
      concepts: [{ id: 'dog', value: 0 }, { id: 'eel' }],
      metadata: { deep: { y: 2 } },
      annotations: [
        { id: '1', score: 0.5 },
        { id: '3', concepts: [{ id: 'new' }] },
      ],
    };
    expect(await patched(store, 'merge', patch)).toMatchObject({
      changed: 1,
      concepts: [concept('cat'), concept('dog', 0), concept('eel')],
      metadata: { k: 1, deep: { x: 1, y: 2 } },
      geo: { latitude: 1, longitude: 2 },
      split: 'train',
      annotations: [{ ...box('1'), score: 0.5 }, box('2'), { id: '3', concepts: [concept('new')] }],
    });
    expect(await patchInputs(store, ['a', 'nobody'], { action: 'merge', patch }, {}, ctx)).toEqual({
      ...{ changed: 0, unchanged: 1, missing: 1 },
    });
  });

  test('overwrites all of the data but the media', async () => {
    const overwritten = await patched(await stored(), 'overwrite', { metadata: { only: 1 } });
    expect(overwritten).not.toHaveProperty('geo');
    expect(overwritten).toMatchObject({
      concepts: [],
      metadata: { only: 1 },
      split: 'train',
      annotations: [box('1'), box('2')],
      bytes: 1,
    });
    expect(
      await patched(await stored(), 'overwrite', { annotations: [box('9')], split: 'val' }),
    ).toMatchObject({
      annotations: [box('9')],
      split: 'val',
    });
  });

  test('removes keys by true and entries by id', async () => {
    const patch = {
      concepts: [{ id: 'cat' }],
      metadata: { deep: { x: true } },
      geo: true,
      split: true,
      annotations: [{ id: '1' }],
    };
    const input = await patched(await stored(), 'remove', patch);
    expect(input).toMatchObject({
      concepts: [concept('dog')],
      metadata: { k: 1, deep: {} },
      annotations: [box('2')],
    });
    expect(input).not.toHaveProperty('geo');
    expect(input).not.toHaveProperty('split');
  });

  test('changes nothing at all when one of the inputs could not be so', async () => {
    const store = await stored();
    const before = await allInputs(store);
    const all = (patch: object) =>
      patchInputs(store, ['b', 'a'], { action: 'merge', patch: patch as Record<string, unknown> }, {}, ctx);
    await expect(all({ geo: { latitude: 90, longitude: 181 } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('geo: longitude'),
    });
    // Only the box of `a` is there to be merged with; for `b` it is an annotation without substance.
    await expect(all({ annotations: [{ id: '1', score: 0.1 }] })).rejects.toThrow(
      /input b: annotations\[0\]/,
    );
    await expect(all({ annotations: [{ id: '9', segment: { beginMs: 0, endMs: 1 } }] })).rejects.toThrow(
      /input a/,
    );
    await expect(all({ media: {} })).rejects.toThrow(/no field media/);
    expect(await allInputs(store)).toEqual(before);
  });

  test('deleting annotations spares the concepts of the input', async () => {
    const store = await stored();
    expect(await deleteAnnotations(store, ['a', 'b', 'c'], {}, ctx)).toEqual({
      changed: 1,
      unchanged: 1,
      missing: 1,
    });
    expect(await allInputs(store)).toMatchObject([
      { annotations: [], concepts: [concept('cat'), concept('dog')] },
      { annotations: [] },
    ]);
    expect(await deleteAnnotations(store, ['a'], {}, ctx)).toMatchObject({ changed: 0 });
  });

  test('leaves a store that goes on', async () => {
    const store = await stored();
    await ingest(store, [texts('t', 9000)], { runId: 'run-2' });
    await splitDataset(store, 'default', { percent: { train: 50, test: 50 } }, {}, ctx);
    await ingest(store, [[item(), ...texts('t', 9001)]], { runId: 'run-3' });
    const findings = await collect(checkStore(store, { deep: true }, ctx));
    expect(findings.filter(({ finding }) => finding !== 'RUN_MISSING')).toEqual([]);
    expect(await allInputs(store)).toHaveLength(9003);
  });
});

import { describe, expect, test } from 'vitest';
import type { Input } from '../../../src/model/input.ts';
import { compactStore, deleteInputs, openReader, openWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, codes, collect, imageItem, ingest, textItem, writerOptions } from './support.ts';

const ctx = testContext();
const names = (inputs: Input[]) => inputs.map(({ id }) => id);

describe('a listing', () => {
  test('is in the order of the ids, whatever the order of writing', async () => {
    const store = await tempFolder();
    const ids = ['b', 'a', 'ä', 'Z', '😀', '\uff5e', 'a-1', 'a1', '10', '9'];
    await ingest(store, [ids.map((id) => textItem(id, id))]);
    const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(names(await allInputs(store))).toEqual(sorted);
  });

  test('of more than fits into memory at once is complete, ordered, and comes in pages too', async () => {
    const store = await tempFolder();
    // 600 texts of 60 kB are two ranges and some.
    const ids = Array.from({ length: 600 }, (_, n) => `id-${(n * 7919) % 600}`);
    const batches = Array.from({ length: 20 }, (_, b) =>
      ids.slice(b * 30, b * 30 + 30).map((id) => textItem(id, id.repeat(60_000 / id.length))),
    );
    await ingest(store, batches);
    const sorted = ids.toSorted();
    const reader = await openReader(store);
    expect(names(await collect(reader.listInputs()))).toEqual(sorted);
    const paged: string[] = [];
    for (let afterId: string | undefined; ; afterId = paged.at(-1)) {
      const page = await collect(
        reader.listInputs({ limit: 250, ...(afterId === undefined ? {} : { afterId }) }),
      );
      paged.push(...names(page));
      if (page.length < 250) break;
    }
    expect(paged).toEqual(sorted);
    expect(await collect(reader.listInputs({ limit: 0 }))).toEqual([]);
    reader.close();
  });

  test('of a store with no inputs is empty', async () => {
    const store = await tempFolder();
    await ingest(store, []);
    const reader = await openReader(store);
    expect(await collect(reader.listInputs())).toEqual([]);
    expect(await reader.getInput('a')).toBeUndefined();
    expect(await reader.listDatasets()).toMatchObject([{ id: 'default', inputs: 0 }]);
    reader.close();
  });

  test('goes on after its version was compacted and cleaned away under it', async () => {
    const store = await tempFolder();
    const ids = Array.from({ length: 600 }, (_, n) => `id-${String(n).padStart(4, '0')}`);
    for (let part = 0; part < 3; part++) {
      await ingest(store, [
        ids.slice(part * 200, part * 200 + 200).map((id) => textItem(id, 'x'.repeat(60_000))),
      ]);
    }
    const reader = await openReader(store);
    const seen: string[] = [];
    for await (const { id } of reader.listInputs()) {
      seen.push(id);
      if (seen.length === 10) {
        await deleteInputs(store, ['id-0005', 'id-0599'], {}, ctx);
        // The first pass keeps the version that it began on.
        await compactStore(store, { retainMs: 0 }, ctx);
        await compactStore(store, { retainMs: 0 }, ctx);
      }
    }
    // What it had seen stays seen; what was deleted ahead may be in the listing or not, all else is.
    expect(seen.slice(0, 599)).toEqual(ids.slice(0, 599));
    expect(new Set(seen).size).toBe(seen.length);
    reader.close();
  });

  test('while a run writes shows whole commits and never waits', async () => {
    const store = await tempFolder();
    const writer = await openWriter(store, writerOptions(), ctx);
    const reader = await openReader(store);
    let before = -1;
    for (let commit = 0; commit < 10; commit++) {
      const batch = Array.from({ length: 16 }, (_, i) => textItem(`t-${commit}-${i}`, `${commit}`));
      const [listed] = await Promise.all([collect(reader.listInputs()), writer.write(batch), writer.flush()]);
      expect(listed.length % 16).toBe(0);
      expect(listed.length).toBeGreaterThan(before);
      before = listed.length - 1;
    }
    expect(await collect(reader.listInputs())).toHaveLength(160);
    reader.close();
    await writer.close();
  });
});

describe('datasets', () => {
  const odd = ["it's", '100 %', 'a"b', 'ünï 😀', 'back\\slash', "x') OR (1=1"];

  test('with odd names are listed, counted and filtered by', async () => {
    const store = await tempFolder();
    for (const [n, dataset] of odd.entries()) {
      await ingest(store, [[textItem('shared', 's'), imageItem(`own-${n}`, `${n}`)]], {
        dataset,
        runId: `r${n}`,
      });
    }
    const reader = await openReader(store);
    const listed = await reader.listDatasets();
    expect(listed.map(({ id }) => id).sort()).toEqual(odd.toSorted());
    for (const [n, id] of odd.entries()) {
      expect(listed.find((dataset) => dataset.id === id)).toEqual({
        id,
        inputs: 2,
        bytes: 2,
        byKind: { text: 1, image: 1 },
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        modifiedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        metadata: {},
      });
      expect(names(await collect(reader.listInputs({ dataset: id })))).toEqual([`own-${n}`, 'shared']);
    }
    expect(await collect(reader.listInputs({ dataset: 'nobody' }))).toEqual([]);
    reader.close();
  });

  test('show their concepts, present and negative, and their splits', async () => {
    const store = await tempFolder();
    const concept = (id: string, value: number) => ({ id, name: id.toUpperCase(), value });
    await ingest(store, [
      [
        textItem('a', 'a', { concepts: [concept('cat', 1), concept('dog', 0)], split: 'train' }),
        textItem('b', 'b', { concepts: [concept('cat', 0)], split: 'test' }),
        textItem('c', 'c', { concepts: [concept('cat', 1)] }),
      ],
    ]);
    const reader = await openReader(store);
    expect(await reader.showDataset('default')).toMatchObject({
      inputs: 3,
      concepts: [
        { id: 'cat', name: 'CAT', positive: 2, negative: 1 },
        { id: 'dog', name: 'DOG', positive: 0, negative: 1 },
      ],
      bySplit: { test: 1, train: 1 },
    });
    expect(await reader.showDataset('nobody')).toBeUndefined();
    reader.close();
  });
});

test('deleting takes rows by any id, says how many there were, and leaves the rest', async () => {
  const store = await tempFolder();
  const ids = ["O'Reilly", '%', 'plain', 'keep'];
  await ingest(store, [ids.map((id) => textItem(id, id))]);
  expect(await deleteInputs(store, ["O'Reilly", '%', 'plain', 'plain', 'unknown'], {}, ctx)).toBe(3);
  expect(names(await allInputs(store))).toEqual(['keep']);
  expect(codes(await ingest(store, [[textItem('plain', 'new')]], { runId: 'run-2' }))).toEqual([
    'INPUT_SUCCESS',
  ]);
});

test('a text keeps its byte order mark, beside texts with and without one', async () => {
  const store = await tempFolder();
  const texts = { bom: '\ufeffhello', plain: 'hello', other: '日本語' };
  await ingest(store, [Object.entries(texts).map(([id, text]) => textItem(id, text))]);
  const stored = (await allInputs(store)).map(({ id, text }) => [id, text]);
  expect(Object.fromEntries(stored)).toEqual(texts);
});

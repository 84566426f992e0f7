import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { Annotation } from '../../../src/model/annotation.ts';
import type { ReadyItem } from '../../../src/model/contracts.ts';
import { checkStore, collectGarbage, openPlan, openReader } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import {
  allInputs,
  box,
  codes,
  collect,
  imageItem,
  ingest,
  textItem,
  withAnnotations,
  writerOptions,
} from './support.ts';

const ctx = testContext();
const problems = async (store: string) =>
  (await collect(checkStore(store, { deep: true }, ctx))).filter(({ finding }) => finding !== 'RUN_MISSING');

/** One annotation of about so many bytes of JSON. */
const large = (bytes: number, fill = 'x'): Annotation => ({ ...box('large'), text: fill.repeat(bytes) });

const everything: Annotation = {
  id: 'all',
  concepts: [{ id: 'cat', name: 'Cät 😀', value: 0 }],
  region: {
    box: { top: 0.1, left: 0.2, bottom: 0.30000000000000004, right: 1 },
    polygon: [
      [
        [
          [0, 0],
          [1, 0],
          [0, 1],
        ],
      ],
    ],
    mask: { size: [4, 5], counts: '0PQ`\\"' },
    keypoints: [{ x: 0.5, y: 0.5, z: -1, visibility: 'not_visible', name: 'left_eye' }],
  },
  trackId: 'track',
  text: 'read \u2028 \ud800',
  geo: { latitude: -1, longitude: 2 },
  metadata: JSON.parse('{"__proto__": {"a": [null, 1e300]}}'),
  info: { coco: { iscrowd: 1 } },
  score: 0.875,
  status: 'pending',
  annotator: 'ann',
  createdAt: '2026-01-01T00:00:00.000Z',
};

describe('annotations', () => {
  test('come back as they were', async () => {
    const store = await tempFolder();
    await ingest(store, [[withAnnotations(imageItem('a', 'A'), everything, box('b')), imageItem('b', 'B')]]);
    const [a, b] = await allInputs(store);
    expect(a?.annotations).toEqual([everything, box('b')]);
    expect(b?.annotations).toEqual([]);
    const reader = await openReader(store);
    expect(await reader.getInput('a')).toEqual(a);
    reader.close();
  });

  test('stay when only other labels change, and a plan and a run say the same of them', async () => {
    const store = await tempFolder();
    await ingest(store, [[withAnnotations(imageItem('a', 'A'), box('x')), imageItem('b', 'B')]]);
    const unread = { payload: { unchanged: true } } as const;
    const batch = (): ReadyItem[] => [
      { ...imageItem('a', 'A', { split: 'val' }), ...unread },
      withAnnotations(imageItem('b', 'B'), box('y')),
    ];
    for (const code of ['INPUT_UPDATED', 'INPUT_UNCHANGED']) {
      const plan = await openPlan(store, { ...writerOptions(), spoolDir: await tempFolder() });
      expect(codes(await plan.write(batch()))).toEqual([code, code]);
      await plan.close();
      expect(codes(await ingest(store, [batch()], { runId: `run of ${code}` }))).toEqual([code, code]);
    }
    expect(await allInputs(store)).toMatchObject([
      { id: 'a', split: 'val', annotations: [box('x')] },
      { id: 'b', annotations: [box('y')] },
    ]);
  });

  test('of the item alone stay where bytes are replaced', async () => {
    const store = await tempFolder();
    await ingest(store, [[withAnnotations(imageItem('a', 'A'), box('x'))]]);
    await ingest(store, [[withAnnotations(imageItem('a', 'B'), box('y'))]], { onDuplicate: 'replace' });
    expect(await allInputs(store)).toMatchObject([{ annotations: [box('y')] }]);
  });

  test('too large to be held together are compared, kept and rewritten in parts', async () => {
    const store = await tempFolder();
    const size = 3_000_000;
    // 90 MB, in two batches of fifteen.
    const batches = (fill: string, annotated: (i: number) => boolean) =>
      [0, 1].map((b) =>
        Array.from({ length: 15 }, (_, j) => {
          const i = b * 15 + j;
          const item = imageItem(`i-${String(i).padStart(2, '0')}`, `${i}`, { metadata: { fill } });
          return annotated(i) ? withAnnotations(item, large(size, fill)) : item;
        }),
      );
    expect(
      new Set(
        codes(
          await ingest(
            store,
            batches('a', () => true),
          ),
        ),
      ),
    ).toEqual(new Set(['INPUT_SUCCESS']));
    const again = await ingest(
      store,
      batches('a', () => true),
      { runId: 'run-2' },
    );
    expect(new Set(codes(again))).toEqual(new Set(['INPUT_UNCHANGED']));
    const changed = await ingest(
      store,
      batches('b', (i) => i % 2 === 0),
      { runId: 'run-3' },
    );
    expect(new Set(codes(changed))).toEqual(new Set(['INPUT_UPDATED']));
    let n = 0;
    const reader = await openReader(store);
    for await (const { id, annotations, metadata } of reader.listInputs()) {
      expect(id).toBe(`i-${String(n).padStart(2, '0')}`);
      expect(annotations.map(({ text }) => [text!.length, text![0]])).toEqual([
        [size, n++ % 2 === 0 ? 'b' : 'a'],
      ]);
      expect(metadata).toEqual({ fill: 'b' });
    }
    expect(n).toBe(30);
    expect(await reader.showDataset('default')).toMatchObject({ annotations: { total: 30, inputs: 30 } });
    reader.close();
    expect(await problems(store)).toEqual([]);
  });
});

describe('a text beside an image', () => {
  test('comes back with it, and the image is still what its bytes are', async () => {
    const store = await tempFolder();
    const text = 'grüße '.repeat(50_000);
    await ingest(store, [[imageItem('a', 'image bytes', { text }), textItem('t', 'content')]]);
    expect(await allInputs(store)).toMatchObject([
      { id: 'a', kind: 'image', bytes: 11, text },
      { id: 't', kind: 'text', text: 'content' },
    ]);
    const reader = await openReader(store);
    expect((await buffer(await reader.openBytes('a'))).toString()).toBe('image bytes');
    expect((await buffer(await reader.openBytes('t'))).toString()).toBe('content');
    reader.close();
    expect(await problems(store)).toEqual([]);
    expect(await collectGarbage(store, { graceMs: -60_000 }, ctx)).toMatchObject({ blobs: 0 });
  });

  test('does not hide that the blob of the image is gone', async () => {
    const store = await tempFolder();
    const image = imageItem('a', 'image bytes', { text: 'beside' });
    await ingest(store, [[image]]);
    const path = join(store, 'blobs', image.sha256.slice(0, 2), image.sha256);
    expect(await readFile(path, 'utf8')).toBe('image bytes');
    await rm(path);
    expect(await problems(store)).toMatchObject([{ finding: 'BLOB_MISSING', id: 'a' }]);
  });

  test('stays when an item brings none, and is compared when one does', async () => {
    const store = await tempFolder();
    await ingest(store, [[imageItem('a', 'A', { text: 'one' })]]);
    const write = async (text: string | undefined, split: string) =>
      codes(
        await ingest(store, [[imageItem('a', 'A', { ...(text === undefined ? {} : { text }), split })]], {
          runId: `${text}-${split}`,
        }),
      );
    expect(await write(undefined, 'train')).toEqual(['INPUT_UPDATED']);
    expect(await write('one', 'train')).toEqual(['INPUT_UNCHANGED']);
    expect(await write('two', 'train')).toEqual(['INPUT_UPDATED']);
    expect(await allInputs(store)).toMatchObject([{ text: 'two', split: 'train' }]);
  });
});

test('a dataset counts its annotations by part and concept, apart from the concepts of whole inputs', async () => {
  const store = await tempFolder();
  const cat = { id: 'cat', name: 'Cat', value: 1 };
  await ingest(store, [
    [
      withAnnotations(imageItem('a', 'A', { concepts: [cat] }), everything, box('x'), box('y', 'dog')),
      withAnnotations(textItem('t', 'text'), { id: 's', concepts: [cat], span: { start: 0, end: 2 } }),
      imageItem('b', 'B'),
    ],
  ]);
  await ingest(store, [[withAnnotations(imageItem('c', 'C'), box('x'))]], { dataset: 'other' });
  const reader = await openReader(store);
  expect(await reader.showDataset('default')).toMatchObject({
    inputs: 3,
    concepts: [{ id: 'cat', positive: 1, negative: 0 }],
    annotations: {
      total: 4,
      inputs: 2,
      byPart: { box: 3, polygon: 1, mask: 1, keypoints: 1, span: 1 },
      concepts: [
        { id: 'cat', positive: 2, negative: 1 },
        { id: 'dog', positive: 1, negative: 0 },
      ],
    },
  });
  reader.close();
});

import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Annotation } from '../../../src/model/annotation.ts';
import type { ReadyItem } from '../../../src/model/contracts.ts';
import type { DatasetVersion } from '../../../src/model/dataset.ts';
import type { Input } from '../../../src/model/input.ts';
import {
  checkStore,
  collectGarbage,
  compactStore,
  createVersion,
  deleteAnnotations,
  deleteInputs,
  deleteVersion,
  openReader,
  openWriter,
  patchVersion,
} from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { box, collect, imageItem, ingest, textItem, withAnnotations, writerOptions } from './support.ts';

const ctx = testContext();
/** Nothing is too young. */
const all = { graceMs: -60_000 };

const version = (store: string, id: string, rest: Partial<Parameters<typeof createVersion>[1]> = {}) =>
  createVersion(store, { dataset: 'default', id, ...rest }, ctx);

/** What a version holds, with where its media are. */
async function contentOf(store: string, { dataset, id }: Pick<DatasetVersion, 'dataset' | 'id'>) {
  const reader = await openReader(store);
  try {
    const source = await reader.openVersion(dataset, id);
    const inputs = await collect(source.inputs());
    const media = await Promise.all(inputs.map((input) => source.media(input)));
    return { version: source.version, inputs, media, concepts: source.concepts };
  } finally {
    reader.close();
  }
}

const idsOf = (inputs: readonly Input[]): string[] => inputs.map(({ id }) => id);

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const chunksOf = (store: string): Promise<string[]> => filesBelow(join(store, 'versions', 'chunks'));

const problems = async (store: string) =>
  (await collect(checkStore(store, { deep: true }, ctx))).filter(({ finding }) => finding !== 'RUN_MISSING');

const texts = (count: number, from = 0): ReadyItem[] =>
  Array.from({ length: count }, (_, i) =>
    textItem(`id-${String(from + i).padStart(6, '0')}`, `text ${from + i}`),
  );

describe('a version', () => {
  test('has the inputs and annotations that the dataset had, in the order of their ids', async () => {
    const store = await tempFolder();
    const annotated = withAnnotations(imageItem('b', 'B', { split: 'val' }), box('x'), box('y', 'dog'));
    const large = 'x'.repeat(64_001);
    await ingest(store, [
      [annotated, textItem('a', 'grüße'), textItem('\u{1f600}', large), textItem('～', '')],
    ]);
    await ingest(store, [[textItem('other', 'o')]], { dataset: 'other' });
    const made = await version(store, 'v1', { name: 'First' });
    expect(made).toMatchObject({
      ...{ dataset: 'default', id: 'v1', name: 'First', metadata: {} },
      inputsByKind: { image: 1, text: 3 },
      inputsBySplit: { val: 1 },
      bytes: 1 + 7 + 64_001,
      annotationsLeftOut: 0,
      concepts: { cat: { name: 'cat', positive: 1, negative: 0, regions: 1 } },
    });
    const { inputs, media } = await contentOf(store, made);
    expect(idsOf(inputs)).toEqual(['a', 'b', '～', '\u{1f600}']);
    expect(inputs[1]).toMatchObject({ annotations: [box('x'), box('y', 'dog')], datasets: ['default'] });
    expect(media[0]).toEqual({ buffer: Buffer.from('grüße') });
    expect(media[1]).toEqual({ path: expect.stringContaining(inputs[1]!.sha256), bytes: 1 });
    expect(media[2]).toEqual({ buffer: Buffer.alloc(0) });
    expect(media[3]).toEqual({ path: expect.any(String), bytes: 64_001 });
    expect(await problems(store)).toEqual([]);
  });

  test('is read on after any id', async () => {
    const store = await tempFolder();
    await ingest(store, [texts(3000)]);
    await version(store, 'v1');
    expect((await chunksOf(store)).length).toBeGreaterThan(1);
    const reader = await openReader(store);
    const source = await reader.openVersion('default', 'v1');
    const ids = idsOf(await collect(source.inputs()));
    expect(ids).toEqual(texts(3000).map(({ item }) => item.id));
    for (const at of [0, 1, 999, 1500, 2998, 2999]) {
      expect(idsOf(await collect(source.inputs({ after: ids[at]! })))).toEqual(ids.slice(at + 1));
    }
    expect(idsOf(await collect(source.inputs({ after: 'id-001500x' })))).toEqual(ids.slice(1501));
    reader.close();
  });

  test('counts what it has, with the names of the platform', async () => {
    const store = await tempFolder();
    const concept = (id: string, value: number) => ({ id, name: id, value });
    const annotations: Annotation[] = [
      box('box'),
      { ...box('both'), region: { ...box('both').region, mask: { size: [1, 1], counts: '01' } } },
      { id: 'whole', concepts: [concept('cat', 1), concept('dog', 0)] },
      { id: 'frame', concepts: [concept('cat', 1)], frame: { timeMs: 40 } },
      { ...box('in frame'), frame: { timeMs: 40 } },
      { id: 'later', concepts: [], frame: { timeMs: 80 } },
      { id: 'part', concepts: [concept('cat', 1)], segment: { beginMs: 0, endMs: 1 } },
    ];
    const item = withAnnotations(
      imageItem('a', 'A', { concepts: [concept('cat', 1), concept('eel', 0)], metadata: { k: 1 } }),
      ...annotations,
    );
    const placed = imageItem('b', 'B', { geo: { latitude: 1, longitude: 2 } });
    await ingest(store, [[item, placed]]);
    const { metrics, concepts } = await version(store, 'v1');
    expect(metrics).toEqual({
      inputsCount: 2,
      unlabeledInputsCount: 1,
      inputsWithMetadataCount: 1,
      inputsWithGeoCount: 1,
      regionsCount: 3,
      boundingBoxesCount: 3,
      polygonsCount: 0,
      pointsCount: 0,
      masksCount: 1,
      framesCount: 2,
      embeddingsCount: 0,
      positiveInputTagsCount: 2,
      positiveRegionTagsCount: 3,
      positiveFrameTagsCount: 1,
      regionInputsCount: 1,
      regionFramesCount: 1,
      frameInputsCount: 1,
    });
    expect(concepts).toEqual({
      cat: { name: 'cat', positive: 7, negative: 0, regions: 3 },
      dog: { name: 'dog', positive: 0, negative: 1, regions: 0 },
      eel: { name: 'eel', positive: 0, negative: 1, regions: 0 },
    });
  });

  test('has its concepts in the order of their declaration, those of others left out', async () => {
    const store = await tempFolder();
    const concept = (id: string) => ({ id, name: id, value: 1 });
    const writer = await openWriter(store, writerOptions(), ctx);
    await writer.defineConcepts(
      ['zebra', 'ant', 'unused'].map((id, sourceId) => ({ id, name: id, sourceId })),
    );
    const writing = writer.write([textItem('a', 'A', { concepts: ['new', 'ant', 'zebra'].map(concept) })]);
    await Promise.all([writing, writer.flush()]);
    await writer.close();
    expect((await contentOf(store, await version(store, 'v1'))).concepts).toEqual([
      { id: 'zebra', name: 'zebra', sourceId: 0 },
      { id: 'ant', name: 'ant', sourceId: 1 },
      { id: 'new', name: 'new' },
    ]);
  });

  test('gets an id from the time when none is given, and another one each time', async () => {
    const store = await tempFolder();
    await ingest(store, [texts(1)]);
    const clock = { ...ctx.clock, now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) };
    const at = { ...ctx, clock };
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await createVersion(store, { dataset: 'default' }, at)).id);
    expect(ids).toEqual(['20260102T030405006', '20260102T030405006-2', '20260102T030405006-3']);
  });
});

describe('annotation filters', () => {
  const by = (id: string, annotator: string, rest: Partial<Annotation> = {}): Annotation => ({
    ...box(id),
    annotator,
    ...rest,
  });

  test('give two versions of the same inputs with the labels of two people', async () => {
    const store = await tempFolder();
    const a = withAnnotations(imageItem('a', 'A'), by('1', 'ann'), by('2', 'bob'), by('3', 'bob'));
    await ingest(store, [[a, imageItem('b', 'B')]]);
    const ann = await version(store, 'ann', { filter: { annotators: ['ann'] } });
    const bob = await version(store, 'bob', { filter: { annotators: ['bob'] } });
    expect([ann.annotationsLeftOut, bob.annotationsLeftOut]).toEqual([2, 1]);
    expect(ann.filter).toEqual({ annotators: ['ann'] });
    expect(ann.contentHash).not.toBe(bob.contentHash);
    const [ofAnn, ofBob] = [await contentOf(store, ann), await contentOf(store, bob)];
    expect(idsOf(ofAnn.inputs)).toEqual(idsOf(ofBob.inputs));
    expect(ofAnn.inputs[0]!.annotations.map(({ id }) => id)).toEqual(['1']);
    expect(ofBob.inputs[0]!.annotations.map(({ id }) => id)).toEqual(['2', '3']);
  });

  test('leave rejected annotations out unless they ask for them', async () => {
    const store = await tempFolder();
    const statuses = ['success', 'failed', 'review_denied', 'pending'] as const;
    const annotations = statuses.map((status) => by(status, 'ann', { status }));
    await ingest(store, [[withAnnotations(imageItem('a', 'A'), ...annotations, by('none', 'ann'))]]);
    const usual = await version(store, 'usual');
    expect(usual.annotationsLeftOut).toBe(2);
    expect(usual).not.toHaveProperty('filter');
    expect((await contentOf(store, usual)).inputs[0]!.annotations.map(({ id }) => id)).toEqual([
      'success',
      'pending',
      'none',
    ]);
    const denied = await version(store, 'denied', { filter: { statuses: ['review_denied'] } });
    expect((await contentOf(store, denied)).inputs[0]!.annotations.map(({ id }) => id)).toEqual([
      'review_denied',
    ]);
  });
});

describe('the content of a version', () => {
  test('stays through deleting, replacing, relabelling, compaction and collection', async () => {
    const store = await tempFolder();
    const items = () => [
      withAnnotations(imageItem('kept', 'kept'), box('1')),
      withAnnotations(imageItem('deleted', 'deleted'), box('1')),
      imageItem('replaced', 'before', { concepts: [{ id: 'old', name: 'old', value: 1 }] }),
      textItem('large', 'l'.repeat(70_000)),
    ];
    await ingest(store, [items()]);
    const made = await version(store, 'v1');
    const before = await contentOf(store, made);
    const bytes = async () =>
      Promise.all(before.media.map((media) => ('path' in media ? readFile(media.path) : media.buffer)));
    const bytesBefore = await bytes();

    await deleteInputs(store, ['deleted', 'large'], {}, ctx);
    await ingest(
      store,
      [[imageItem('replaced', 'after'), withAnnotations(imageItem('kept', 'kept'), box('2'))]],
      {
        runId: 'run-2',
        onDuplicate: 'replace',
        onExisting: 'overwrite',
        onAnnotations: 'replace',
      },
    );
    await deleteAnnotations(store, ['kept'], {}, ctx);
    await compactStore(store, { retainMs: 0 }, ctx);
    await collectGarbage(store, all, ctx);

    expect(await contentOf(store, made)).toEqual(before);
    expect(await bytes()).toEqual(bytesBefore);
    expect(await problems(store)).toEqual([]);
    const next = await contentOf(store, await version(store, 'v2'));
    expect(idsOf(next.inputs)).toEqual(['kept', 'replaced']);
    expect(next.version.contentHash).not.toBe(made.contentHash);
  });

  test('is gone from the disk once the version is deleted, and no earlier', async () => {
    const store = await tempFolder();
    await ingest(store, [[imageItem('a', 'bytes of a'), imageItem('b', 'bytes of b')]]);
    const made = await version(store, 'v1');
    await deleteInputs(store, ['a', 'b'], {}, ctx);
    expect(await collectGarbage(store, all, ctx)).toMatchObject({ blobs: 0, chunks: 0 });
    await deleteVersion(store, made, {}, ctx);
    expect(await collectGarbage(store, {}, ctx)).toMatchObject({ blobs: 0, chunks: 0 });
    expect(await collectGarbage(store, { ...all, dryRun: true }, ctx)).toMatchObject({ blobs: 2, chunks: 1 });
    expect(await collectGarbage(store, all, ctx)).toMatchObject({ blobs: 2, chunks: 1 });
    expect(await filesBelow(join(store, 'versions'))).toEqual([]);
    expect(await filesBelow(join(store, 'blobs'))).toEqual([]);
  });

  test('has the same hash when it is the same, in whatever order labels and keys came', async () => {
    const hashes = [];
    const concept = (id: string) => ({ id, name: id, value: 1 });
    for (const turned of [false, true]) {
      const turn = <T>(values: T[]): T[] => (turned ? values.toReversed() : values);
      const store = await tempFolder();
      const metadata = Object.fromEntries(
        turn([
          ['a', 1],
          ['b', { c: [1, 2] }],
        ] as [string, unknown][]),
      );
      const a = withAnnotations(
        imageItem('a', 'A', { concepts: turn([concept('x'), concept('y')]), metadata }),
        ...turn([box('1'), box('2')]),
      );
      await ingest(store, turn([[a], [textItem('b', 'B')]]));
      hashes.push((await version(store, `v${turned}`)).contentHash);
    }
    expect(hashes[0]).toBe(hashes[1]);
  });

  test('is refused, not half read, when a chunk is damaged, and the store’s check says so', async () => {
    const store = await tempFolder();
    await ingest(store, [[imageItem('a', 'A')]]);
    const made = await version(store, 'v1');
    const [chunk] = await chunksOf(store);
    const good = await readFile(chunk!);
    await writeFile(chunk!, good.subarray(0, -3));
    await expect(contentOf(store, made)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await problems(store)).toMatchObject([
      { finding: 'CHUNK_CONTENT', dataset: 'default', version: 'v1' },
    ]);
    await rm(chunk!);
    await expect(contentOf(store, made)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(await problems(store)).toMatchObject([{ finding: 'CHUNK_MISSING', path: chunk }]);
    // What the version names is not known any more, so nothing is collected.
    await expect(collectGarbage(store, all, ctx)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await writeFile(chunk!, good);
    expect(await problems(store)).toEqual([]);
  });

  test('names the input whose bytes are gone, and the check finds it', async () => {
    const store = await tempFolder();
    await ingest(store, [[imageItem('a', 'A'), imageItem('b', 'B')]]);
    const made = await version(store, 'v1');
    const { media } = await contentOf(store, made);
    await deleteInputs(store, ['a', 'b'], {}, ctx);
    await rm((media[0] as { path: string }).path);
    await writeFile((media[1] as { path: string }).path, 'too long');
    const reader = await openReader(store);
    const source = await reader.openVersion('default', 'v1');
    const [a, b] = await collect(source.inputs());
    await expect(source.media(a!)).rejects.toMatchObject({
      code: 'INPUT_NOT_FOUND',
      message: expect.stringContaining('input a is gone'),
    });
    await expect(source.media(b!)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND', measured: 8, limit: 1 });
    reader.close();
    expect(await problems(store)).toMatchObject([
      { finding: 'BLOB_MISSING', id: 'a' },
      { finding: 'BLOB_SIZE', id: 'b' },
      { finding: 'BLOB_CONTENT' },
    ]);
  });

  test('of a store that keeps references is read from the files, and no path is in what is printed', async () => {
    const store = join(await tempFolder(), 'store');
    const file = join(await tempFolder(), 'a.jpg');
    await writeFile(file, 'A');
    const item = imageItem('a', 'A', { file });
    await ingest(store, [[item]], { media: 'reference' });
    const made = await version(store, 'v1');
    const reader = await openReader(store);
    const source = await reader.openVersion('default', made.id);
    const [input] = await collect(source.inputs());
    expect(await source.media({ ...input! })).toEqual({ path: file, bytes: 1 });
    expect(JSON.stringify(input)).not.toContain(file);
    await rm(file);
    await expect(source.media(input!)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    reader.close();
  });
});

describe('a hundred versions', () => {
  test('share all chunks but those in which something changed, and their disk is bounded', async () => {
    const store = await tempFolder();
    // Of 8 kB each: about 120 rows a chunk.
    await ingest(store, [texts(1000).map(({ item }) => textItem(item.id, item.id.repeat(800)))]);
    await version(store, 'v0');
    const first = await chunksOf(store);
    const sizeOf = async (paths: string[]) =>
      (await Promise.all(paths.map((path) => stat(path)))).reduce((sum, { size }) => sum + size, 0);
    const size = await sizeOf(first);
    expect(first.length).toBeGreaterThan(4);
    for (let n = 1; n < 100; n++) {
      // One input in the middle comes with every tenth version.
      if (n % 10 === 0) await ingest(store, [[textItem(`id-000500-${n}`, 'new')]], { runId: `run-${n}` });
      await version(store, `v${n}`);
    }
    const chunks = await chunksOf(store);
    expect(chunks.length).toBeLessThanOrEqual(first.length + 9);
    expect(await sizeOf(chunks)).toBeLessThan(6 * size);

    const reader = await openReader(store);
    const versions = await reader.listVersions('default');
    expect(versions.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, n) => `v${n}`));
    expect(versions.map(({ metrics }) => metrics.inputsCount)).toEqual(
      Array.from({ length: 100 }, (_, n) => 1000 + Math.floor(n / 10)),
    );
    reader.close();

    for (let n = 0; n < 99; n++) await deleteVersion(store, { dataset: 'default', id: `v${n}` }, {}, ctx);
    await collectGarbage(store, all, ctx);
    expect((await chunksOf(store)).length).toBe(first.length);
    expect(await sizeOf(await chunksOf(store))).toBeLessThan(1.1 * size);
    expect((await contentOf(store, { dataset: 'default', id: 'v99' })).inputs).toHaveLength(1009);
  });
});

describe('what cannot be', () => {
  test('names what there is', async () => {
    const store = await tempFolder();
    await ingest(store, [texts(1)]);
    await version(store, 'first');
    const reader = await openReader(store);
    const failing = [
      [() => createVersion(store, { dataset: 'defalt' }, ctx), 'DATASET_NOT_FOUND', 'did you mean default?'],
      [() => version(store, 'first'), 'DATASET_EXISTS', 'first'],
      [() => version(store, 'v2', { filterId: 'none' }), 'FILTER_NOT_FOUND', 'there are none'],
      [() => version(store, 'a@b'), 'CONFIG_INVALID', '@'],
      [() => version(store, 'v2', { filter: { kinds: [] } }), 'CONFIG_INVALID', 'kinds'],
      [() => reader.openVersion('default', 'fist'), 'DATASET_VERSION_NOT_FOUND', 'did you mean first?'],
      [() => reader.openVersion('other', 'first'), 'DATASET_NOT_FOUND', 'there are default'],
      [
        () => deleteVersion(store, { dataset: 'default', id: 'x' }, {}, ctx),
        'DATASET_VERSION_NOT_FOUND',
        'first',
      ],
    ] as const;
    for (const [fails, code, message] of failing) {
      await expect(fails()).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    }
    expect(await reader.listVersions('nobody')).toEqual([]);
    expect(await reader.getVersion('default', 'x')).toBeUndefined();
    reader.close();
  });

  test('waits for the writer of the store', async () => {
    const store = await tempFolder();
    const writer = await openWriter(store, writerOptions({ runId: 'run-busy' }), ctx);
    await expect(version(store, 'v1')).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    const waiting = version(store, 'v1', { wait: true });
    await writer.close();
    expect((await waiting).metrics.inputsCount).toBe(0);
  });

  test('leaves nothing of a version that was stopped', async () => {
    const store = await tempFolder();
    await ingest(store, [texts(3000)]);
    const stop = new AbortController();
    let rows = 0;
    const signal = new Proxy(stop.signal, {
      get(target, key) {
        if (key === 'throwIfAborted' && ++rows === 2500) stop.abort();
        const value = Reflect.get(target, key) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await expect(
      createVersion(store, { dataset: 'default', id: 'v1' }, { ...ctx, signal }),
    ).rejects.toThrow();
    const reader = await openReader(store);
    expect(await reader.listVersions('default')).toEqual([]);
    reader.close();
    await collectGarbage(store, all, ctx);
    expect(await filesBelow(join(store, 'versions'))).toEqual([]);
  });
});

test('names of any writing are kept apart, and what is said of a version can be changed', async () => {
  const store = await tempFolder();
  await ingest(store, [[textItem('a', 'A')]], { dataset: 'chunks' });
  await ingest(store, [[textItem('b', 'B')]], { dataset: 'Chunks/../x' });
  for (const dataset of ['chunks', 'Chunks/../x']) {
    for (const id of ['V', 'v', '../v']) await createVersion(store, { dataset, id }, ctx);
  }
  const reader = await openReader(store);
  for (const dataset of ['chunks', 'Chunks/../x']) {
    expect((await reader.listVersions(dataset)).map(({ id }) => id).sort()).toEqual(['../v', 'V', 'v']);
  }
  const before = await contentOf(store, { dataset: 'chunks', id: 'v' });
  const patch = { name: 'New', description: 'Words', metadata: { a: { b: 1 } }, action: 'merge' } as const;
  await patchVersion(store, { dataset: 'chunks', id: 'v' }, patch, {}, ctx);
  const patched = await patchVersion(
    store,
    { dataset: 'chunks', id: 'v' },
    { description: '', metadata: { a: { b: true }, c: 2 }, action: 'remove' },
    {},
    ctx,
  );
  expect(patched).toEqual({ ...before.version, name: 'New', metadata: { a: {}, c: 2 } });
  expect(await contentOf(store, patched)).toEqual({ ...before, version: patched });
  expect(await reader.getVersion('chunks', 'V')).not.toHaveProperty('name');
  reader.close();
});

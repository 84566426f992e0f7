import { mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { statFingerprint } from '../../../src/io/fingerprint.ts';
import type { ReadyItem } from '../../../src/model/contracts.ts';
import { checkStore, openReader, openWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, codes, collect, imageItem, ingest, textItem, writerOptions } from './support.ts';

const blobsOf = async (store: string) =>
  (await readdir(join(store, 'blobs'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

const findingsOf = async (store: string) => {
  await mkdir(join(store, 'runs', 'run-1'), { recursive: true });
  return collect(checkStore(store, { deep: true }, testContext()));
};

describe('a store', () => {
  test('holds what was written to it, and says the same when read', async () => {
    const store = join(await tempFolder(), 'new', 'store');
    const image = imageItem('photo', 'jpeg bytes', {
      uri: 'a/photo.jpg',
      fingerprint: '10-5',
      concepts: [{ id: 'cat', name: 'Cat', value: 1 }],
      metadata: { camera: { make: "O'Brien" } },
      geo: { latitude: 47.5, longitude: -122.25 },
      split: 'train',
    });
    expect(codes(await ingest(store, [[image, textItem('note', 'grüße\n')]]))).toEqual([
      'INPUT_SUCCESS',
      'INPUT_SUCCESS',
    ]);
    expect(await allInputs(store)).toEqual([
      {
        id: 'note',
        kind: 'text',
        uri: 'note.src',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        bytes: 8,
        media: { format: 'text' },
        text: 'grüße\n',
        concepts: [],
        metadata: {},
        datasets: ['default'],
        annotations: [],
      },
      {
        id: 'photo',
        kind: 'image',
        uri: 'a/photo.jpg',
        sha256: image.sha256,
        bytes: 10,
        media: { format: 'jpeg' },
        concepts: [{ id: 'cat', name: 'Cat', value: 1 }],
        metadata: { camera: { make: "O'Brien" } },
        geo: { latitude: 47.5, longitude: -122.25 },
        datasets: ['default'],
        split: 'train',
        annotations: [],
      },
    ]);
    expect(await readFile(join(store, 'blobs', image.sha256.slice(0, 2), image.sha256), 'utf8')).toBe(
      'jpeg bytes',
    );
    expect(await findingsOf(store)).toEqual([]);
    expect(await readdir(join(store, 'tmp'))).toEqual([]);
  });

  test('is the same after the same run again', async () => {
    const store = await tempFolder();
    const batches = () => [
      Array.from({ length: 50 }, (_, i) => textItem(`t-${i}`, `text ${i}`, { split: 'train' })),
      Array.from({ length: 50 }, (_, i) => imageItem(`i-${i}`, `image ${i % 20}`)),
    ];
    await ingest(store, batches());
    const before = await allInputs(store);
    expect(new Set(codes(await ingest(store, batches(), { runId: 'run-2' })))).toEqual(
      new Set(['INPUT_UNCHANGED']),
    );
    expect(await allInputs(store)).toEqual(before);
    expect(before).toHaveLength(100);
    expect(await blobsOf(store)).toHaveLength(20);
    expect(await findingsOf(store)).toEqual([]);
  });

  test('refuses a folder that holds something else, and a newer schema', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'holiday.jpg'), '');
    await expect(ingest(folder, [])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await readdir(folder)).toEqual(['holiday.jpg']);

    const store = await tempFolder();
    await ingest(store, []);
    await writeFile(join(store, 'sluice-store.json'), '{"schema":4,"type":"store"}');
    await expect(ingest(store, [])).rejects.toMatchObject({
      code: 'STORE_SCHEMA_NEWER',
      measured: 4,
      limit: 3,
    });
    await expect(openReader(store)).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER' });
    await writeFile(join(store, 'sluice-store.json'), '{');
    await expect(openReader(store)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await expect(openReader(await tempFolder())).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
  });

  test('is made once by writers that begin together, of which one writes', async () => {
    const store = join(await tempFolder(), 'store');
    const open = () => openWriter(store, writerOptions(), testContext());
    const opened = await Promise.allSettled([open(), open(), open()]);
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of opened) {
      if (one.status === 'fulfilled') await one.value.close();
      else expect(one.reason).toMatchObject({ code: 'STORE_LOCKED' });
    }
  });
});

describe('items whose id is stored', () => {
  test('join another dataset and keep their labels', async () => {
    const store = await tempFolder();
    const [a, b] = [textItem('a', 'A'), imageItem('b', 'B')];
    await ingest(store, [[a, b]]);
    expect(codes(await ingest(store, [[a]], { runId: 'run-2', dataset: "it's" }))).toEqual(['INPUT_UPDATED']);
    expect((await allInputs(store)).map(({ datasets, text }) => ({ datasets, text }))).toEqual([
      { datasets: ['default', "it's"], text: 'A' },
      { datasets: ['default'], text: undefined },
    ]);
  });

  test('keep their text when only their labels change and the bytes were not read', async () => {
    const store = await tempFolder();
    await ingest(store, [[textItem('a', 'the text')]]);
    const unread: ReadyItem = {
      ...textItem('a', 'the text', { metadata: { k: 1 } }),
      payload: { unchanged: true },
    };
    expect(codes(await ingest(store, [[unread]], { runId: 'run-2' }))).toEqual(['INPUT_UPDATED']);
    expect(await allInputs(store)).toMatchObject([{ text: 'the text', metadata: { k: 1 } }]);
  });

  test('are rejected, suffixed or replaced when their bytes differ', async () => {
    const store = await tempFolder();
    const first = imageItem('a', 'one');
    const second = () => imageItem('a', 'two');
    await ingest(store, [[first]]);
    expect(codes(await ingest(store, [[second()]]))).toEqual(['INPUT_DUPLICATE']);
    expect(await blobsOf(store)).toEqual([first.sha256]);

    const suffix = { onDuplicate: 'suffix' } as const;
    expect(await ingest(store, [[second()]], suffix)).toEqual([{ code: 'INPUT_SUCCESS', inputId: 'a-1' }]);
    expect(await ingest(store, [[second()]], { ...suffix, runId: 'run-2' })).toEqual([
      { code: 'INPUT_UNCHANGED', inputId: 'a-1' },
    ]);
    expect((await allInputs(store)).map(({ id }) => id)).toEqual(['a', 'a-1']);

    const third = textItem('a', 'three');
    expect(codes(await ingest(store, [[third]], { onDuplicate: 'replace' }))).toEqual(['INPUT_UPDATED']);
    expect(await allInputs(store)).toMatchObject([{ id: 'a', kind: 'text', text: 'three' }, { id: 'a-1' }]);
    expect(await findingsOf(store)).toMatchObject([
      { finding: 'BLOB_ORPHAN', path: expect.stringContaining(first.sha256) },
    ]);
  });

  test('twice in one commit: the first wins', async () => {
    const store = await tempFolder();
    const batch = [imageItem('a', 'one'), imageItem('a', 'two'), imageItem('a', 'one', { uri: 'elsewhere' })];
    expect(codes(await ingest(store, [batch]))).toEqual([
      'INPUT_SUCCESS',
      'INPUT_DUPLICATE',
      'INPUT_UNCHANGED',
    ]);
    expect(await allInputs(store)).toHaveLength(1);
  });

  test('are told to a run that asks, whatever they are called', async () => {
    const store = await tempFolder();
    const ids = [
      "O'Reilly",
      "' OR 1=1 --",
      '%',
      'a_b',
      'back\\slash',
      'new\nline',
      '日本😀',
      'nul\0',
      'lone\ud800',
    ];
    await ingest(store, [ids.map((id) => textItem(id, id, { fingerprint: 'f' }))]);
    const writer = await openWriter(store, writerOptions({ runId: 'run-2' }), testContext());
    const existing = await writer.existing([...ids, 'unknown', "O''Reilly"]);
    expect([...existing.keys()].sort()).toEqual(ids.map((id) => id.toWellFormed()).sort());
    expect(existing.get("O'Reilly")).toEqual({
      sha256: textItem('', "O'Reilly").sha256,
      kind: 'text',
      bytes: 8,
      media: { format: 'text' },
      uri: "O'Reilly.src",
      fingerprint: 'f',
      runId: 'run-1',
      runCode: 'INPUT_SUCCESS',
    });
    await writer.close();
  });
});

describe('payloads', () => {
  test('over 64 kB of text, and text that is not UTF-8, are blobs and come back byte for byte', async () => {
    const store = await tempFolder();
    const large = textItem('large', 'x'.repeat(64_001));
    const small = textItem('small', 'y'.repeat(64_000));
    const odd = { ...imageItem('odd', Buffer.from([0xff, 0x00, 0xfe])), kind: 'text' as const };
    const written = [large, small, odd].map(({ item, payload }) => ({
      id: item.id,
      bytes: (payload as { buffer: Buffer }).buffer,
    }));
    await ingest(store, [[large, small, odd]]);
    expect((await blobsOf(store)).sort()).toEqual([large.sha256, odd.sha256].sort());
    const reader = await openReader(store);
    for (const { id, bytes } of written) {
      expect((await buffer(await reader.openBytes(id))).equals(bytes)).toBe(true);
    }
    expect((await reader.getInput('large'))?.text).toBeUndefined();
    await expect(reader.openBytes('nobody')).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    reader.close();
  });

  test('that were spooled are renamed into the store, and removed when they are not needed', async () => {
    const store = await tempFolder();
    const writer = await openWriter(store, writerOptions(), testContext());
    const spooled = async (id: string, bytes: string): Promise<ReadyItem> => {
      const spool = join(writer.spoolDir, `${id}-${bytes}.part`);
      await writeFile(spool, bytes);
      return { ...imageItem(id, bytes), kind: 'video', payload: { spool } };
    };
    const batch = [await spooled('a', 'one'), await spooled('b', 'one'), await spooled('a', 'two')];
    const [results] = await Promise.all([writer.write(batch), writer.flush()]);
    expect(codes(results)).toEqual(['INPUT_SUCCESS', 'INPUT_SUCCESS', 'INPUT_DUPLICATE']);
    expect(await readdir(writer.spoolDir)).toEqual([]);
    expect(await blobsOf(store)).toEqual([batch[0]!.sha256]);
    await writer.close();
    expect(await findingsOf(store)).toEqual([]);
  });

  test('replace a blob that is there with another size', async () => {
    const store = await tempFolder();
    const image = imageItem('a', 'whole');
    const path = join(store, 'blobs', image.sha256.slice(0, 2), image.sha256);
    await ingest(store, [[image]]);
    await writeFile(path, 'who');
    await ingest(store, [[imageItem('b', 'whole')]]);
    expect(await readFile(path, 'utf8')).toBe('whole');
  });

  test('do not stay in memory once they are in a file', async () => {
    const store = await tempFolder();
    let released = 0;
    const image = { ...imageItem('a', 'bytes'), release: () => void released++ };
    const writer = await openWriter(store, writerOptions(), testContext());
    const writing = writer.write([image]);
    while (released === 0) await new Promise(setImmediate);
    expect(image.payload).toEqual({ spool: expect.stringContaining(image.sha256) });
    await Promise.all([writing, writer.flush()]);
    await writer.close();
    expect(released).toBe(1);
  });

  test('are linked on request, unless the file is no longer the one that was read', async () => {
    const [store, source] = [await tempFolder(), await tempFolder()];
    const file = join(source, 'a.jpg');
    await writeFile(file, 'linked');
    await symlink(file, join(source, 'link.jpg'));
    const fingerprint = statFingerprint(await stat(file, { bigint: true }));
    const linked = imageItem('a', 'linked', { file: join(source, 'link.jpg'), fingerprint });
    await ingest(store, [[linked]], { media: 'hardlink' });
    const blob = join(store, 'blobs', linked.sha256.slice(0, 2), linked.sha256);
    expect((await stat(blob)).ino).toBe((await stat(file)).ino);

    const changed = join(source, 'b.jpg');
    await writeFile(changed, 'before');
    const read = imageItem('b', 'before', {
      file: changed,
      fingerprint: statFingerprint(await stat(changed, { bigint: true })),
    });
    await writeFile(changed, 'after!');
    await utimes(changed, 1, 1);
    await ingest(store, [[read]], { media: 'hardlink' });
    expect(await readFile(join(store, 'blobs', read.sha256.slice(0, 2), read.sha256), 'utf8')).toBe('before');
  });

  test('stay where they are on request, and a reference that breaks is found', async () => {
    const [store, source] = [await tempFolder(), await tempFolder()];
    const file = join(source, 'ä.jpg');
    await writeFile(file, 'stays');
    const media = 'reference';
    await ingest(store, [[imageItem('a', 'stays', { file: Buffer.from(file) }), imageItem('b', 'copied')]], {
      media,
    });
    expect(await blobsOf(store)).toEqual([imageItem('b', 'copied').sha256]);
    const reader = await openReader(store);
    expect((await buffer(await reader.openBytes('a'))).toString()).toBe('stays');
    expect(await findingsOf(store)).toEqual([]);
    await rename(file, `${file}.gone`);
    await expect(reader.openBytes('a')).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    expect(await findingsOf(store)).toEqual([{ finding: 'REFERENCE_BROKEN', id: 'a', path: file }]);
    reader.close();
  });
});

describe('what goes wrong', () => {
  test('too little space is fatal before anything is written, and lets go of the lock', async () => {
    const store = await tempFolder();
    const reserveBytes = Number.MAX_SAFE_INTEGER;
    await expect(ingest(store, [], { reserveBytes })).rejects.toMatchObject({
      code: 'STORE_FULL',
      limit: reserveBytes,
    });
    await ingest(store, []);
  });

  test('a new dataset gets no name that commands would take for a version', async () => {
    const store = await tempFolder();
    await expect(ingest(store, [], { dataset: 'cats@v1' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await ingest(store, [], { dataset: 'cats' });
  });

  test('a commit that fails answers no item, ends the writer, and the next run does it all', async () => {
    const store = await tempFolder();
    const writer = await openWriter(store, writerOptions(), testContext());
    // A file where the table wants its folder of data.
    await rename(join(store, 'db', 'inputs.lance'), join(store, 'db', 'away.lance'));
    await writeFile(join(store, 'db', 'inputs.lance'), '');
    const batches = () => [[imageItem('a', 'A')], [textItem('b', 'B')]];
    const writing = batches().map((batch) => writer.write(batch));
    const [first, second] = await Promise.allSettled([...writing, writer.flush()]);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'STORE_WRITE_FAILED' } });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'STORE_WRITE_FAILED' } });
    await expect(writer.write([textItem('c', 'C')])).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' });
    await writer.close();
    await rm(join(store, 'db', 'inputs.lance'), { recursive: true });
    await rename(join(store, 'db', 'away.lance'), join(store, 'db', 'inputs.lance'));
    expect(await allInputs(store)).toEqual([]);
    expect(codes(await ingest(store, batches()))).toEqual(['INPUT_SUCCESS', 'INPUT_SUCCESS']);
    expect(await findingsOf(store)).toEqual([]);
  });

  test('an abort hands back what is not committed and commits no more', async () => {
    const store = await tempFolder();
    const abort = new AbortController();
    const writer = await openWriter(store, writerOptions(), testContext({ signal: abort.signal }));
    const writing = Promise.allSettled([
      writer.write([textItem('a', 'A')]),
      writer.write([imageItem('b', 'B')]),
    ]);
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await writing).toEqual([
      { status: 'rejected', reason },
      { status: 'rejected', reason },
    ]);
    await expect(writer.write([textItem('c', 'C')])).rejects.toThrow('enough');
    await writer.close();
    expect(await allInputs(store)).toEqual([]);
    expect(await readdir(join(store, 'tmp'))).toEqual([]);
  });
});

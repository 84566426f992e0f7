import { text } from 'node:stream/consumers';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import {
  checkStore,
  collectGarbage,
  createVersion,
  deleteInputs,
  openReader,
  openSlots,
  openWriter,
  type StoreFinding,
} from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { missingVersityGw, SECRET_KEY } from '../../support/versitygw.ts';
import { allInputs, imageItem, ingest, textItem, writerOptions } from '../local/support.ts';
import { bucketServer } from './support.ts';

const missing = missingVersityGw();

async function findingsOf(store: string): Promise<StoreFinding[]> {
  const found: StoreFinding[] = [];
  for await (const finding of checkStore(store, { deep: true }, testContext())) found.push(finding);
  // Rows of runs that a test of the store alone made no folder for.
  return found.filter(({ finding }) => finding !== 'RUN_MISSING');
}

describe.skipIf(missing !== undefined)(`a store in a bucket ${missing ?? ''}`, () => {
  it('holds what was written to it, and nothing that a check finds', { timeout: 180_000 }, async () => {
    const { store, keys } = await bucketServer();
    const large = Buffer.alloc(6_000_000, 'x');
    const results = await ingest(store, [
      [textItem('t', 'hello'), imageItem('i', 'bytes')],
      [imageItem('large', large), imageItem('twin', 'bytes')],
    ]);
    expect(results.map(({ code }) => code)).toEqual(Array(4).fill('INPUT_SUCCESS'));
    expect((await allInputs(store)).map(({ id }) => id)).toEqual(['i', 'large', 't', 'twin']);
    const reader = await openReader(store);
    try {
      expect(await text(await reader.openBytes('i'))).toBe('bytes');
      expect((await text(await reader.openBytes('large'))).length).toBe(large.length);
      expect(await text(await reader.openBytes('t'))).toBe('hello');
    } finally {
      reader.close();
    }
    expect(await findingsOf(store)).toEqual([]);
    expect((await keys('blobs/')).length).toBe(2);
    expect((await keys('tmp/')).length).toBe(0);
  });

  it('has one writer, whose end the next one waits for', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    const ctx = testContext();
    const first = await openWriter(store, writerOptions({ runId: 'first' }), ctx);
    await expect(openWriter(store, writerOptions({ runId: 'second' }), ctx)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('run first'),
    });
    const second = openWriter(store, writerOptions({ runId: 'second', wait: true }), ctx);
    await first.close();
    await (await second).close();
  });

  it('of several that open it at once, one writes', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    const opened = await Promise.allSettled(
      [1, 2, 3, 4].map((n) => openWriter(store, writerOptions({ runId: `run-${n}` }), testContext())),
    );
    const writers = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(writers.length).toBe(1);
    for (const one of opened)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'STORE_LOCKED' });
    await writers[0]!.close();
  });

  it('is read while it is written to', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    const writer = await openWriter(store, writerOptions(), testContext());
    const written = writer.write([textItem('a', 'one')]);
    await writer.flush();
    await written;
    expect((await allInputs(store)).map(({ id }) => id)).toEqual(['a']);
    await writer.close();
  });

  it('keeps versions, whose parts and blobs outlive the inputs', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    await ingest(store, [[textItem('t', 'hello'), imageItem('i', 'bytes')]]);
    const ctx = testContext();
    const { id } = await createVersion(store, { dataset: 'default' }, ctx);
    expect(await deleteInputs(store, ['t', 'i'], {}, ctx)).toBe(2);
    await collectGarbage(store, { graceMs: 0 }, ctx);
    const reader = await openReader(store);
    try {
      const source = await reader.openVersion('default', id);
      const ids: string[] = [];
      for await (const input of source.inputs()) {
        ids.push(input.id);
        const media = await source.media(input);
        expect('buffer' in media ? media.buffer.length : media.bytes).toBe(5);
      }
      expect(ids).toEqual(['i', 't']);
    } finally {
      reader.close();
    }
    expect(await findingsOf(store)).toEqual([]);
  });

  it('gives a slot of a schedule to one of many, and remembers it', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    const ctx = testContext();
    const books = await Promise.all([1, 2, 3].map(() => openSlots(store, 'nightly', ctx.clock)));
    const claimed = await Promise.all(books.map((book) => book.claim(60_000, 0)));
    const [record, ...others] = claimed.filter((claim) => claim !== undefined);
    expect(others).toEqual([]);
    await books[0]!.finish(record!, { state: 'ended', exitCode: 0 });
    expect(await books[1]!.newest(5)).toMatchObject([{ state: 'ended', exitCode: 0 }]);
    expect(await books[2]!.last(0)).toBe(60_000);
    const lock = await books[0]!.lock('one', false, ctx);
    await expect(books[1]!.lock('two', false, ctx)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await lock.release();
  });

  it('is rid of blobs that nothing names, and says so', { timeout: 180_000 }, async () => {
    const { store, put, keys } = await bucketServer();
    await ingest(store, [[imageItem('i', 'bytes')]]);
    const sha256 = 'ab'.repeat(32);
    await put('store-bucket', `data/store/blobs/ab/${sha256}`, 'nobody’s');
    const garbage = await collectGarbage(store, { graceMs: 0 }, testContext());
    expect(garbage).toMatchObject({ blobs: 1, chunks: 0, tmpFolders: 0 });
    expect((await keys('blobs/')).length).toBe(1);
  });

  it('tells blobs that are gone', { timeout: 180_000 }, async () => {
    const { store, client, keys } = await bucketServer();
    await ingest(store, [[imageItem('i', 'bytes')]]);
    const [blob] = await keys('blobs/');
    await client.send(new DeleteObjectCommand({ Bucket: 'store-bucket', Key: `data/store/${blob}` }));
    expect(await findingsOf(store)).toMatchObject([{ finding: 'BLOB_MISSING', id: 'i' }]);
    const reader = await openReader(store);
    await expect(reader.openBytes('i')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    reader.close();
  });
});

describe.skipIf(missing !== undefined)(`a bucket that is no store ${missing ?? ''}`, () => {
  it('that does not exist is said to', { timeout: 180_000 }, async () => {
    await bucketServer();
    const message = expect.stringMatching(/there is no bucket not-there/);
    const expected = { code: 'STORE_NOT_FOUND', message };
    await expect(openReader('s3://not-there/x')).rejects.toMatchObject(expected);
    await expect(openWriter('s3://not-there/x', writerOptions(), testContext())).rejects.toMatchObject(
      expected,
    );
  });

  it('without a store under the prefix is said to', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    const message = `there is no store at ${store}; sluice ingest makes one`;
    await expect(openReader(store)).rejects.toMatchObject({ code: 'STORE_NOT_FOUND', message });
  });

  it('with something else under the prefix is left alone', { timeout: 180_000 }, async () => {
    const { store, put, keys } = await bucketServer();
    await put('store-bucket', 'data/store/photos/a.jpg', 'x');
    await expect(openWriter(store, writerOptions(), testContext())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('it holds photos'),
    });
    expect(await keys()).toEqual(['photos/a.jpg']);
  });

  it('that refuses the credentials names them, without a secret', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAUNKNOWNKEY009876');
    const error = await openReader(store).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: 'STORE_ACCESS_DENIED', message: expect.stringContaining('…9876') });
    expect(String(error)).not.toContain(SECRET_KEY);
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    await expect(openReader(store)).rejects.toMatchObject({
      code: 'STORE_ACCESS_DENIED',
      message: expect.stringContaining('there are no credentials'),
    });
  });

  it('takes no hard links', { timeout: 180_000 }, async () => {
    const { store } = await bucketServer();
    const opened = openWriter(store, writerOptions({ media: 'hardlink' }), testContext());
    await expect(opened).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { statFingerprint } from '../../src/io/fingerprint.ts';
import {
  HEAD_BYTES,
  type ReadDecision,
  type ReadOptions,
  readInline,
  readOnce,
} from '../../src/io/read-once.ts';
import type { Fetched, SourceItem } from '../../src/model/contracts.ts';
import { RejectedItemError, RetryableError } from '../../src/model/errors.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const MEMORY: ReadDecision = { keep: 'memory', maxBytes: 100_000_000 };
const SPOOL: ReadDecision = { keep: 'spool', maxBytes: 100_000_000 };
/** Around the sizes where the way of reading changes. */
const SIZES = [0, 1, HEAD_BYTES - 1, HEAD_BYTES, HEAD_BYTES + 1, 65_536, 1_048_576, 1_048_577, 3_500_000];

async function setUp() {
  const folder = await tempFolder();
  const spoolDir = join(folder, 'spool');
  await mkdir(spoolDir);
  const options = (decision: ReadDecision, more: Partial<ReadOptions<ReadDecision>> = {}) => ({
    ctx: testContext(),
    spoolDir,
    decide: () => decision,
    ...more,
  });
  return { folder, spoolDir, options };
}

async function fileItem(folder: string, content: Buffer | string): Promise<SourceItem & { file: string }> {
  const file = join(folder, 'a.bin');
  await writeFile(file, content);
  return { id: 'a', uri: 'a.bin', file };
}

/** A stream of `data` in chunks of `chunkSize`; `after` runs when all of it was taken. */
function streamItem(data: Buffer, chunkSize = 65_536, after: () => void = () => {}): SourceItem {
  async function* chunks() {
    for (let at = 0; at < data.length; at += chunkSize) yield data.subarray(at, at + chunkSize);
    after();
  }
  return { id: 'a', uri: 'a.zip!/a', open: async () => Readable.from(chunks(), { objectMode: false }) };
}

describe('readInline', () => {
  it('gives the UTF-8 bytes of a text with their hash and head', () => {
    const text = 'Grüße 😀'.repeat(1000);
    const { payload, sha256: digest, bytes, head } = readInline(text);
    expect(payload.buffer.toString()).toBe(text);
    expect(bytes).toBe(Buffer.byteLength(text));
    expect(digest).toBe(sha256(Buffer.from(text)));
    expect(head).toEqual(payload.buffer.subarray(0, HEAD_BYTES));
  });
});

describe.each(['file', 'stream', 'stream of small chunks'] as const)('readOnce of a %s', (source) => {
  async function itemOf(folder: string, data: Buffer): Promise<SourceItem> {
    if (source === 'file') return fileItem(folder, data);
    return streamItem(data, source === 'stream' ? 65_536 : 1000);
  }

  it.each(SIZES)('gives all %d bytes, their hash, their head and the decision', async (size) => {
    const { folder, spoolDir, options } = await setUp();
    const data = randomBytes(size);
    const item = await itemOf(folder, data);
    for (const decision of [MEMORY, SPOOL]) {
      let counted = 0;
      const read = await readOnce(item, options(decision, { onBytes: (bytes) => (counted += bytes) }));
      const bytes = 'buffer' in read.payload ? read.payload.buffer : await readFile(read.payload.spool);
      expect('buffer' in read.payload).toBe(decision === MEMORY);
      expect(bytes.equals(data)).toBe(true);
      expect(read).toMatchObject({ bytes: size, sha256: sha256(data), decision });
      expect(read.head.equals(data.subarray(0, HEAD_BYTES))).toBe(true);
      expect(counted).toBe(size);
    }
    expect(await readdir(spoolDir)).toEqual([expect.stringMatching(/\.part$/)]);
  });

  it('shows the head, and the size where it is known, before it reads on', async () => {
    const { folder, options } = await setUp();
    const data = randomBytes(3_500_000);
    let counted = 0;
    const read = await readOnce(
      await itemOf(folder, data),
      options(MEMORY, {
        onBytes: (bytes) => (counted += bytes),
        decide: async (head, size) => {
          expect(head.length).toBeGreaterThanOrEqual(HEAD_BYTES);
          expect(head.equals(data.subarray(0, head.length))).toBe(true);
          expect(size).toBe(source === 'file' ? data.length : undefined);
          expect(counted).toBeLessThan(200_000);
          return MEMORY;
        },
      }),
    );
    expect(read.bytes).toBe(data.length);
  });

  it.each(['memory', 'spool'] as const)('stops at the limit, in and exclusive, kept in %s', async (keep) => {
    const { folder, spoolDir, options } = await setUp();
    for (const size of [10, 1_200_000]) {
      const item = await itemOf(folder, randomBytes(size));
      await readOnce(item, options({ keep, maxBytes: size }));
      await rm(spoolDir, { recursive: true });
      await mkdir(spoolDir);
      for (const decision of [
        { keep, maxBytes: size - 1 },
        { keep, maxBytes: size, exclusive: true },
      ]) {
        const error = await readOnce(item, options(decision)).catch((e) => e);
        expect(error).toBeInstanceOf(RejectedItemError);
        expect(error).toMatchObject({ code: 'INPUT_OVER_LIMIT', measured: size, limit: decision.maxBytes });
        expect(error.message).toContain(item.uri);
      }
      expect(await readdir(spoolDir)).toEqual([]);
    }
  });

  it('passes on what decide throws, and leaves nothing behind', async () => {
    const { folder, spoolDir, options } = await setUp();
    const item = await itemOf(folder, randomBytes(2_000_000));
    const refusal = new RejectedItemError('INPUT_UNSUPPORTED_FORMAT', 'a.bin is BMP');
    const decide = () => {
      throw refusal;
    };
    await expect(readOnce(item, options(SPOOL, { decide }))).rejects.toBe(refusal);
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('stops with the reason of an abort, and leaves nothing behind', async () => {
    const { folder, spoolDir, options } = await setUp();
    const item = await itemOf(folder, randomBytes(3_500_000));
    const controller = new AbortController();
    const abortLate = {
      ctx: testContext({ signal: controller.signal }),
      onBytes: () => controller.abort('ctrl-c'),
    };
    await expect(readOnce(item, options(SPOOL, abortLate))).rejects.toBe('ctrl-c');
    await expect(readOnce(item, options(SPOOL, abortLate))).rejects.toBe('ctrl-c');
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('calls a spool folder that cannot be written to a fatal error', async () => {
    const { folder, spoolDir, options } = await setUp();
    await rm(spoolDir, { recursive: true });
    await expect(readOnce(await itemOf(folder, randomBytes(10)), options(SPOOL))).rejects.toMatchObject({
      name: 'FatalError',
      code: 'STORE_WRITE_FAILED',
    });
  });
});

describe('readOnce of a file', () => {
  it('reads a file whose fingerprint is still that of the listing', async () => {
    const { folder, options } = await setUp();
    const item = await fileItem(folder, 'content');
    item.fingerprint = statFingerprint(await stat(item.file, { bigint: true }));
    expect((await readOnce(item, options(MEMORY))).bytes).toBe(7);
  });

  it('notices that a file changed since it was listed', async () => {
    const { folder, options } = await setUp();
    const item = await fileItem(folder, 'content');
    item.fingerprint = statFingerprint(await stat(item.file, { bigint: true }));
    await utimes(item.file, 1, 1);
    const error = await readOnce(item, options(MEMORY)).catch((e) => e);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({
      code: 'INPUT_CHANGED_WHILE_READ',
      message: expect.stringContaining('a.bin'),
    });
  });

  const changes: [string, (file: string) => Promise<void>][] = [
    ['grows', (file) => appendFile(file, 'more')],
    ['is cut short', (file) => truncate(file, 100_000)],
    ['is overwritten with as many bytes', (file) => writeFile(file, Buffer.alloc(3_000_000))],
  ];
  it.each(changes)(
    'notices that a file %s while it is read, and leaves nothing behind',
    async (_how, change) => {
      const { folder, spoolDir, options } = await setUp();
      const item = await fileItem(folder, randomBytes(3_000_000));
      await utimes(item.file, 1, 1);
      for (const decision of [MEMORY, SPOOL]) {
        const decide = async () => {
          await change(item.file);
          return decision;
        };
        await expect(readOnce(item, options(decision, { decide }))).rejects.toMatchObject({
          name: 'RetryableError',
          code: 'INPUT_CHANGED_WHILE_READ',
        });
        await writeFile(item.file, randomBytes(3_000_000));
        await utimes(item.file, 1, 1);
      }
      expect(await readdir(spoolDir)).toEqual([]);
    },
  );

  it('says that a file is not there', async () => {
    const { folder, options } = await setUp();
    const item = await fileItem(folder, 'content');
    await rm(item.file);
    await expect(readOnce(item, options(MEMORY))).rejects.toMatchObject({
      name: 'RejectedItemError',
      code: 'INPUT_NOT_FOUND',
      message: 'a.bin does not exist',
      cause: { code: 'ENOENT' },
    });
  });

  // Windows has no such permission bits.
  it.skipIf(process.platform === 'win32')('says that a file may not be read', async () => {
    const { folder, options } = await setUp();
    const item = await fileItem(folder, 'content');
    await chmod(item.file, 0);
    // Root may read everything, so it steps down for this.
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      await expect(readOnce(item, options(MEMORY))).rejects.toMatchObject({
        code: 'INPUT_PERMISSION_DENIED',
      });
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  it('says that a folder is no file', async () => {
    const { folder, options } = await setUp();
    await expect(readOnce({ id: 'a', uri: 'sub', file: folder }, options(MEMORY))).rejects.toMatchObject({
      code: 'INPUT_READ_FAILED',
      message: expect.stringContaining('folder'),
    });
  });

  it.skipIf(process.platform === 'win32')('never hangs on a FIFO', async () => {
    const { folder, options } = await setUp();
    const file = join(folder, 'fifo');
    execFileSync('mkfifo', [file]);
    await expect(readOnce({ id: 'a', uri: 'fifo', file }, options(MEMORY))).rejects.toMatchObject({
      code: 'INPUT_READ_FAILED',
      message: expect.stringContaining('FIFO'),
    });
  });

  it.skipIf(process.platform === 'win32')('says that a chain of links has no end', async () => {
    const { folder, options } = await setUp();
    const file = join(folder, 'loop');
    await symlink(file, file);
    await expect(readOnce({ id: 'a', uri: 'loop', file }, options(MEMORY))).rejects.toMatchObject({
      code: 'INPUT_READ_FAILED',
      message: expect.stringContaining('loop'),
    });
  });

  it.skipIf(process.platform !== 'linux')('reads a file whose name is not UTF-8', async () => {
    const { folder, options } = await setUp();
    const file = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]);
    await writeFile(file, 'content');
    expect((await readOnce({ id: 'a', uri: '%FF%FE', file }, options(MEMORY))).bytes).toBe(7);
  });
});

describe('readOnce of a stream', () => {
  it('reads no further than the limit', async () => {
    const { options } = await setUp();
    let readToEnd = false;
    const item = streamItem(Buffer.alloc(2_000_000), 65_536, () => {
      readToEnd = true;
    });
    await expect(readOnce(item, options({ keep: 'memory', maxBytes: 200_000 }))).rejects.toMatchObject({
      code: 'INPUT_OVER_LIMIT',
      limit: 200_000,
    });
    expect(readToEnd).toBe(false);
  });

  it('does not read what is declared to be over the limit, and measures the declared size', async () => {
    const { options } = await setUp();
    const item = { ...streamItem(Buffer.alloc(2_000_000)), size: 2_000_000 };
    let counted = 0;
    const limited = options(
      { keep: 'memory', maxBytes: 200_000 },
      { onBytes: (bytes) => (counted += bytes) },
    );
    await expect(readOnce(item, limited)).rejects.toMatchObject({ measured: 2_000_000 });
    expect(counted).toBeLessThan(200_000);
  });

  it.each([9_000, 10_001])(
    'takes no stream for complete that differs from its declared size %d',
    async (size) => {
      const { spoolDir, options } = await setUp();
      const item = { ...streamItem(randomBytes(10_000)), size };
      await expect(readOnce(item, options(SPOOL))).rejects.toMatchObject({
        name: 'RetryableError',
        code: 'INPUT_READ_FAILED',
        measured: 10_000,
      });
      expect(await readdir(spoolDir)).toEqual([]);
    },
  );

  it('passes on what the stream knows of its failure, and names the item for what it does not', async () => {
    const { options } = await setUp();
    const broken = (error: Error): SourceItem => ({
      ...streamItem(Buffer.alloc(0)),
      open: async () =>
        Readable.from(
          (async function* () {
            yield Buffer.alloc(10_000);
            throw error;
          })(),
        ),
    });
    const crc = new RejectedItemError('ZIP_ENTRY_CORRUPT', 'wrong CRC');
    await expect(readOnce(broken(crc), options(SPOOL))).rejects.toBe(crc);
    const eio = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    await expect(readOnce(broken(eio), options(SPOOL))).rejects.toMatchObject({
      name: 'RetryableError',
      code: 'INPUT_READ_FAILED',
      message: expect.stringContaining('a.zip!/a'),
      cause: eio,
    });
  });

  it('destroys the stream on every way out', async () => {
    const { options } = await setUp();
    const streams: Readable[] = [];
    const item: SourceItem = {
      ...streamItem(Buffer.alloc(0)),
      open: async () => {
        const stream = Readable.from([Buffer.alloc(100_000), Buffer.alloc(100_000)]);
        streams.push(stream);
        return stream;
      },
    };
    await readOnce(item, options(MEMORY));
    await readOnce(item, options({ keep: 'memory', maxBytes: 5 })).catch(() => {});
    await readOnce(item, options({ keep: 'memory', maxBytes: 150_000 })).catch(() => {});
    expect(streams.map((stream) => stream.destroyed)).toEqual([true, true, true]);
  });

  it('lets go of a stream that hangs when it is aborted', async () => {
    const { options } = await setUp();
    const controller = new AbortController();
    const stream = new Readable({ read() {} });
    const item = { ...streamItem(Buffer.alloc(0)), open: async () => stream };
    const reading = readOnce(item, options(MEMORY, { ctx: testContext({ signal: controller.signal }) }));
    setImmediate(() => controller.abort('ctrl-c'));
    await expect(reading).rejects.toBe('ctrl-c');
    expect(stream.destroyed).toBe(true);
  });
});

describe('readOnce of a text', () => {
  it('gives the bytes of the text and checks the limit', async () => {
    const { options } = await setUp();
    const item: SourceItem = { id: 'a', uri: 'x.csv#L2', text: 'größer' };
    const read = await readOnce(item, options(MEMORY));
    expect(read.payload).toEqual({ buffer: Buffer.from('größer') });
    expect(read).toMatchObject({ bytes: 8, sha256: sha256(Buffer.from('größer')), decision: MEMORY });
    await expect(readOnce(item, options({ keep: 'memory', maxBytes: 7 }))).rejects.toMatchObject({
      code: 'INPUT_OVER_LIMIT',
      measured: 8,
    });
  });
});

describe('readOnce of what is fetched', () => {
  const fetched = (answer: Fetched | Error): { item: SourceItem; asked: (string | undefined)[] } => {
    const asked: (string | undefined)[] = [];
    const fetch: SourceItem['fetch'] = async (_signal, stored) => {
      asked.push(stored);
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { item: { id: 'a', uri: 'urls.txt#L1', fetch }, asked };
  };

  it('gives the bytes, and the fingerprint that came with them', async () => {
    const { options } = await setUp();
    const { item, asked } = fetched({ stream: Readable.from([Buffer.from('new')]), fingerprint: 'v2' });
    const read = await readOnce(item, { ...options(MEMORY), stored: 'v1' });
    expect(read).toMatchObject({ bytes: 3, fingerprint: 'v2', payload: { buffer: Buffer.from('new') } });
    expect(asked).toEqual(['v1']);
  });

  it('reads nothing when the source says that the stored bytes are still the same', async () => {
    const { options, spoolDir } = await setUp();
    const decide = () => expect.fail('there is nothing to decide');
    const { item } = fetched('unchanged');
    expect(await readOnce(item, { ...options(SPOOL, { decide }), stored: 'v1' })).toBe('unchanged');
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('asks for the bytes whatever they are when none are stored', async () => {
    const { options } = await setUp();
    const { item, asked } = fetched({ stream: Readable.from([Buffer.from('new')]) });
    expect(await readOnce(item, options(MEMORY))).not.toHaveProperty('fingerprint');
    expect(asked).toEqual([undefined]);
  });

  it('fails as the source fails', async () => {
    const { options } = await setUp();
    const { item } = fetched(new RetryableError('URL_FETCH_FAILED', 'no connection'));
    await expect(readOnce(item, options(MEMORY))).rejects.toMatchObject({ code: 'URL_FETCH_FAILED' });
  });
});

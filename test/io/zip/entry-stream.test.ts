import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEntry } from '../../../src/io/zip/entry-stream.ts';
import { openCount } from '../../support/open-files.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { writeZip, type ZipSpec } from '../../support/zip-writer.ts';
import { openZip, readEntry } from './reading.ts';

const NOISE = Buffer.from(
  Array.from({ length: 1_000_000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 0xff),
);

async function zipOf(...specs: ZipSpec[]): Promise<string> {
  const path = join(await tempFolder(), 'x.zip');
  writeZip(path, specs);
  return path;
}

const corrupt = (reason: RegExp, numbers: object = {}) => ({
  code: 'ZIP_ENTRY_CORRUPT',
  message: expect.stringMatching(reason),
  ...numbers,
});

describe('the bytes of an entry', () => {
  it.each<[how: string, spec: Partial<ZipSpec>]>([
    ['stored', { method: 0 }],
    ['deflated', { method: 8 }],
    ['with a data descriptor', { descriptor: true }],
    ['stored with a data descriptor', { method: 0, descriptor: true }],
    ['with ZIP64 fields', { zip64: true }],
    ['with ZIP64 fields and a data descriptor', { zip64: true, descriptor: true }],
    ['with a local extra field that the directory lacks', { localExtra: Buffer.alloc(60_000) }],
    ['with extra fields in the directory alone', { extra: Buffer.alloc(40), localExtra: Buffer.alloc(0) }],
    ['with a gap behind', { gapAfter: 100_000 }],
  ])('come back as they were: %s', async (_how, spec) => {
    const zip = await openZip(
      await zipOf(
        { name: 'a.bin', data: NOISE, ...spec },
        { name: 'empty', data: '', ...spec },
        { name: 'nothing', packed: Buffer.alloc(0), method: 8 },
        { name: 'b.bin', data: 'hello', ...spec },
      ),
    );
    expect((await readEntry(zip, 'a.bin')).equals(NOISE)).toBe(true);
    expect((await readEntry(zip, 'empty')).length).toBe(0);
    expect((await readEntry(zip, 'nothing')).length).toBe(0);
    expect((await readEntry(zip, 'b.bin')).toString()).toBe('hello');
  });

  it('come back as they were, whatever they are', async () => {
    const folder = await tempFolder();
    const spec = fc.record({
      data: fc.uint8Array({ maxLength: 2_000, size: 'max' }),
      method: fc.constantFrom(0, 8),
      descriptor: fc.boolean(),
      zip64: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 8 }), async (specs) => {
        const path = join(folder, 'x.zip');
        writeZip(
          path,
          specs.map((s, i) => ({ ...s, name: `${i}`, data: Buffer.from(s.data) })),
        );
        const zip = await openZip(path);
        for (const [i, { data }] of specs.entries()) {
          expect((await readEntry(zip, `${i}`)).equals(Buffer.from(data))).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('show their first bytes to an inspector, who may refuse the entry', async () => {
    const { source, entries } = await openZip(await zipOf({ name: 'a.bin', data: NOISE }));
    const { signal } = new AbortController();
    const inspect = async (head: Buffer) => {
      throw new Error(`starts with ${head.length > 4000 ? 'enough' : 'little'}`);
    };
    await expect(openEntry(source, entries[0]!, { signal, inspect }).toArray()).rejects.toThrow(
      'starts with enough',
    );
  });
});

describe('an entry that is not what the archive says', () => {
  it.each<[what: string, spec: Partial<ZipSpec>, error: object]>([
    [
      'a wrong CRC',
      { crc: 0xabc },
      corrupt(/CRC 3610a686; the archive declares 00000abc/, { measured: '3610a686', limit: '00000abc' }),
    ],
    ['a wrong CRC, stored', { method: 0, crc: 1 }, corrupt(/CRC/)],
    [
      'more bytes than declared',
      { size: 4 },
      corrupt(/unpacks to 5 bytes or more/, { measured: 5, limit: 4 }),
    ],
    ['fewer bytes than declared', { size: 6 }, corrupt(/unpacks to 5 bytes/, { measured: 5, limit: 6 })],
    [
      'far more bytes than declared',
      { data: 'x'.repeat(100_000), size: 4 },
      corrupt(/unpacks to 5 bytes or more/),
    ],
    ['a stored size that is not its compressed size', { method: 0, size: 4 }, corrupt(/unpacks to 5/)],
    ['data that ends early', { compressedSize: 4 }, corrupt(/cannot be unpacked: unexpected end/)],
    [
      'data that is no Deflate stream',
      { packed: Buffer.from('nonsense'), method: 8 },
      corrupt(/cannot be unpacked/),
    ],
    [
      'bytes behind its Deflate stream',
      { packed: Buffer.from('cb48cdc9c907005a5a', 'hex'), method: 8 },
      corrupt(/2 bytes after the end/),
    ],
    ['no local header', { offset: 1 }, corrupt(/no local header at byte 1/)],
    [
      'another name in its local header',
      { local: { name: 'b.txt' } },
      corrupt(/named "b.txt" in its local header/),
    ],
    ['another size in its local header', { local: { size: 7 } }, corrupt(/size 7 .* and 5/)],
    [
      'another compressed size in its local header',
      { local: { compressedSize: 1 } },
      corrupt(/compressed size 1/),
    ],
    ['another CRC in its local header', { local: { crc: 7 } }, corrupt(/CRC 00000007/)],
    ['another method in its local header', { local: { method: 12 } }, corrupt(/method 12 .* and 8/)],
    ['encryption in its local header', { local: { flags: 1 } }, corrupt(/encryption/)],
  ])('is an error of its stream: %s', async (_what, spec, error) => {
    const zip = await openZip(
      await zipOf(
        { name: 'a.txt', data: 'hello', gapAfter: 50, ...spec },
        { name: 'good.txt', data: 'good' },
      ),
    );
    await expect(readEntry(zip, 'a.txt')).rejects.toMatchObject(error);
    expect((await readEntry(zip, 'good.txt')).toString()).toBe('good');
  });

  it('never gives more than it declares, however much it would unpack to', async () => {
    const { source, entries } = await openZip(
      await zipOf({ name: 'bomb', data: Buffer.alloc(50_000_000), size: 200_000 }),
    );
    const stream = openEntry(source, entries[0]!, { signal: new AbortController().signal });
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await expect(finished(stream)).rejects.toMatchObject(corrupt(/200000/, { limit: 200_000 }));
    expect(bytes).toBeLessThanOrEqual(200_000);
  });

  it('may not start its data inside the next entry, which only its local header tells', async () => {
    const path = await zipOf(
      { name: 'a.txt', data: 'hello', method: 0 },
      { name: 'b.txt', data: 'hello, this is the data of b', method: 0 },
    );
    const bytes = readFileSync(path);
    bytes.writeUInt16LE(20, 28);
    writeFileSync(path, bytes);
    await expect(readEntry(await openZip(path), 'a.txt')).rejects.toMatchObject(
      corrupt(/20 bytes into what follows/),
    );
  });
});

describe('an archive that changes', () => {
  it('while an entry is read is said to have changed, not to be corrupt', async () => {
    const path = await zipOf({ name: 'a.bin', data: NOISE, method: 0 });
    const { source, entries } = await openZip(path);
    const stream = openEntry(source, entries[0]!, { signal: new AbortController().signal });
    const reading = stream.iterator();
    await reading.next();
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(1000), 0, 1000, 900_000);
    closeSync(fd);
    utimesSync(path, new Date(), new Date(1000));
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'INPUT_CHANGED_WHILE_READ' });
  });

  it('before an entry is opened is said to have changed, also when it was replaced', async () => {
    const path = await zipOf({ name: 'a.txt', data: 'hello' });
    const zip = await openZip(path);
    renameSync(await zipOf({ name: 'a.txt', data: 'other' }), path);
    utimesSync(path, new Date(), new Date(1000));
    await expect(readEntry(zip, 'a.txt')).rejects.toMatchObject({ code: 'INPUT_CHANGED_WHILE_READ' });
  });

  it('by shrinking gives no short item', async () => {
    const path = await zipOf({ name: 'a.bin', data: NOISE, method: 0 });
    const zip = await openZip(path);
    await zip.source.acquire();
    writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size / 2));
    await expect(readEntry(zip, 'a.bin')).rejects.toMatchObject({ code: 'INPUT_CHANGED_WHILE_READ' });
    await zip.source.release();
    expect(await openCount(path)).toBeOneOf([0, undefined]);
  });
});

describe('the file descriptor', () => {
  it('is shared by all who read and closed by the last', async () => {
    const path = await zipOf({ name: 'a.bin', data: NOISE }, { name: 'b.bin', data: NOISE, method: 0 });
    const zip = await openZip(path);
    expect(await openCount(path)).toBeOneOf([0, undefined]);
    const { signal } = new AbortController();
    const streams = [0, 1, 0, 1].map((i) => openEntry(zip.source, zip.entries[i]!, { signal }).iterator());
    await Promise.all(streams.map((stream) => stream.next()));
    expect(await openCount(path)).toBeOneOf([1, undefined]);
    for (const stream of streams) while (!(await stream.next()).done);
    expect(await openCount(path)).toBeOneOf([0, undefined]);
  });

  it.each([0, 8])('is closed when a reader of method %d stops half-way or is aborted', async (method) => {
    const path = await zipOf({ name: 'a.bin', data: Buffer.concat([NOISE, NOISE, NOISE]), method });
    const zip = await openZip(path);
    for (const stop of ['destroy', 'abort', 'before the first byte'] as const) {
      const controller = new AbortController();
      const stream = openEntry(zip.source, zip.entries[0]!, { signal: controller.signal });
      if (stop !== 'before the first byte') await stream.iterator({ destroyOnReturn: false }).next();
      const closed = new Promise((resolve) => stream.once('close', resolve));
      stream.once('error', (error) => expect(error.name).toBe('AbortError'));
      if (stop === 'destroy') stream.destroy();
      else controller.abort();
      await closed;
      expect(await openCount(path)).toBeOneOf([0, undefined]);
    }
  });

  it('is not opened for a stream that nobody reads', async () => {
    const path = await zipOf({ name: 'a.bin', data: NOISE });
    const zip = await openZip(path);
    openEntry(zip.source, zip.entries[0]!, { signal: new AbortController().signal });
    expect(await openCount(path)).toBeOneOf([0, undefined]);
  });
});

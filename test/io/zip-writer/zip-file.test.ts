import { createHash } from 'node:crypto';
import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZipArchive } from '../../../src/io/zip/archive.ts';
import { readRecord, scanDirectory } from '../../../src/io/zip/central-directory.ts';
import { openEntry } from '../../../src/io/zip/entry-stream.ts';
import { LocalFile } from '../../../src/io/zip/local-file.ts';
import {
  directoryOf,
  localHeader,
  readLocalHeader,
  type StoredEntry,
} from '../../../src/io/zip-writer/records.ts';
import { ZipFile } from '../../../src/io/zip-writer/zip-file.ts';
import { tempFolder } from '../../support/temp-folder.ts';

type Content = [name: string, chunks: Buffer[]];

const sizeOf = (chunks: readonly Buffer[]): number => chunks.reduce((sum, { length }) => sum + length, 0);

async function addAll(zip: ZipFile, contents: readonly Content[]): Promise<void> {
  for (const [name, chunks] of contents) await zip.add(name, sizeOf(chunks), chunks);
}

async function written(path: string, contents: readonly Content[]): Promise<Buffer> {
  const zip = await ZipFile.create(path);
  await addAll(zip, contents);
  expect(await zip.finish()).toBe((await readFile(path)).length);
  await zip.close();
  return readFile(path);
}

/** As our own reader, which holds headers, directory and CRC against each other, reads it. */
async function read(path: string): Promise<[string, Buffer][]> {
  const file = await LocalFile.open(path);
  try {
    const zip = await ZipArchive.open(file, { maxEntries: 1_000_000 });
    const found: [string, Buffer][] = [];
    for await (const entry of zip.entries()) {
      const { signal } = new AbortController();
      found.push([entry.name, await buffer(openEntry(file, entry, { signal }))]);
    }
    return found;
  } finally {
    await file.release();
  }
}

const chunk = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
const contents = fc.array(
  fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.array(chunk, { maxLength: 4 })),
  { maxLength: 6 },
) as fc.Arbitrary<Content[]>;

describe('a ZIP that is written', () => {
  it('holds each entry as it was given, and the same entries give the same bytes', async () => {
    const dir = await tempFolder();
    await fc.assert(
      fc.asyncProperty(contents, async (entries) => {
        const bytes = await written(join(dir, 'a.zip'), entries);
        expect(await read(join(dir, 'a.zip'))).toEqual(
          entries.map(([name, chunks]) => [name, Buffer.concat(chunks)]),
        );
        expect(await written(join(dir, 'b.zip'), entries)).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it('ends with the same bytes when it is gone on with from any entry, whatever was written behind it', async () => {
    const dir = await tempFolder();
    await fc.assert(
      fc.asyncProperty(contents, fc.nat(), chunk, async (entries, at, torn) => {
        const cut = at % (entries.length + 1);
        const whole = await written(join(dir, 'whole.zip'), entries);
        const path = join(dir, 'part.zip');
        const first = await ZipFile.create(path);
        await addAll(first, entries.slice(0, cut));
        await first.sync();
        const { offset } = first;
        await first.close();
        await appendFile(path, Buffer.alloc(torn.length * 100, 1));
        const second = (await ZipFile.resume(path, offset))!;
        expect(second.entryCount).toBe(cut);
        await addAll(second, entries.slice(cut));
        await second.finish();
        await second.close();
        expect(await readFile(path)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });

  it('is not gone on with when the file is gone, shorter, or has other entries there', async () => {
    const path = join(await tempFolder(), 'a.zip');
    expect(await ZipFile.resume(path, 10)).toBeUndefined();
    const zip = await ZipFile.create(path);
    await zip.add('one', 3, [Buffer.from('abc')]);
    const { offset } = zip;
    await zip.close();
    expect(await ZipFile.resume(path, offset - 1)).toBeUndefined();
    expect(await ZipFile.resume(path, offset + 1)).toBeUndefined();
    await truncate(path, offset - 1);
    expect(await ZipFile.resume(path, offset)).toBeUndefined();
    await writeFile(path, Buffer.alloc(offset));
    expect(await ZipFile.resume(path, offset)).toBeUndefined();
  });

  it('refuses content that is not as long as was said', async () => {
    const zip = await ZipFile.create(join(await tempFolder(), 'a.zip'));
    await expect(zip.add('short', 4, [Buffer.from('abc')])).rejects.toThrow('has 3 bytes, not 4');
    await zip.close();
  });

  it('has large entries in blocks, whole and in order', async () => {
    const path = join(await tempFolder(), 'a.zip');
    const chunks = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(2003, i));
    await written(path, [['many', chunks]]);
    const [[, found]] = (await read(path)) as [[string, Buffer]];
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(hash(found)).toBe(hash(Buffer.concat(chunks)));
  });

  it('has more entries than 16 bits can count', async () => {
    const path = join(await tempFolder(), 'a.zip');
    const entries: StoredEntry[] = [];
    const headers: Buffer[] = [];
    for (let i = 0, offset = 0; i < 66_000; i++) {
      const entry = { name: `${i}`, size: 0, crc32: 0, offset };
      entries.push(entry);
      headers.push(localHeader(entry));
      offset += headers[i]!.length;
    }
    const local = Buffer.concat(headers);
    await writeFile(path, Buffer.concat([local, directoryOf(entries, local.length)]));
    const file = await LocalFile.open(path);
    expect((await ZipArchive.open(file, { maxEntries: 1_000_000 })).entryCount).toBe(66_000);
    await file.release();
  });

  it('tells of sizes and offsets beyond 32 bits', async () => {
    const entry = { name: 'huge', size: 5_000_000_000, crc32: 7, offset: 6_000_000_000 };
    const header = localHeader(entry);
    expect(readLocalHeader(header, entry.offset)).toEqual({ entry, length: header.length });
    const directory = directoryOf([entry], 11_000_000_000);
    const path = join(await tempFolder(), 'directory');
    await writeFile(path, directory);
    const file = await LocalFile.open(path);
    const location = {
      start: 0,
      end: directory.length - 98,
      base: 0,
      declaredEntries: 1,
      countBits: 64,
    } as never;
    const found = [];
    for await (const entries of scanDirectory(file, location)) found.push(...entries);
    expect(found).toEqual([await readRecord(file, location, 0)]);
    expect(found[0]).toMatchObject(entry);
    await file.release();
    const end64 = directory.subarray(-98);
    expect([end64.readBigUInt64LE(24), end64.readBigUInt64LE(48)]).toEqual([1n, 11_000_000_000n]);
  });
});

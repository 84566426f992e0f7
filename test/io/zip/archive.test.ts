import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../support/temp-folder.ts';
import { writeZip, type ZipEnd, type ZipSpec } from '../../support/zip-writer.ts';
import { openZip, readEntry } from './reading.ts';

async function zipOf(specs: Iterable<ZipSpec>, end?: ZipEnd): Promise<string> {
  const path = join(await tempFolder(), 'x.zip');
  writeZip(path, specs, end);
  return path;
}

function* many(count: number): Generator<ZipSpec> {
  for (let i = 0; i < count; i++) yield { name: `f/${i}.txt`, data: 'x', method: 0 };
}

const unreadable = (reason: RegExp) => ({
  code: 'ARCHIVE_UNREADABLE',
  message: expect.stringMatching(reason),
});

describe('finding and reading the central directory', () => {
  it('lists names, sizes, CRC and method', async () => {
    const { entries } = await openZip(await zipOf([{ name: 'a/b.txt', data: 'hello' }, { name: 'a/' }]));
    expect(entries).toMatchObject([
      { name: 'a/b.txt', size: 5, crc32: 0x3610a686, method: 8, overlaps: false, repeated: false },
      { name: 'a/', size: 0 },
    ]);
  });

  it('opens an archive without entries', async () => {
    expect((await openZip(await zipOf([]))).entries).toEqual([]);
  });

  it('reads past a comment that looks like an end record', async () => {
    const fake = Buffer.from('PK\x05\x06').toString('latin1') + '\0'.repeat(40);
    const zip = await openZip(await zipOf([{ name: 'a.txt', data: 'hello' }], { comment: `${fake}end` }));
    expect((await readEntry(zip, 'a.txt')).toString()).toBe('hello');
  });

  it('reads an archive behind a program', async () => {
    for (const zip64 of [false, true]) {
      const path = await zipOf([{ name: 'a.txt', data: 'hello' }], { prefix: Buffer.alloc(5000, 7), zip64 });
      expect((await readEntry(await openZip(path), 'a.txt')).toString()).toBe('hello');
    }
  });

  it.each([65_534, 65_535, 65_536, 70_000])('counts %d entries', async (count) => {
    const zip = await openZip(await zipOf(many(count)));
    expect(zip.zip.entryCount).toBe(count);
    expect(zip.entries.at(-1)?.name).toBe(`f/${count - 1}.txt`);
  });

  it('takes a count that wrapped at 65 536 in an archive without ZIP64', async () => {
    const zip = await openZip(await zipOf(many(70_000), { wrap: true }));
    expect(zip.entries).toHaveLength(70_000);
  });

  it('reads ZIP64 records, whether they are needed or not', async () => {
    const zip = await openZip(await zipOf([{ name: 'a.txt', data: 'hello', zip64: true }], { zip64: true }));
    expect(zip.entries).toMatchObject([{ size: 5, offset: 0 }]);
    expect((await readEntry(zip, 'a.txt')).toString()).toBe('hello');
  });

  it('reads entries of over 4 GB and what lies behind them', async () => {
    const hole = 5_000_000_000;
    const path = await zipOf([
      { name: 'big.bin', hole, crc: 1 },
      { name: 'behind.txt', data: 'hello' },
    ]);
    const zip = await openZip(path);
    expect(zip.entries).toMatchObject([{ size: hole, compressedSize: hole }, { overlaps: false }]);
    expect(zip.entries[1]!.offset).toBeGreaterThan(hole);
    expect((await readEntry(zip, 'behind.txt')).toString()).toBe('hello');
  });

  it('says of offsets that wrapped at 4 GB, as macOS writes them, that the directory is invalid', async () => {
    const path = await zipOf(
      [
        { name: 'big.bin', hole: 4_300_000_000, crc: 1 },
        { name: 'b.txt', data: 'x' },
      ],
      {
        wrap: true,
      },
    );
    await expect(openZip(path)).rejects.toMatchObject(
      unreadable(/central directory is invalid.*macOS.*re-pack/),
    );
  });

  it('opens no archive with more entries than the limit', async () => {
    await expect(openZip(await zipOf(many(11)), 10)).rejects.toMatchObject({
      code: 'ZIP_ENTRY_BOMB',
      measured: 11,
      limit: 10,
    });
  });

  it.each<[what: string, end: ZipEnd, reason: RegExp]>([
    ['too few entries declared', { entries: 1 }, /holds 2 entries where 1 are declared/],
    ['too many entries declared', { entries: 3 }, /holds 2 entries where 3 are declared/],
    ['too many by 65 536 with ZIP64', { entries: 65_538, zip64: true }, /holds 2 entries where 65538/],
    ['a directory that reaches past its end', { directorySize: 5000 }, /past its end record/],
    ['a directory that starts elsewhere', { directoryOffset: 3 }, /central directory is invalid/],
    ['a directory cut in a record', { directorySize: 60 }, /central directory is invalid/],
    ['one part of several', { disk: 1 }, /part of a split archive/],
    ['bytes behind the end', { trailing: Buffer.alloc(9) }, /9 bytes follow its end record/],
  ])('refuses an archive with %s', async (_what, end, reason) => {
    const path = await zipOf(
      [
        { name: 'a.txt', data: 'hello' },
        { name: 'b.txt', data: 'hello' },
      ],
      end,
    );
    await expect(openZip(path)).rejects.toMatchObject(unreadable(reason));
  });

  it('refuses an archive that was cut at any place', async () => {
    const path = await zipOf(
      [
        { name: 'a.txt', data: 'hello' },
        { name: 'b.txt', data: 'hello' },
      ],
      { comment: 'hi' },
    );
    for (let size = readFileSync(path).length - 1; size >= 0; size--) {
      truncateSync(path, size);
      await expect(openZip(path)).rejects.toMatchObject({ code: 'ARCHIVE_UNREADABLE' });
    }
  });

  it('refuses what is no ZIP', async () => {
    const path = join(await tempFolder(), 'x.zip');
    writeFileSync(path, 'no archive at all, but longer than the end record of one would be');
    await expect(openZip(path)).rejects.toMatchObject(unreadable(/not a ZIP, or cut short/));
  });
});

describe('what only the whole directory tells', () => {
  it('marks later entries of a name, and only by the whole name', async () => {
    const names = ['a.jpg', 'A.jpg', 'x/a.jpg', 'a.jpg', 'e\u0301.jpg', '\u00e9.jpg', 'a.jpg'];
    const { entries } = await openZip(await zipOf(names.map((name) => ({ name, data: 'x' }))));
    expect(entries.map((e) => e.repeated)).toEqual([false, false, false, true, false, false, true]);
  });

  it('marks every entry that shares bytes with another', async () => {
    const { entries } = await openZip(
      await zipOf([
        { name: 'alone.txt', data: 'hello' },
        { name: 'first.txt', data: 'hello', method: 0 },
        { name: 'same.txt', data: 'hello', method: 0, offset: 46, directoryOnly: true },
        { name: 'alone too.txt', data: 'hello' },
      ]),
    );
    expect(entries.map((e) => [e.name, e.overlaps])).toEqual([
      ['alone.txt', false],
      ['first.txt', true],
      ['same.txt', true],
      ['alone too.txt', false],
    ]);
  });

  it('marks an entry that reaches into the directory', async () => {
    const { entries } = await openZip(
      await zipOf([{ name: 'a', data: 'hello', method: 0, compressedSize: 500 }]),
    );
    expect(entries[0]!.overlaps).toBe(true);
  });

  it('takes a directory in another order than the file for what it is', async () => {
    const path = await zipOf(many(100), { reorder: (records) => records.reverse() });
    const zip = await openZip(path);
    expect(zip.entries.some((e) => e.overlaps)).toBe(false);
    expect(zip.entries[0]!.name).toBe('f/99.txt');
    expect((await readEntry(zip, 'f/42.txt')).toString()).toBe('x');
  });

  it('finds entries by name, and what limits them', async () => {
    const path = await zipOf(many(3));
    const { source, zip, entries } = await openZip(path);
    await source.acquire();
    for (const entry of entries) expect(await zip.find(entry.name)).toEqual(entry);
    expect(await zip.find('nothing')).toBeUndefined();
    await source.release();
  });

  it('tells that the file was written to or replaced', async () => {
    const path = await zipOf(many(3));
    const { source } = await openZip(path);
    expect(await source.changed()).toBe(false);
    appendFileSync(path, 'x');
    expect(await source.changed()).toBe(true);
  });
});

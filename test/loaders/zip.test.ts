import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ZipOptions, zip } from '../../src/loaders/zip.ts';
import { isOutcome, type Listed, type ListingProof, type SourceItem } from '../../src/model/contracts.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip, type ZipEnd, type ZipSpec } from '../support/zip-writer.ts';

async function zipOf(specs: Iterable<ZipSpec>, end?: ZipEnd): Promise<string> {
  const path = join(await tempFolder(), 'x.zip');
  writeZip(path, specs, end);
  return path;
}

interface Listing {
  listed: Listed[];
  proof: ListingProof;
}

async function list(path: string, options: Partial<ZipOptions> = {}, ctx = testContext()): Promise<Listing> {
  const loader = await zip.open(path, zip.options.parse(options));
  const entries = loader.list(ctx);
  const listed: Listed[] = [];
  for (;;) {
    const next = await entries.next();
    if (next.done) return { listed, proof: next.value };
    listed.push(next.value);
  }
}

const itemsOf = ({ listed }: Listing): SourceItem[] => listed.filter((l): l is SourceItem => !isOutcome(l));
const outcomesOf = ({ listed }: Listing): Outcome[] => listed.filter(isOutcome);
const codes = (listing: Listing): string[] => outcomesOf(listing).map(({ uri, code }) => `${uri} ${code}`);

async function read(item: SourceItem | undefined): Promise<Buffer> {
  const stream = await item!.open!(new AbortController().signal);
  return Buffer.concat(await stream.toArray());
}

const JPEG = Buffer.from('ffd8ffe000104a46494600010101004800480000ffd9', 'hex');
const GZIP = Buffer.from('1f8b0800000000000003', 'hex');

describe('the listing of an archive', () => {
  it('has an item for each file, with uri, size, fingerprint and name, and none for folders', async () => {
    const listing = await list(
      await zipOf([{ name: 'a/' }, { name: 'a/b.jpg', data: JPEG }, { name: 'c.txt', data: 'hello' }]),
    );
    expect(listing.listed).toMatchObject([
      { uri: 'x.zip!/a/b.jpg', size: JPEG.length, fileName: 'b.jpg' },
      { uri: 'x.zip!/c.txt', size: 5, fileName: 'c.txt', fingerprint: '3610a686-5' },
    ]);
    expect(listing.proof).toEqual({ complete: true, evidence: expect.stringContaining('3 entries') });
    expect((await read(itemsOf(listing)[0])).equals(JPEG)).toBe(true);
  });

  it('gives ids that follow from the archive and the whole name', async () => {
    const names = [
      'x/1.jpg',
      'y/1.jpg',
      'a.b.jpg',
      'a.c.jpg',
      'A.jpg',
      'a.jpg',
      'é.jpg',
      'e\u0301.jpg',
      '😀.png',
      '%41',
      'a.',
    ];
    const path = await zipOf(names.map((name) => ({ name, data: name })));
    const ids = itemsOf(await list(path)).map((item) => item.id);
    expect(new Set(ids).size).toBe(names.length);
    expect(itemsOf(await list(path)).map((item) => item.id)).toEqual(ids);
    expect(itemsOf(await list(path, { idPrefix: 'p' }))[0]!.id).toMatch(/^p-1-/);
  });

  it('opens items after it has ended, many at a time', async () => {
    const path = await zipOf(Array.from({ length: 50 }, (_, i) => ({ name: `${i}.txt`, data: `text ${i}` })));
    const texts = await Promise.all(itemsOf(await list(path)).map(read));
    expect(texts.map(String)).toEqual(Array.from({ length: 50 }, (_, i) => `text ${i}`));
  });

  it('has every one of 70 000 entries', async () => {
    const specs = Array.from({ length: 70_000 }, (_, i) => ({ name: `f/${i}.txt`, data: 'x', method: 0 }));
    const listing = await list(await zipOf(specs));
    expect(new Set(itemsOf(listing).map((item) => item.id)).size).toBe(70_000);
    expect(listing.proof).toEqual({ complete: true, evidence: expect.stringContaining('70000 entries') });
  });

  it('labels items by folder, at any level', async () => {
    const path = await zipOf([
      { name: 'a/b/1.jpg', data: JPEG },
      { name: '2.jpg', data: JPEG },
    ]);
    const labels = async (options: Partial<ZipOptions>) =>
      itemsOf(await list(path, options)).map((item) => item.concepts?.map((c) => c.id));
    expect(await labels({})).toEqual([undefined, undefined]);
    expect(await labels({ labels: 'folder' })).toEqual([['b'], undefined]);
    expect(await labels({ labels: 'folder', labelLevel: -1 })).toEqual([['a'], undefined]);
  });

  it('counts its progress in entries', async () => {
    const path = await zipOf([
      { name: 'a', data: 'x' },
      { name: 'b', data: 'x' },
    ]);
    const loader = await zip.open(path, zip.options.parse({}));
    for await (const _ of loader.list(testContext()));
    expect(loader.progress!()).toEqual({ done: 2, total: 2 });
  });

  it('stops when it is aborted', async () => {
    const controller = new AbortController();
    const path = await zipOf([
      { name: 'a', data: 'x' },
      { name: 'b', data: 'x' },
    ]);
    const loader = await zip.open(path, zip.options.parse({}));
    const listing = loader.list(testContext({ signal: controller.signal }));
    await listing.next();
    controller.abort(new Error('enough'));
    await expect(listing.next()).rejects.toThrow('enough');
  });
});

describe('what is no item', () => {
  it('is rejected for its name, and never unpacked to it', async () => {
    const names = [
      '../up.jpg',
      'a/../../up.jpg',
      '/abs.jpg',
      'C:/drive.jpg',
      'c:drive.jpg',
      'a\\b.jpg',
      '',
      'nul\0.jpg',
      'a/..',
    ];
    const listing = await list(
      await zipOf([...names.map((name) => ({ name, data: 'x' })), { name: 'good..jpg', data: JPEG }]),
    );
    expect(codes(listing)).toEqual(names.map((name) => `x.zip!/${name} ZIP_ENTRY_UNSAFE`));
    expect(itemsOf(listing)).toMatchObject([{ uri: 'x.zip!/good..jpg' }]);
  });

  it('is rejected when it is a link and skipped when it is a device', async () => {
    const listing = await list(
      await zipOf([
        { name: 'link.jpg', data: '/etc/passwd', mode: 0o120777 },
        { name: 'fifo', data: '', mode: 0o010644 },
        { name: 'file.txt', data: 'x', mode: 0o100644 },
      ]),
    );
    expect(codes(listing)).toEqual(['x.zip!/link.jpg ZIP_ENTRY_UNSAFE', 'x.zip!/fifo NOT_A_REGULAR_FILE']);
  });

  it('is rejected when another entry has its name, each time under a uri of its own', async () => {
    const twin = { name: 'a.jpg', data: JPEG };
    const listing = await list(
      await zipOf([twin, twin, { name: 'a.jpg#2', data: JPEG }, { name: './a.jpg', data: JPEG }, twin]),
    );
    expect(listing.listed.map((l) => l.uri)).toEqual([
      'x.zip!/a.jpg',
      'x.zip!/a.jpg#2',
      'x.zip!/./a.jpg%232',
      'x.zip!/./%2E/a.jpg',
      'x.zip!/a.jpg#3',
    ]);
    expect(codes(listing)).toEqual([
      'x.zip!/a.jpg#2 ZIP_ENTRY_DUPLICATE',
      'x.zip!/a.jpg#3 ZIP_ENTRY_DUPLICATE',
    ]);
  });

  it('is rejected when it is encrypted or compressed with another method, which is named', async () => {
    const listing = await list(
      await zipOf([
        { name: 'a', data: 'x', flags: 1 },
        { name: 'b', data: 'x', method: 99 },
        { name: 'c', data: 'x', method: 12 },
        { name: 'd', data: 'x', method: 14 },
        { name: 'e', data: 'x', method: 93 },
        { name: 'f', data: 'x', method: 77 },
      ]),
    );
    expect(outcomesOf(listing)).toMatchObject([
      { code: 'ZIP_ENTRY_ENCRYPTED' },
      { code: 'ZIP_ENTRY_ENCRYPTED' },
      { code: 'INPUT_UNSUPPORTED_FORMAT', message: expect.stringContaining('bzip2') },
      { code: 'INPUT_UNSUPPORTED_FORMAT', message: expect.stringContaining('LZMA') },
      { code: 'INPUT_UNSUPPORTED_FORMAT', message: expect.stringContaining('Zstandard') },
      { code: 'INPUT_UNSUPPORTED_FORMAT', message: expect.stringContaining('unknown method (method 77)') },
    ]);
  });

  it('is rejected when its bytes are those of another entry', async () => {
    const kernel = { name: 'kernel', data: 'x'.repeat(100), method: 0 };
    const listing = await list(
      await zipOf([
        kernel,
        { ...kernel, name: 'again', offset: 0, directoryOnly: true },
        { name: 'good', data: 'x' },
      ]),
    );
    expect(codes(listing)).toEqual(['x.zip!/kernel ZIP_ENTRY_CORRUPT', 'x.zip!/again ZIP_ENTRY_CORRUPT']);
    expect(itemsOf(listing)).toHaveLength(1);
  });

  it('is rejected when a folder carries data', async () => {
    expect(codes(await list(await zipOf([{ name: 'a/', data: 'x' }])))).toEqual([
      'x.zip!/a/ ZIP_ENTRY_CORRUPT',
    ]);
  });

  it('is skipped when it is junk, by a named rule', async () => {
    const listing = await list(
      await zipOf([
        { name: '__MACOSX/._a.jpg', data: 'x' },
        { name: 'a/.DS_Store', data: 'x' },
      ]),
    );
    expect(outcomesOf(listing)).toMatchObject([
      { outcome: 'skipped', code: 'JUNK_FILE', message: expect.stringContaining('__MACOSX/') },
      { outcome: 'skipped', code: 'JUNK_FILE', message: expect.stringContaining('.DS_Store') },
    ]);
  });

  it('is skipped when a pattern leaves it out', async () => {
    const path = await zipOf([
      { name: 'a.jpg', data: JPEG },
      { name: 'b/a.txt', data: 'x' },
    ]);
    expect(codes(await list(path, { exclude: ['*.txt'] }))).toEqual(['x.zip!/b/a.txt EXCLUDED']);
    expect(codes(await list(path, { include: ['b/**'] }))).toEqual(['x.zip!/a.jpg EXCLUDED']);
  });

  it('is skipped when it is an archive by name and content, and read when only the name says so', async () => {
    const inner = join(await tempFolder(), 'inner.zip');
    writeZip(inner, [{ name: 'a.txt', data: 'x' }]);
    const listing = await list(
      await zipOf([
        { name: 'inner.zip', data: readFileSync(inner) },
        { name: 'b.tgz', data: GZIP, method: 0 },
        { name: 'picture.zip', data: JPEG },
        { name: 'hidden.jpg', data: readFileSync(inner) },
      ]),
    );
    expect(codes(listing)).toEqual(['x.zip!/inner.zip NESTED_ARCHIVE', 'x.zip!/b.tgz NESTED_ARCHIVE']);
    const [picture, hidden] = itemsOf(listing);
    expect((await read(picture)).equals(JPEG)).toBe(true);
    await expect(read(hidden)).rejects.toMatchObject({ code: 'NESTED_ARCHIVE' });
  });
});

describe('bombs', () => {
  const zeros = Buffer.alloc(30_000_000);

  it('are rejected by the ratio to which they unpack', async () => {
    const [outcome] = outcomesOf(await list(await zipOf([{ name: 'bomb.bmp', data: zeros }])));
    expect(outcome).toMatchObject({ code: 'ZIP_ENTRY_BOMB', limit: 200 });
    expect(outcome!.measured).toBeGreaterThan(1000);
  });

  it('are not seen in what could be a good image, nor in what compresses well', async () => {
    const listing = await list(
      await zipOf([
        { name: 'blank.bmp', data: zeros.subarray(0, 19_000_000) },
        { name: 'sparse.bin', data: Buffer.concat([randomBytes(250_000), zeros]) },
      ]),
    );
    expect(itemsOf(listing)).toHaveLength(2);
  });

  it('are rejected by the size of one entry and of all together, at which the limit can be set', async () => {
    const path = await zipOf(['a', 'b', 'c'].map((name) => ({ name, data: zeros, method: 0 })));
    expect(outcomesOf(await list(path, { maxEntryMegabytes: 29.999999 }))).toMatchObject(
      Array(3).fill({ code: 'ZIP_ENTRY_BOMB', measured: 30_000_000, limit: 29_999_999 }),
    );
    expect(outcomesOf(await list(path, { maxArchiveMegabytes: 60 }))).toMatchObject([
      { uri: 'x.zip!/c', code: 'ZIP_ENTRY_BOMB', measured: 90_000_000, limit: 60_000_000 },
    ]);
  });

  it('are stopped at the declared size when they lie about it', async () => {
    const listing = await list(await zipOf([{ name: 'liar.txt', data: zeros, size: 1000 }]));
    await expect(read(itemsOf(listing)[0])).rejects.toMatchObject({ code: 'ZIP_ENTRY_CORRUPT', limit: 1000 });
  });

  it('of entries are one outcome', async () => {
    const listing = await list(
      await zipOf([
        { name: 'a', data: 'x' },
        { name: 'b', data: 'x' },
      ]),
      { maxEntries: 1 },
    );
    expect(codes(listing)).toEqual(['x.zip ZIP_ENTRY_BOMB']);
  });
});

describe('an archive that cannot be opened', () => {
  it('is one item with one outcome', async () => {
    const path = join(await tempFolder(), 'x.zip');
    writeFileSync(path, 'nothing of the kind');
    const listing = await list(path);
    expect(listing.listed).toMatchObject([{ uri: 'x.zip', outcome: 'rejected', code: 'ARCHIVE_UNREADABLE' }]);
    expect(listing.proof.complete).toBe(true);
  });

  it('is fatal when it is not there or no file', async () => {
    const folder = await tempFolder();
    const options = zip.options.parse({});
    await expect(zip.open(join(folder, 'no.zip'), options)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
    await expect(zip.open(folder, options)).rejects.toMatchObject({ code: 'SOURCE_UNRECOGNISED' });
  });
});

it('has another fingerprint when the archive was written to', async () => {
  const path = await zipOf([{ name: 'a', data: 'x' }]);
  const loader = await zip.open(path, zip.options.parse({}));
  const before = await loader.fingerprint();
  appendFileSync(path, 'x');
  expect(await loader.fingerprint()).not.toBe(before);
});

describe('a CSV in an archive', () => {
  const csv = (text: string, rest: Partial<ZipSpec> = {}): ZipSpec => ({
    name: 'labels.csv',
    data: text,
    ...rest,
  });
  const images: ZipSpec[] = ['a.jpg', 'b/c.jpg', 'rest.jpg'].map((name) => ({ name, data: JPEG }));

  it('at its root says what the entries beside it are; the others are listed as usual', async () => {
    const listing = await list(await zipOf([...images, csv('input,concepts\na.jpg,cat\n./b/c.jpg,dog\n')]));
    expect(listing.listed.map((l) => l.uri)).toEqual([
      'x.zip!/labels.csv#L2',
      'x.zip!/labels.csv#L3',
      'x.zip!/rest.jpg',
    ]);
    const [cat] = itemsOf(listing);
    expect(cat).toMatchObject({ concepts: [{ id: 'cat', value: 1 }], size: JPEG.length, fileName: 'a.jpg' });
    expect((await read(cat)).equals(JPEG)).toBe(true);
    expect(listing.proof.complete).toBe(true);
  });

  it('finds entries whatever way their names are written', async () => {
    const listing = await list(
      await zipOf([
        { name: 'b/e\u0301.jpg', data: JPEG },
        { name: 'ä.jpg', data: JPEG },
        csv('input\nb\\\u00e9.jpg\na\u0308.jpg\n'),
      ]),
    );
    expect(listing.listed.map((l) => l.uri)).toEqual(['x.zip!/labels.csv#L2', 'x.zip!/labels.csv#L3']);
    expect(outcomesOf(listing)).toEqual([]);
  });

  it('gets an outcome for each row that names what is not there, lies outside or cannot be read', async () => {
    const listing = await list(
      await zipOf([
        { name: 'secret.jpg', data: JPEG, flags: 1 },
        { name: 'folder/' },
        csv('input\nno.jpg\n../a.jpg\n/a.jpg\nC:\\a.jpg\nsecret.jpg\n', { method: 0 }),
      ]),
    );
    expect(codes(listing)).toEqual([
      'x.zip!/labels.csv#L2 INPUT_NOT_FOUND',
      'x.zip!/labels.csv#L3 PATH_OUTSIDE_BASE',
      'x.zip!/labels.csv#L4 PATH_OUTSIDE_BASE',
      'x.zip!/labels.csv#L5 PATH_OUTSIDE_BASE',
      'x.zip!/labels.csv#L6 ZIP_ENTRY_ENCRYPTED',
    ]);
    expect(listing.listed).toHaveLength(5);
  });

  it('is a text when the options of the run or its own header keep it from being read', async () => {
    const warnings: unknown[] = [];
    const context = testContext();
    const ctx = {
      ...context,
      logger: { ...context.logger, warn: (_: object, message: string) => void warnings.push(message) },
    };
    const path = await zipOf([
      csv('input,concepts\na.jpg,cat\n'),
      csv('input;concepts;concepts\na.jpg;cat;dog\n', { name: 'twice.csv' }),
      ...images,
    ]);
    const listing = await list(path, { delimiter: 'semicolon' }, ctx);
    expect(listing.listed.map((l) => l.uri)).toEqual([
      'x.zip!/labels.csv',
      'x.zip!/twice.csv',
      'x.zip!/a.jpg',
      'x.zip!/b/c.jpg',
      'x.zip!/rest.jpg',
    ]);
    expect(listing.proof.complete).toBe(true);
    expect(warnings).toEqual([
      expect.stringMatching(/^x\.zip!\/labels\.csv is not read as a manifest: .*must name the columns/),
      expect.stringMatching(/^x\.zip!\/twice\.csv is not read as a manifest: .*"concepts" twice/),
    ]);
  });

  it('is a text where it lies in a folder, has no known header or is corrupt', async () => {
    const listing = await list(
      await zipOf([
        csv('input\na.jpg\n', { name: 'b/labels.csv' }),
        csv('just,words\n1,2\n', { name: 'words.csv' }),
        csv('input\na.jpg\n', { name: 'broken.csv', crc: 1 }),
        ...images,
      ]),
    );
    expect(outcomesOf(listing)).toEqual([]);
    expect(listing.listed).toHaveLength(6);
    await expect(read(itemsOf(listing)[2])).rejects.toMatchObject({ code: 'ZIP_ENTRY_CORRUPT' });
  });
});

describe('telling a ZIP', () => {
  const probe = (source: string, head: Buffer, isDirectory = false) =>
    zip.detect({ source, head, isDirectory });

  it('goes by content or name', () => {
    expect(probe('x.bin', Buffer.from('PK\x03\x04'))).toContain('content');
    expect(probe('x.ZIP', Buffer.from('broken'))).toContain('name');
    expect(probe('x.jpg', JPEG)).toBeUndefined();
    expect(probe('x.zip', Buffer.alloc(0), true)).toBeUndefined();
  });
});

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { ingest } from '../../src/index.ts';
import { accounted, codesOf } from '../support/accounts.ts';
import { sluiceJson } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

let dir: string;
let store: string;
let source: string;
beforeEach(async () => {
  dir = await tempFolder();
  store = join(dir, 'store');
  source = join(dir, 'source.zip');
});

test('every way in which an entry can lie is an outcome of its own, and the others land', async () => {
  const good = (name: string) => ({ name, data: `text of ${name}, text of ${name}` });
  writeZip(source, [
    { name: 'first.txt', data: 'x'.repeat(100), method: 0 },
    { name: 'overlaps.txt', data: 'x'.repeat(100), method: 0, offset: 0, directoryOnly: true },
    { name: 'declares-less.txt', data: Buffer.alloc(30_000_000), size: 1_000 },
    { name: 'declares-more.txt', data: 'short', size: 5_000 },
    { name: 'bomb.txt', data: Buffer.alloc(30_000_000, 'x') },
    { name: 'wrong-crc.txt', data: 'crc', crc: 7 },
    { name: 'other-method.txt', packed: randomBytes(50), method: 77, size: 60 },
    { name: 'damaged.txt', packed: randomBytes(50), size: 60 },
    { name: 'C:\\drive.txt', data: 'drive' },
    { name: 'a/../../climbs.txt', data: 'climbs' },
    { name: 'link', data: '/etc/passwd', host: 3, mode: 0o120777 },
    { name: 'empty.txt', data: '' },
    good('good.txt'),
    good('folder/good.txt'),
  ]);
  const ran = await sluiceJson(['ingest', source, '--store', store]);
  expect(codesOf(store, ran.json)).toEqual({
    'source.zip!/first.txt': 'ZIP_ENTRY_CORRUPT',
    'source.zip!/overlaps.txt': 'ZIP_ENTRY_CORRUPT',
    'source.zip!/declares-less.txt': 'ZIP_ENTRY_CORRUPT',
    'source.zip!/declares-more.txt': 'ZIP_ENTRY_CORRUPT',
    'source.zip!/bomb.txt': 'ZIP_ENTRY_BOMB',
    'source.zip!/wrong-crc.txt': 'ZIP_ENTRY_CORRUPT',
    'source.zip!/other-method.txt': 'INPUT_UNSUPPORTED_FORMAT',
    'source.zip!/damaged.txt': 'ZIP_ENTRY_CORRUPT',
    'source.zip!/C:\\drive.txt': 'ZIP_ENTRY_UNSAFE',
    'source.zip!/a/../../climbs.txt': 'ZIP_ENTRY_UNSAFE',
    'source.zip!/link': 'ZIP_ENTRY_UNSAFE',
    'source.zip!/empty.txt': 'ALL_INPUT_INVALID_BYTES',
    'source.zip!/good.txt': 'INPUT_SUCCESS',
    'source.zip!/folder/good.txt': 'INPUT_SUCCESS',
  });
  expect(ran.code).toBe(2);
  for (const { outcome, message } of accounted(store, ran.json).values())
    if (outcome === 'rejected') expect(message).toBeTruthy();
});

test('70 000 entries all land, with a broken one among them', async () => {
  const COUNT = 70_000;
  writeZip(
    source,
    Array.from({ length: COUNT }, (_, i) => ({
      ...{ name: `t/${i}.txt`, data: `t${i}`, method: 0 },
      ...(i === 40_000 ? { crc: 1 } : {}),
    })),
  );
  const report = await ingest({ source, store, options: { batchItems: 128 } });
  expect(report).toMatchObject({
    status: 'complete',
    totals: { listed: COUNT, ok: COUNT - 1, rejected: 1 },
    byCode: { ZIP_ENTRY_CORRUPT: 1 },
  });
  accounted(store, report);
  expect(await storedIn(store)).toHaveLength(COUNT - 1);
});

test('a CSV in an archive labels the entries beside it, once each, and names what it cannot find', async () => {
  const rows = ['t/a.txt,cat', 't/none.txt,dog', 't/b.txt,dog', '../up.txt,dog'];
  writeZip(source, [
    { name: 'rows.csv', data: `input,concepts\n${rows.join('\n')}\n` },
    ...['a', 'b', 'c'].map((name) => ({ name: `t/${name}.txt`, data: `text ${name}` })),
  ]);
  const report = await ingest({ source, store });
  const outcomes = [...accounted(store, report).values()].map(({ code }) => code).sort();
  expect(outcomes).toEqual([
    'INPUT_NOT_FOUND',
    'INPUT_SUCCESS',
    'INPUT_SUCCESS',
    'INPUT_SUCCESS',
    'PATH_OUTSIDE_BASE',
  ]);
  const labels = (await storedIn(store)).map(({ text, concepts }) => [text, ...concepts.map(({ id }) => id)]);
  expect(labels.sort()).toEqual([['text a', 'cat'], ['text b', 'dog'], ['text c']]);
});

test('an archive that is no archive is a clear end when it is the source', async () => {
  await writeFile(source, 'PK\x03\x04 and then nothing of the kind');
  const ran = await sluiceJson(['ingest', source, '--store', store]);
  expect(ran).toMatchObject({ code: 2, json: { totals: { listed: 1, rejected: 1 } } });
  expect(codesOf(store, ran.json)).toEqual({ 'source.zip': 'ARCHIVE_UNREADABLE' });
});

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { ingest, type RunReport, retry } from '../../src/index.ts';
import { codesOf } from '../support/accounts.ts';
import { sluiceJson } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

let dir: string;
let store: string;
let first: RunReport;

beforeEach(async () => {
  dir = await tempFolder();
  store = join(dir, 'store');
  const files = join(dir, 'files');
  await mkdir(files);
  await writeFile(join(files, 'good.txt'), 'good');
  await writeFile(join(files, 'broken.txt'), Buffer.from([0xc3, 0x28]));
  await writeFile(join(files, 'paper.txt'), '%PDF-1.7\n%\xe2');
  const source = join(dir, 'rows.csv');
  const rows = [
    'good,files/good.txt,',
    'missing,files/missing.txt,',
    'broken,files/broken.txt,',
    'paper,files/paper.txt,',
    'label,files/good.txt,{not json',
    'good,files/good.txt,',
    'too,many,cells,here',
  ];
  await writeFile(source, `inputid,input,metadata\n${rows.join('\n')}\n`);
  first = await ingest({ source, store, loader: { csvType: 'file' } });
  expect(codesOf(store, first)).toEqual({
    'rows.csv#L2': 'INPUT_SUCCESS',
    'rows.csv#L3': 'INPUT_NOT_FOUND',
    'rows.csv#L4': 'ALL_INPUT_INVALID_BYTES',
    'rows.csv#L5': 'INPUT_UNSUPPORTED_FORMAT',
    'rows.csv#L6': 'INPUT_INVALID_ARGUMENT',
    'rows.csv#L7': 'INPUT_DUPLICATE',
    'rows.csv#L8': 'CSV_ROW_INVALID',
  });
});

/** What a retry of the first run takes, by line of the CSV. */
const taken = async (filter: Omit<Parameters<typeof retry>[0], 'failures' | 'store'>) => {
  const report = await retry({ failures: first.failures!, store, ...filter });
  return Object.keys(codesOf(store, report))
    .map((uri) => Number(uri.split('#L')[1]))
    .sort();
};

test('takes what failed; what was rejected, by stage, by code or doubled only when asked', async () => {
  expect(await taken({})).toEqual([3]);
  expect(await taken({ rejected: true })).toEqual([3, 4, 5, 6, 8]);
  expect(await taken({ rejected: true, stage: 'validate' })).toEqual([4, 5]);
  expect(await taken({ rejected: true, stage: 'list' })).toEqual([3, 6, 8]);
  expect(await taken({ rejected: true, code: 'INPUT_UNSUPPORTED_FORMAT' })).toEqual([5]);
  expect(await taken({ code: 'CSV_ROW_INVALID' })).toEqual([]);
  expect(await taken({ retryDuplicates: true })).toEqual([3, 7]);
});

test('ends with 0 once everything is corrected, and only the corrected items are touched', async () => {
  await writeFile(join(dir, 'files/missing.txt'), 'here now');
  await writeFile(join(dir, 'files/broken.txt'), 'whole');
  await writeFile(join(dir, 'files/paper.txt'), 'plain');
  await rm(join(dir, 'files/good.txt'));
  await writeFile(join(dir, 'files/other.txt'), 'other');
  const rows = [
    'paper,files/paper.txt,',
    'label,files/other.txt,{"now":"json"}',
    'missing,files/missing.txt,',
    'good,files/good.txt,',
    'broken,files/broken.txt,',
  ];
  // Line 8 still holds the record that had too many cells.
  await writeFile(
    join(dir, 'rows.csv'),
    `inputid,input,metadata\n${rows.join('\n')}\n\ntoo,files/other.txt,\n`,
  );
  const again = await sluiceJson(['retry', first.failures!, '--rejected']);
  expect(again.code, again.stdout).toBe(0);
  expect(again.json.totals).toMatchObject({ listed: 5, ok: 5 });
  const texts = (await storedIn(store)).map(({ id, text, metadata }) => [id, text, metadata]);
  expect(texts).toEqual([
    ['broken', 'whole', {}],
    ['good', 'good', {}],
    ['label', 'other', { now: 'json' }],
    ['missing', 'here now', {}],
    ['paper', 'plain', {}],
    ['too', 'other', {}],
  ]);
});

test('takes every row that a broken quote had swallowed, once the quote is corrected', async () => {
  const source = join(dir, 'quotes.csv');
  const other = join(dir, 'other');
  const write = (b: string, d: string) =>
    writeFile(source, `inputid,input,concepts\na,text a,x\nb,${b},x\nc,text c,x\nd,${d},x\ne,text e,x\n`);
  await write('"text b', 'text " d');
  const broken = await ingest({ source, store: other, loader: { csvType: 'raw' } });
  expect(broken).toMatchObject({ totals: { listed: 3, ok: 2, rejected: 1 } });
  await write('text b', 'text d');
  const again = await retry({ failures: broken.failures!, store: other, rejected: true });
  expect(codesOf(other, again)).toEqual({
    'quotes.csv#L3': 'INPUT_SUCCESS',
    'quotes.csv#L4': 'INPUT_SUCCESS',
    'quotes.csv#L5': 'INPUT_SUCCESS',
  });
  expect((await storedIn(other)).map(({ id }) => id).join('')).toBe('abcde');
});

test('finds a corrected row also when rows were put above it, and leaves alone what moved to its line', async () => {
  const source = join(dir, 'moved.csv');
  const other = join(dir, 'other');
  await writeFile(source, 'inputid,input,concepts\nfoo,"text" foo,x\nb,text b,x\n');
  const broken = await ingest({ source, store: other, loader: { csvType: 'raw' } });
  expect(broken.totals).toMatchObject({ listed: 2, ok: 1, rejected: 1 });
  await writeFile(source, 'inputid,input,concepts\nb,text b,x\nnew,text new,x\nfoo,text foo,x\n');
  const again = await retry({ failures: broken.failures!, store: other, rejected: true });
  expect(codesOf(other, again)).toEqual({ 'moved.csv#L3': 'INPUT_SUCCESS', 'moved.csv#L4': 'INPUT_SUCCESS' });
  expect(again.exitCode).toBe(0);
});

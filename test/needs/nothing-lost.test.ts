import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ingest } from '../../src/index.ts';
import { accounted, codesOf } from '../support/accounts.ts';
import { ledgerOf, sluiceJson } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

let dir: string;
let store: string;
beforeEach(async () => {
  dir = await tempFolder();
  store = join(dir, 'store');
});

const COUNT = 70;
const name = (i: number) => `${String(i).padStart(3, '0')}.txt`;
const BAD = Buffer.from([0x61, 0xff]);

/** `COUNT` texts as a folder, a ZIP and a CSV, with those at `bad` broken. */
const sources: Record<string, (bad: readonly number[]) => Promise<string>> = {
  folder: async (bad) => {
    const source = join(dir, 'source');
    await mkdir(source);
    for (let i = 0; i < COUNT; i++)
      await writeFile(join(source, name(i)), bad.includes(i) ? BAD : `text ${i}`);
    return source;
  },
  ZIP: async (bad) => {
    const source = join(dir, 'source.zip');
    writeZip(
      source,
      Array.from({ length: COUNT }, (_, i) => ({ name: name(i), data: bad.includes(i) ? BAD : `text ${i}` })),
    );
    return source;
  },
  CSV: async (bad) => {
    const source = join(dir, 'source.csv');
    const row = (i: number) => (bad.includes(i) ? `row${i},"text ${i}"x` : `row${i},text ${i}`);
    await writeFile(source, `inputid,input\n${Array.from({ length: COUNT }, (_, i) => row(i)).join('\n')}\n`);
    return source;
  },
};

describe.each(Object.keys(sources))('of a %s', (kind) => {
  test.each([[[0]], [[COUNT >> 1]], [[COUNT - 1]], [[0, 31, 32, COUNT - 1]]])(
    'the broken items at %j are rejected and all others land, in order',
    async (bad) => {
      const source = await sources[kind]!(bad);
      const loader = kind === 'CSV' ? { csvType: 'raw' } : {};
      const report = await ingest({ source, store, loader });
      expect(report).toMatchObject({
        exitCode: 2,
        totals: { listed: COUNT, ok: COUNT - bad.length, rejected: bad.length },
      });
      accounted(store, report);
      const lines = ledgerOf(store, report.runId);
      const rejected = lines
        .filter(({ outcome }) => outcome === 'rejected')
        .map(({ uri }) => Number(/(\d+)(\.txt)?$/.exec(uri)![1]));
      expect(rejected).toEqual(kind === 'CSV' ? bad.map((i) => i + 2) : bad);
      const landed = lines.filter(({ outcome }) => outcome === 'ok').map(({ uri }) => uri);
      expect(landed).toEqual([...landed].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })));
    },
  );
});

test('a broken quote on line 3 of 10 000 costs line 3 alone', async () => {
  const source = join(dir, 'rows.csv');
  const rows = Array.from({ length: 10_000 }, (_, i) =>
    i === 1 ? 'row-1,"never closed' : `row-${i},text ${i}`,
  );
  await writeFile(source, `inputid,input\n${rows.join('\n')}\n`);
  const ran = await sluiceJson(['ingest', source, '--csv-type', 'raw', '--store', store]);
  expect(ran).toMatchObject({ code: 2, json: { totals: { listed: 10_000, ok: 9_999, rejected: 1 } } });
  const line = [...accounted(store, ran.json).values()].find(({ outcome }) => outcome === 'rejected')!;
  expect(line).toMatchObject({ uri: 'rows.csv#L3', code: 'CSV_ROW_INVALID' });
  expect(line.message).toContain('rows.csv:3:7');
  const inputs = await storedIn(store);
  expect(inputs).toHaveLength(9_999);
  for (const { id, text } of inputs) expect(text).toBe(`text ${id.slice(4)}`);
});

test('a store in the source is left out, and a store as the source is refused', async () => {
  const source = await sources['folder']!([]);
  const inside = join(source, 'my-store');
  for (const again of [false, true]) {
    const report = await ingest({ source, store: inside });
    const codes = codesOf(inside, report);
    expect(report).toMatchObject({ status: 'complete', exitCode: 0 });
    expect(Object.keys(codes).filter((uri) => uri.startsWith('my-store/'))).toEqual(['my-store/']);
    expect(codes['my-store/']).toBe('EXCLUDED');
    expect(report.byCode[again ? 'INPUT_UNCHANGED' : 'INPUT_SUCCESS']).toBe(COUNT);
  }
  for (const refused of [inside, join(inside, 'blobs'), join(inside, 'runs')]) {
    const ran = await sluiceJson<{ error: { code: string } }>(['ingest', refused, '--store', inside]);
    expect(ran).toMatchObject({ code: 1, json: { error: { code: 'CONFIG_INVALID' } } });
  }
  expect((await storedIn(inside)).map(({ uri }) => uri).sort()).toEqual(
    Array.from({ length: COUNT }, (_, i) => name(i)),
  );
});

test('the threshold of rejected items decides between the exit codes 0 and 2', async () => {
  const source = await sources['folder']!([3]);
  const bad = async (maxRejected: string) =>
    (await ingest({ source, store, options: { maxRejected } })).exitCode;
  expect(await bad('0')).toBe(2);
  expect(await bad('1')).toBe(0);
  expect(await bad('1%')).toBe(2);
  expect(await bad('1.5%')).toBe(0);
  const ran = await sluiceJson(['ingest', source, '--store', store, '--max-rejected', '2%']);
  expect(ran).toMatchObject({ code: 0, json: { exitCode: 0, totals: { rejected: 1 } } });
});

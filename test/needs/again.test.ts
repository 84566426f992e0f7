import { readdirSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ingest } from '../../src/index.ts';
import { accounted } from '../support/accounts.ts';
import { sluice, sluiceJson } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

let dir: string;
let store: string;
beforeEach(async () => {
  dir = await tempFolder();
  store = join(dir, 'store');
});

const csv = async (...rows: string[]) => {
  const path = join(dir, 'rows.csv');
  await writeFile(path, `inputid,input,concepts,metadata\n${rows.map((row) => `${row}\n`).join('')}`);
  return path;
};
const brief = async () =>
  (await storedIn(store)).map(({ id, text, concepts, metadata, datasets }) => ({
    ...{ id, text, datasets, metadata },
    concepts: concepts.map((c) => `${c.id}=${c.value}`).sort(),
  }));
const run = async (source: string, options: Record<string, unknown> = {}) => {
  const report = await ingest({ source, store, options, loader: { csvType: 'raw' } });
  accounted(store, report);
  return report;
};

describe('ids that come twice', () => {
  test('within a run: the first wins, the later is rejected with both named', async () => {
    const source = await csv('one,first,,', 'two,other,,', 'one,second,,', 'one,first,,');
    const report = await run(source);
    expect(report).toMatchObject({ exitCode: 2, byCode: { INPUT_SUCCESS: 2, INPUT_DUPLICATE: 2 } });
    const line = accounted(store, report).get('rows.csv#L4')!;
    expect(line).toMatchObject({ outcome: 'rejected', code: 'INPUT_DUPLICATE', inputId: 'one' });
    expect(line.message).toContain('rows.csv#L2');
    expect(line.message).toContain('rows.csv#L4');
    expect((await brief()).map(({ id, text }) => [id, text])).toEqual([
      ['one', 'first'],
      ['two', 'other'],
    ]);

    // Asked for, each of them is stored; the one with bytes that are there already is that input.
    const again = await sluiceJson(['retry', report.failures!, '--retry-duplicates']);
    expect(again.json).toMatchObject({ exitCode: 0, byCode: { INPUT_SUCCESS: 1, INPUT_UNCHANGED: 1 } });
    expect((await brief()).map(({ id, text }) => [id, text])).toEqual([
      ['one', 'first'],
      ['one-1', 'second'],
      ['two', 'other'],
    ]);
  });

  test('three within a run are all stored by one retry that takes duplicates', async () => {
    const report = await run(await csv('one,first,,', 'one,second,,', 'one,third,,'));
    const again = await sluiceJson(['retry', report.failures!, '--retry-duplicates']);
    expect(again.json).toMatchObject({ exitCode: 0, totals: { listed: 2, ok: 2 } });
    expect((await brief()).map(({ text }) => text).sort()).toEqual(['first', 'second', 'third']);
  });

  test.each([
    ['reject', 'INPUT_DUPLICATE', 2, [['one', 'old']]],
    [
      'suffix',
      'INPUT_SUCCESS',
      0,
      [
        ['one', 'old'],
        ['one-1', 'new'],
      ],
    ],
    ['replace', 'INPUT_UPDATED', 0, [['one', 'new']]],
  ])('across runs, --on-duplicate %s', async (onDuplicate, code, exitCode, inputs) => {
    await run(await csv('one,old,,'));
    const source = await csv('one,new,,');
    for (const again of [false, true]) {
      const report = await run(source, { onDuplicate });
      const expected = again && onDuplicate !== 'reject' ? 'INPUT_UNCHANGED' : code;
      expect(report).toMatchObject({ exitCode, byCode: { [expected]: 1 } });
      expect((await brief()).map(({ id, text }) => [id, text])).toEqual(inputs);
    }
  });
});

describe('the same input with other labels', () => {
  test.each([
    ['merge', 'INPUT_UPDATED', ['cat=1', 'dog=0'], { a: 1, b: 3, c: 4 }],
    ['overwrite', 'INPUT_UPDATED', ['dog=0'], { b: 3, c: 4 }],
    ['keep', 'INPUT_UNCHANGED', ['cat=1'], { a: 1, b: 2 }],
  ])('--on-existing %s', async (onExisting, code, concepts, metadata) => {
    await run(await csv('one,text,cat,"{""a"":1,""b"":2}"'));
    const source = join(dir, 'more.csv');
    await writeFile(source, 'inputid,input,metadata\none,text,"{""b"":3,""c"":4}"\n');
    const report = await run(source, { onExisting, concept: ['dog=0'] });
    expect(report.byCode).toEqual({ [code]: 1 });
    expect(await brief()).toEqual([{ id: 'one', text: 'text', datasets: ['default'], concepts, metadata }]);
    const again = await run(source, { onExisting, concept: ['dog=0'] });
    expect(again.byCode).toEqual({ INPUT_UNCHANGED: 1 });
  });

  test('joins another dataset without being stored twice', async () => {
    const source = await csv('one,text,cat,');
    await run(source);
    const report = await run(source, { dataset: 'second' });
    expect(report.byCode).toEqual({ INPUT_UPDATED: 1 });
    expect(await brief()).toMatchObject([
      { id: 'one', datasets: ['default', 'second'], concepts: ['cat=1'] },
    ]);
  });
});

describe('files', () => {
  const blobs = () =>
    readdirSync(join(store, 'blobs'), { recursive: true }).filter((n) => String(n).length > 10);

  test('with equal bytes are two inputs that share one blob, and nothing is doubled by the same command', async () => {
    const source = join(dir, 'source');
    await mkdir(join(source, 'sub'), { recursive: true });
    const long = 'long enough to be a blob '.repeat(4_000);
    await writeFile(join(source, 'a.txt'), long);
    await writeFile(join(source, 'sub/b.txt'), long);
    await writeFile(join(source, 'c.txt'), 'short');
    expect((await run2(source)).totals).toMatchObject({ listed: 3, ok: 3 });
    const before = await storedIn(store);
    expect(new Set(before.map(({ sha256 }) => sha256)).size).toBe(2);
    expect(blobs()).toHaveLength(1);

    const again = await run2(source);
    expect(again).toMatchObject({
      exitCode: 0,
      byCode: { INPUT_UNCHANGED: 3 },
      bytes: { read: 0, stored: 0 },
    });
    const verified = await run2(source, { verify: true });
    expect(verified).toMatchObject({ exitCode: 0, byCode: { INPUT_UNCHANGED: 3 }, bytes: { stored: 0 } });
    expect(verified.bytes.read).toBe(2 * long.length + 5);
    expect(await storedIn(store)).toEqual(before);
    expect(blobs()).toHaveLength(1);

    // Another name is another id; what it was before stays until it is deleted.
    await rename(join(source, 'c.txt'), join(source, 'd.txt'));
    expect((await run2(source)).byCode).toEqual({ INPUT_SUCCESS: 1, INPUT_UNCHANGED: 2 });
    const check = await sluiceJson(['store', 'check', '--deep', '--store', store]);
    expect(check.code).toBe(0);
  });

  test('whose blob was lost get it back from a run that reads them again', async () => {
    const source = join(dir, 'source');
    await mkdir(source);
    for (const name of ['a', 'b'])
      await writeFile(join(source, `${name}.txt`), `long ${name} `.repeat(20_000));
    await run2(source);
    const check = () => sluiceJson(['store', 'check', '--deep', '--store', store]);
    const lost = join(store, 'blobs', String(blobs()[0]));
    await rm(lost);
    expect((await sluice(['store', 'check', '--store', store])).stdout).toContain('BLOB_MISSING');
    expect(await run2(source, { verify: true })).toMatchObject({
      exitCode: 0,
      byCode: { INPUT_UNCHANGED: 2 },
    });
    expect(await check()).toMatchObject({ code: 0, json: { rows: 2, blobs: 2 } });
  });

  const run2 = async (source: string, options: Record<string, unknown> = {}) => {
    const report = await ingest({ source, store, options });
    accounted(store, report);
    return report;
  };
});

import { appendFileSync, readFileSync, truncateSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ingest, resume } from '../../src/index.ts';
import type { Sink } from '../../src/model/contracts.ts';
import { nullSink } from '../../src/stores/index.ts';
import { accounted, codesOf } from '../support/accounts.ts';
import { sluiceJson } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

let dir: string;
let store: string;
beforeEach(async () => {
  dir = await tempFolder();
  store = join(dir, 'store');
});

/** A sink that is asked about the items when they are listed and not yet read: the moment at which `change` runs. */
function changing(change: () => Promise<void>): Sink {
  const sink = nullSink(join(dir, 'spool'));
  let changed: Promise<void> | undefined;
  return {
    ...sink,
    existing: async (ids) => {
      changed ??= change();
      await changed;
      return sink.existing(ids);
    },
  };
}

describe('files', () => {
  test('that change between listing and reading fail, the others land, and retry takes them as they are', async () => {
    const source = join(dir, 'source');
    await mkdir(source);
    const names = ['appended', 'cut', 'emptied', 'gone', 'folder', 'replaced', 'still'];
    for (const name of names) await writeFile(join(source, `${name}.txt`), `the text of ${name}`);
    const file = (name: string) => join(source, `${name}.txt`);
    const change = async () => {
      await appendFile(file('appended'), ' and more');
      await truncate(file('cut'), 5);
      await truncate(file('emptied'), 0);
      await rm(file('gone'));
      await rm(file('folder'));
      await mkdir(file('folder'));
      await writeFile(join(dir, 'new'), 'the text of REPLACED');
      await rename(join(dir, 'new'), file('replaced'));
    };
    const report = await ingest({ source, store, sink: changing(change) });
    expect(codesOf(store, report)).toEqual({
      'appended.txt': 'INPUT_CHANGED_WHILE_READ',
      'cut.txt': 'INPUT_CHANGED_WHILE_READ',
      'emptied.txt': 'INPUT_CHANGED_WHILE_READ',
      'folder.txt': 'INPUT_READ_FAILED',
      'gone.txt': 'INPUT_NOT_FOUND',
      'replaced.txt': 'INPUT_CHANGED_WHILE_READ',
      'still.txt': 'INPUT_SUCCESS',
    });
    expect(report).toMatchObject({ status: 'complete', exitCode: 2 });

    const landed = join(dir, 'landed');
    const again = await sluiceJson(['retry', report.failures!, '--store', landed]);
    expect(codesOf(landed, again.json)).toEqual({
      'appended.txt': 'INPUT_SUCCESS',
      'cut.txt': 'INPUT_SUCCESS',
      'emptied.txt': 'ALL_INPUT_INVALID_BYTES',
      'folder.txt': 'INPUT_NOT_FOUND',
      'gone.txt': 'INPUT_NOT_FOUND',
      'replaced.txt': 'INPUT_SUCCESS',
    });
    const texts = (await storedIn(landed)).map(({ text }) => text).sort();
    expect(texts).toEqual(['the t', 'the text of REPLACED', 'the text of appended and more']);
  });
});

describe('a CSV', () => {
  const ROWS = 5_000;
  const content = `inputid,input\n${Array.from({ length: ROWS }, (_, i) => `row-${i},text number ${i}\n`).join('')}`;
  const CUT = 3_000;
  const cut = content.indexOf(`number ${CUT}`) + 'number 30'.length;

  test.each([
    ['cut', (path: string) => truncateSync(path, cut), CUT],
    ['appended to', (path: string) => appendFileSync(path, 'row-more,half a te'), ROWS],
  ])(
    'that is %s while it is listed leaves no half row, is no complete run, and can be gone on with',
    async (_how, change, whole) => {
      const source = join(dir, 'rows.csv');
      await writeFile(source, content);
      const request = { source, store, loader: { csvType: 'raw' } };
      const report = await ingest(request, { onStart: () => change(source) });
      expect(report).toMatchObject({ status: 'failed', exitCode: 3, error: { code: 'SOURCE_INCOMPLETE' } });
      expect(report.totals).toMatchObject({ listed: whole, ok: whole });
      accounted(store, report);

      const refused = await sluiceJson<{ error: { code: string } }>([
        'resume',
        report.runId,
        '--store',
        store,
      ]);
      expect(refused).toMatchObject({ code: 1, json: { error: { code: 'SOURCE_CHANGED' } } });
      await writeFile(source, content);
      const resumed = await resume({ runId: report.runId, store, acceptChanged: true });
      expect(resumed).toMatchObject({ status: 'complete', exitCode: 0, totals: { listed: ROWS, ok: ROWS } });
      accounted(store, resumed);
      const inputs = await storedIn(store);
      expect(inputs).toHaveLength(ROWS);
      for (const { id, text } of inputs) expect(text).toBe(`text number ${id.slice('row-'.length)}`);
    },
  );
});

describe('a ZIP', () => {
  const entries = (text: string) =>
    Array.from({ length: 3_000 }, (_, i) => ({ name: `${i}.txt`, data: `${text} ${i}` }));

  test('that is replaced while it is listed is no complete run, and an entry is of the old or of the new one', async () => {
    const source = join(dir, 'texts.zip');
    writeZip(source, entries('old'));
    writeZip(join(dir, 'new.zip'), [...entries('new'), { name: 'one-more.txt', data: 'one more' }]);
    const sink = changing(() => rename(join(dir, 'new.zip'), source));
    const report = await ingest({ source, store, sink });
    expect(report).toMatchObject({ status: 'failed', exitCode: 3, error: { code: 'SOURCE_INCOMPLETE' } });
    const outcomes = new Set([...accounted(store, report).values()].map(({ code }) => code));
    for (const code of outcomes) expect(['INPUT_SUCCESS', 'INPUT_CHANGED_WHILE_READ']).toContain(code);

    const landed = join(dir, 'landed');
    const again = await ingest({ source, store: landed });
    expect(again).toMatchObject({ status: 'complete', exitCode: 0, totals: { listed: 3_001, ok: 3_001 } });
    const texts = (await storedIn(landed)).map(({ text }) => text);
    expect(texts.filter((text) => !text!.startsWith('new'))).toEqual(['one more']);
  });

  test('that cannot be opened is one item, and once it is repaired a retry takes what is in it', async () => {
    const source = join(dir, 'source');
    await mkdir(source);
    const zip = join(source, 'texts.zip');
    writeZip(zip, entries('zipped').slice(0, 3));
    const whole = readFileSync(zip);
    await writeFile(zip, whole.subarray(0, -30));
    await writeFile(join(source, 'beside.txt'), 'beside');
    const first = await sluiceJson(['ingest', source, '--store', store]);
    expect(codesOf(store, first.json)).toEqual({
      'beside.txt': 'INPUT_SUCCESS',
      'texts.zip': 'ARCHIVE_UNREADABLE',
    });
    await writeFile(zip, whole);
    const again = await sluiceJson(['retry', first.json.failures!, '--rejected']);
    expect(codesOf(store, again.json)).toEqual(
      Object.fromEntries([0, 1, 2].map((i) => [`texts.zip!/${i}.txt`, 'INPUT_SUCCESS'])),
    );
  });
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inputsOf, ledgerOf, sluice, sluiceJson } from '../support/cli.ts';
import { type Manifest, writeHostileCorpus } from '../support/hostile-corpus.ts';

let dir: string;
let corpus: string;
let manifest: Manifest;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  corpus = join(dir, 'corpus');
  manifest = await writeHostileCorpus(corpus);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const store = (name: string) => join(dir, name);

describe('a folder of good and bad files', () => {
  test('every entry ends with the outcome that its manifest names, and the sum is right', async () => {
    const { json: report, code } = await sluiceJson(['ingest', corpus, '--store', store('hostile')]);
    const ledger = ledgerOf(store('hostile'), report.runId);
    const got = Object.fromEntries(ledger.map((line) => [line.uri, line.code]));
    expect(got).toEqual(Object.fromEntries(manifest));
    expect(ledger).toHaveLength(manifest.size);
    expect(report.totals.listed).toBe(manifest.size);
    const { ok, rejected, failed, skipped } = report.totals;
    expect(ok + rejected + failed + skipped).toBe(manifest.size);
    expect(code).toBe(2);
    expect(report).toMatchObject({ status: 'complete', exitCode: 2 });
    for (const line of ledger.filter((l) => l.outcome === 'rejected')) expect(line.message).toBeTruthy();
    expect(await inputsOf(store('hostile'))).toHaveLength(ok);
    const check = await sluiceJson<{ findings: number }>([
      'store',
      'check',
      '--deep',
      '--store',
      store('hostile'),
    ]);
    expect(check.code).toBe(0);
  });

  test('the same command again skips what is there and doubles nothing', async () => {
    const before = await inputsOf(store('hostile'));
    const { json: report } = await sluiceJson(['ingest', corpus, '--store', store('hostile')]);
    expect(report.totals.ok).toBe(0);
    expect(report.byCode.INPUT_UNCHANGED).toBe(before.length);
    expect(await inputsOf(store('hostile'))).toEqual(before);
  });

  test('--dry-run gives the same outcomes and writes nothing', async () => {
    const { json: report } = await sluiceJson(['ingest', corpus, '--store', store('dry'), '--dry-run']);
    const expected: Record<string, number> = {};
    for (const code of manifest.values()) expected[code] = (expected[code] ?? 0) + 1;
    expect(report.byCode).toEqual(expected);
    expect(report.dryRun).toBe(true);
    expect(report.batches.count).toBeGreaterThan(0);
    expect(() => readFileSync(store('dry'))).toThrow('ENOENT');
  });
});

describe('labels', () => {
  test('folder names become concepts, and the run’s own concepts and metadata are added', async () => {
    const source = join(dir, 'labelled');
    for (const label of ['cats', 'dogs']) {
      mkdirSync(join(source, label), { recursive: true });
      writeFileSync(join(source, label, 'note.txt'), `about ${label}`);
    }
    const args = [
      '--labels',
      'folder',
      '--concept',
      'pets',
      '--concept',
      'wild=0',
      '--metadata',
      '{"by":"me"}',
    ];
    await sluiceJson(['ingest', source, '--store', store('labels'), ...args]);
    const inputs = (await inputsOf(store('labels'))).sort((a, b) => (a.uri < b.uri ? -1 : 1));
    expect(inputs.map((i) => i.concepts)).toEqual([
      [
        { id: 'cats', name: 'cats', value: 1 },
        { id: 'pets', name: 'pets', value: 1 },
        { id: 'wild', name: 'wild', value: 0 },
      ],
      [
        { id: 'dogs', name: 'dogs', value: 1 },
        { id: 'pets', name: 'pets', value: 1 },
        { id: 'wild', name: 'wild', value: 0 },
      ],
    ]);
    expect(inputs[0]!.metadata).toEqual({ by: 'me' });
  });
});

describe('retry', () => {
  test('takes the right rows when the source was shuffled in between', async () => {
    const csv = join(dir, 'shuffled.csv');
    const rows = Array.from({ length: 20 }, (_, i) => `files/${i}.txt,label${i}`);
    mkdirSync(join(dir, 'files'));
    for (let i = 0; i < 20; i++) if (i % 4 !== 0) writeFileSync(join(dir, `files/${i}.txt`), `text ${i}`);
    writeFileSync(csv, `input,concepts\n${rows.join('\n')}\n`);
    const first = await sluiceJson(['ingest', csv, '--csv-type', 'file', '--store', store('retry')]);
    expect(first.json.totals).toMatchObject({ listed: 20, ok: 15, failed: 5 });
    expect(first.code).toBe(2);

    for (let i = 0; i < 20; i += 4) writeFileSync(join(dir, `files/${i}.txt`), `text ${i}`);
    writeFileSync(csv, `input,concepts\n${[...rows].reverse().join('\n')}\n`);
    const again = await sluiceJson(['retry', first.json.failures!]);
    expect(again.json.totals).toMatchObject({ listed: 5, ok: 5 });
    expect(again.code).toBe(0);
    const inputs = await inputsOf(store('retry'));
    expect(inputs).toHaveLength(20);
    const text = (i: (typeof inputs)[number]) => /\d+/.exec(i.text ?? '')?.[0];
    for (const input of inputs) expect(input.concepts[0]!.id).toBe(`label${text(input)}`);
  });

  test('says so when the source no longer has a selected item', async () => {
    const source = join(dir, 'vanishing');
    mkdirSync(source);
    writeFileSync(join(source, 'bad.txt'), Buffer.from([0xe9, 0x20, 0x61]));
    const first = await sluiceJson(['ingest', source, '--store', store('vanish')]);
    rmSync(join(source, 'bad.txt'));
    const again = await sluiceJson(['retry', first.json.failures!, '--rejected']);
    expect(again.json.totals).toMatchObject({ listed: 1, failed: 1 });
    expect(again.json.byCode).toEqual({ INPUT_NOT_FOUND: 1 });
  });
});

describe('wrong inputs on purpose', () => {
  test.each([
    [['ingest', 'no/such/folder'], 'SOURCE_NOT_FOUND'],
    [['ingest', '.', '--profile', 'clarify'], 'CONFIG_INVALID'],
    [['ingest', 'examples/inputs.csv', '--no-recursive'], 'CONFIG_INVALID'],
    [['resume', '20200101T000000000-000000'], 'RUN_NOT_FOUND'],
  ])('%j ends with 1, a sentence and a code', async (args, code) => {
    const ran = await sluiceJson<{ error: { code: string; message: string } }>([
      ...args,
      '--store',
      store('wrong'),
    ]);
    expect(ran.code).toBe(1);
    expect(ran.json.error.code).toBe(code);
    expect(ran.stderr).toContain(ran.json.error.message);
    expect(ran.stderr).not.toContain('    at ');
  });

  test('an unknown option gets a suggestion', async () => {
    const ran = await sluice(['ingest', '.', '--datset', 'x']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('--dataset');
  });
});

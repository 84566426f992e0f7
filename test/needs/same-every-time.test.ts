import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ingest, type RunReport, type Sink, type SourceRequest } from '../../src/index.ts';
import type { Input } from '../../src/model/input.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { nullSink } from '../../src/stores/index.ts';
import { ledgerOf, sluice, sluiceJson } from '../support/cli.ts';
import { writeHostileCorpus } from '../support/hostile-corpus.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** What may differ between two runs: when they were and what they are called. */
const timeless = ({ runId, startedAt, endedAt, ledger, failures, report, page, ...rest }: RunReport) => {
  expect([runId, startedAt, endedAt, ledger, failures, report, page].every((value) => value !== '')).toBe(
    true,
  );
  return rest;
};
const lines = (store: string, runId: string) =>
  ledgerOf(store, runId).map(({ at: _at, ...line }: Outcome & { at?: string }) => line);

/** The uris of each batch, in the order in which they were sent. */
async function batchesOf(
  store: string,
  request: SourceRequest & { options: Record<string, unknown> },
): Promise<string[][]> {
  const sent: string[][] = [];
  const inner = nullSink(join(store, 'spool'));
  const sink: Sink = {
    ...inner,
    write: (batch) => {
      sent.push(batch.map(({ item }) => item.uri));
      return inner.write(batch);
    },
  };
  await ingest({ ...request, store, sink });
  expect(sent.length).toBeGreaterThan(5);
  return sent;
}

test('the same source gives the same ids, batches in the same order, outcomes and rows; a dry run tells all of it before', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  await mkdir(source);
  await writeHostileCorpus(join(source, 'hostile'));
  await cp(EXAMPLES, join(source, 'examples'), { recursive: true, preserveTimestamps: true });
  await writeFile(
    join(source, 'rows.csv'),
    `inputid,input\n${Array.from({ length: 99 }, (_, i) => `r${i},t${i}\n`).join('')}`,
  );
  const request = { source, loader: { labels: 'folder' as const }, options: { batchItems: 7 } };
  const dry = await ingest({ ...request, store: join(dir, 'one'), dryRun: true });
  const runs: { report: RunReport; lines: unknown[]; inputs: Input[] }[] = [];
  for (const [name, concurrency] of [
    ['one', 1],
    ['two', 16],
  ] as const) {
    const store = join(dir, name);
    const report = await ingest({ ...request, store, options: { ...request.options, concurrency } });
    runs.push({ report, lines: lines(store, report.runId), inputs: await storedIn(store) });
  }
  const [one, two] = runs as [(typeof runs)[0], (typeof runs)[0]];
  expect(timeless(two.report)).toEqual(timeless(one.report));
  expect(two.inputs).toEqual(one.inputs);
  const byUri = (a: unknown, b: unknown) => ((a as Outcome).uri < (b as Outcome).uri ? -1 : 1);
  expect([...two.lines].sort(byUri)).toEqual([...one.lines].sort(byUri));
  expect(
    await batchesOf(join(dir, 'three'), { ...request, options: { ...request.options, concurrency: 1 } }),
  ).toEqual(
    await batchesOf(join(dir, 'four'), { ...request, options: { ...request.options, concurrency: 16 } }),
  );

  const { dryRun, ...planned } = timeless(dry);
  expect(dryRun).toBe(true);
  expect({ ...planned, bytes: undefined }).toEqual({ ...timeless(one.report), bytes: undefined });
});

test('runs may be pruned: ledgers of old complete runs go, what they stored and how they ended stays', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'rows.csv');
  const store = join(dir, 'store');
  const reports: RunReport[] = [];
  for (let i = 0; i < 3; i++) {
    await writeFile(source, `inputid,input\nrow-${i},text ${i}\nempty,\n`);
    reports.push(await ingest({ source, store, loader: { csvType: 'raw' } }));
  }
  const ids = reports.map(({ runId }) => runId);
  const dry = await sluiceJson(['runs', 'prune', '--keep', '1', '--dry-run', '--store', store]);
  expect(dry.json).toEqual({ schema: 1, dryRun: true, pruned: ids.slice(0, 2) });
  const pruned = await sluiceJson(['runs', 'prune', '--keep', '1', '--store', store]);
  expect(pruned.json).toEqual({ schema: 1, dryRun: false, pruned: ids.slice(0, 2) });
  expect((await sluiceJson(['runs', 'prune', '--keep', '1', '--store', store])).json).toMatchObject({
    pruned: [],
  });
  expect(ledgerOf(store, ids[0]!)).toEqual([]);
  expect(ledgerOf(store, ids[2]!)).toHaveLength(2);
  expect((await sluiceJson(['runs', 'show', ids[0]!, '--store', store])).json).toMatchObject({
    status: 'complete',
    pruned: true,
    totals: { listed: 2, ok: 1, rejected: 1 },
  });
  expect((await sluiceJson(['resume', ids[0]!, '--store', store])).json).toEqual(reports[0]);
  const shown = await sluice(['resume', ids[0]!, '--store', store]);
  expect(shown.code, shown.stderr).toBe(2);
  expect(shown.stdout).toContain('complete: 2 listed = 1 ok + 1 rejected');
  const retried = await sluiceJson<{ error: { code: string } }>(['retry', reports[0]!.failures!]);
  expect(retried).toMatchObject({ code: 1, json: { error: { code: 'RUN_NOT_FOUND' } } });
  expect((await sluiceJson(['store', 'check', '--store', store])).json).toMatchObject({ rows: 3 });
  for (const keep of ['-1', 'some', '1.5']) {
    const refused = await sluiceJson<{ error: { code: string } }>([
      'runs',
      'prune',
      `--keep=${keep}`,
      '--store',
      store,
    ]);
    expect(refused).toMatchObject({ code: 1, json: { error: { code: 'CONFIG_INVALID' } } });
  }
  for (const file of ['ledger.jsonl', 'report.json']) await rm(join(store, 'runs', ids[2]!, file));
  const killed = await sluiceJson(['runs', 'show', ids[2]!, '--store', store]);
  expect(killed.json, 'a run that was killed before its first line was not pruned').toMatchObject({
    status: 'unfinished',
  });
  expect(killed.json).not.toHaveProperty('pruned');
});

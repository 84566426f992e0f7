import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inputsOf, ledgerOf, sluice, sluiceJson, start } from '../support/cli.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-int-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ROWS = 100_000;

/** Waits until the run has written to its ledger, so that it is well under way. */
async function underWay(store: string): Promise<void> {
  const runs = join(store, 'runs');
  const wrote = (id: string) => {
    const ledger = join(runs, id, 'ledger.jsonl');
    return existsSync(ledger) && statSync(ledger).size > 10_000;
  };
  while (!existsSync(runs) || !readdirSync(runs).some(wrote)) await sleep(5);
}

function bigCsv(rows: number): string {
  const path = join(dir, 'big.csv');
  writeFileSync(path, `input\n${Array.from({ length: rows }, (_, i) => `row number ${i}\n`).join('')}`);
  return path;
}

test.skipIf(process.platform === 'win32')(
  'Ctrl-C finishes what is under way and names the command that resumes',
  async () => {
    const csv = bigCsv(ROWS);
    const store = join(dir, 'store');
    const run = start(['ingest', csv, '--store', store, '--csv-type', 'raw']);
    await underWay(store);
    run.child.kill('SIGINT');
    const ended = await run.done;
    expect(ended.code, ended.stderr).toBe(130);
    const command = /sluice (resume \S+ --store \S+)/.exec(ended.stdout)?.[1];
    expect(command).toBeDefined();

    const resumed = await sluiceJson(command!.split(' '));
    expect(resumed.code).toBe(0);
    expect(resumed.json.totals).toEqual({ listed: ROWS, ok: ROWS, rejected: 0, failed: 0, skipped: 0 });
    expect(ledgerOf(store, resumed.json.runId)).toHaveLength(ROWS);
    expect(await inputsOf(store)).toHaveLength(ROWS);

    const again = await sluiceJson(command!.split(' '));
    expect(again.json).toEqual(resumed.json);
  },
);

test('a source that changed since is refused, and --accept-changed goes on', async () => {
  const csv = bigCsv(ROWS);
  const store = join(dir, 'store');
  const run = start(['ingest', csv, '--store', store, '--csv-type', 'raw', '--json']);
  await underWay(store);
  run.child.kill('SIGKILL');
  await run.done;
  const runs = await sluice(['runs', 'list', '--store', store, '--json']);
  const { runId } = JSON.parse(runs.stdout.split('\n')[0]!) as { runId: string };
  bigCsv(ROWS + 1);
  const refused = await sluiceJson<{ error: { code: string } }>(['resume', runId, '--store', store]);
  expect(refused.json.error.code).toBe('SOURCE_CHANGED');
  const accepted = await sluiceJson(['resume', runId, '--store', store, '--accept-changed']);
  expect(accepted.json).toMatchObject({ status: 'complete', totals: { listed: ROWS + 1, ok: ROWS + 1 } });
});

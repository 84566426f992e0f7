import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { RunReport } from '../../src/pipeline/report.ts';
import { accounted } from '../support/accounts.ts';
import { inputsOf, sluice, sluiceJson, start } from '../support/cli.ts';
import { serve } from '../support/http-server.ts';
import { tempFolder } from '../support/temp-folder.ts';

interface Failed {
  error: { code: string; message: string };
}

let dir: string;
let store: string;
let small: string;
beforeEach(async () => {
  dir = await tempFolder();
  store = join(dir, 'store');
  small = join(dir, 'small.csv');
  await writeFile(small, 'inputid,input\nred,a text\nblue,another text\n');
});

/** Starts a run of two URLs that cannot end before `goOn` is called: the second answers then. */
async function heldRun() {
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const { origin } = await serve(async (request, response) => {
    if (request.url === '/held') {
      asked.resolve();
      await goOn.promise;
    }
    response.end(`text of ${request.url}`);
  });
  const csv = join(dir, 'held.csv');
  await writeFile(csv, `inputid,input\nfirst,${origin}/first\nheld,${origin}/held\n`);
  const args = ['ingest', csv, '--allow-private-addresses', '--batch-items', '1', '--store', store, '--json'];
  const { child, done } = start(args);
  await asked.promise;
  const runs = await sluice(['runs', 'list', '--store', store, '--json']);
  const { runId, status } = JSON.parse(runs.stdout) as { runId: string; status: string };
  expect(status).toBe('unfinished');
  return { child, done, runId, goOn: () => goOn.resolve() };
}

const reportOf = (stdout: string) => JSON.parse(stdout) as RunReport;
const clean = async () => expect((await sluice(['store', 'check', '--deep', '--store', store])).code).toBe(0);

test('a second writer is refused with the name of the first, or waits; readers do neither', async () => {
  const run = await heldRun();
  const refused = await sluiceJson<Failed>(['ingest', small, '--store', store]);
  expect(refused).toMatchObject({ code: 1, json: { error: { code: 'STORE_LOCKED' } } });
  expect(refused.json.error.message).toContain(run.runId);
  expect(refused.json.error.message).toContain(`process ${run.child.pid}`);
  const others = [
    ['inputs', 'delete', 'first'],
    ['store', 'gc'],
    ['store', 'compact'],
  ];
  for (const ran of await Promise.all(others.map((args) => sluiceJson<Failed>([...args, '--store', store]))))
    expect(ran).toMatchObject({ code: 1, json: { error: { code: 'STORE_LOCKED' } } });

  const waiting = start(['ingest', small, '--store', store, '--wait', '--json']);
  const [inputs, check] = await Promise.all([
    inputsOf(store),
    sluice(['store', 'check', '--store', store, '--json']),
  ]);
  expect(inputs.map(({ id }) => id).filter((id) => id !== 'first')).toEqual([]);
  expect(check.code, check.stdout).toBe(0);
  expect(waiting.child.exitCode).toBeNull();

  run.goOn();
  const reports = [reportOf((await run.done).stdout), reportOf((await waiting.done).stdout)];
  for (const report of reports) {
    expect(report).toMatchObject({ exitCode: 0, totals: { listed: 2, ok: 2 } });
    accounted(store, report);
  }
  expect(reports[1]!.startedAt > reports[0]!.endedAt).toBe(true);
  expect((await inputsOf(store)).map(({ id }) => id)).toEqual(['blue', 'first', 'held', 'red']);
  await clean();
});

test('the lock of a killed run is taken over at once, and the run can still be resumed', async () => {
  const run = await heldRun();
  run.child.kill('SIGKILL');
  await run.done;
  const next = await sluiceJson(['ingest', small, '--store', store]);
  expect(next.json).toMatchObject({ exitCode: 0, totals: { ok: 2 } });
  run.goOn();
  const resumed = await sluiceJson(['resume', run.runId, '--store', store]);
  expect(resumed.json).toMatchObject({ runId: run.runId, exitCode: 0, totals: { listed: 2, ok: 2 } });
  accounted(store, resumed.json);
  expect(await inputsOf(store)).toHaveLength(4);
  await clean();
});

test.skipIf(process.platform === 'win32')(
  'SIGTERM finishes what is under way, a second one lets go at once; both can be resumed',
  async () => {
    for (const signals of [1, 2]) {
      const run = await heldRun();
      let said = '';
      run.child.stderr!.on('data', (text: string) => {
        said += text;
      });
      run.child.kill('SIGTERM');
      await expect.poll(() => said).toContain('stopping');
      if (signals === 1) run.goOn();
      else run.child.kill('SIGTERM');
      const ended = await run.done;
      const report = reportOf(ended.stdout);
      expect(ended.code).toBe(130);
      expect(report).toMatchObject({ status: 'interrupted', exitCode: 130, runId: run.runId });
      expect(report.totals.ok, `after ${signals} signals`).toBe(signals === 1 ? 2 : report.totals.listed);
      accounted(store, report);
      run.goOn();
      const resumed = await sluiceJson(['resume', run.runId, '--store', store]);
      expect(resumed.json).toMatchObject({ status: 'complete', exitCode: 0, totals: { listed: 2, ok: 2 } });
      accounted(store, resumed.json);
      await clean();
      store = join(dir, 'another');
    }
  },
);

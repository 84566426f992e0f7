import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { reindex } from '../../../src/pipeline/indexing/reindex.ts';
import { setWorkflow, showWorkflow } from '../../../src/pipeline/indexing/workflow.ts';
import { ingest } from '../../../src/pipeline/ingest.ts';
import { resume } from '../../../src/pipeline/resume.ts';
import { openIndexWriter, readIndexState } from '../../../src/stores/index.ts';
import { accounted } from '../../support/accounts.ts';
import { testContext } from '../../support/context.ts';
import { fakeModels } from '../../support/fake-models.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { vectorsIn } from '../../support/vectors.ts';

const CHILD = fileURLToPath(new URL('../../support/fake-reindex.ts', import.meta.url));
const TEXT = { text: [{ model: 'm' }] };

async function texts(count: number): Promise<{ source: string; store: string }> {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  await mkdir(source);
  for (let i = 0; i < count; i++) await writeFile(join(source, `t${i}.txt`), `text number ${i}`);
  return { source, store: join(dir, 'store') };
}

/** Runs until a line is said that `isEnd` takes, and is killed then. Gives the lines. */
function killedAt(args: string[], isEnd: (lines: string[]) => boolean): Promise<string[]> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let errors = '';
    child.stderr.on('data', (data) => {
      errors += data;
    });
    child.stdout.on('data', (data) => {
      text += data;
      if (isEnd(text.split('\n'))) child.kill('SIGKILL');
    });
    child.on('close', (code) => {
      if (code !== null && code !== 0) fail(new Error(errors));
      else done(text.split('\n'));
    });
  });
}

const requests = (lines: readonly string[]) => lines.filter((line) => line.startsWith('request')).length;
const runIn = (lines: readonly string[]) => lines.find((line) => line.startsWith('run '))!.slice(4);

test('a re-index that is killed anywhere goes on, and everything is embedded once', async () => {
  const { source, store } = await texts(1000);
  await ingest({ source, store });
  const models = fakeModels();
  await setWorkflow({ store, name: 'one', models: TEXT, reindex: false }, models);
  await setWorkflow({ store, name: 'two', models: { text: [{ model: 'n' }] } }, models);
  await killedAt(['reindex', store, '10'], (lines) => lines.length > 1);
  const cut = await killedAt(['reindex', store, 'commit'], (lines) => lines.includes('committed'));
  await killedAt(['reindex', store, '2500'], (lines) => requests(lines) > 0);
  expect((await readIndexState(store)).serving.workflow).toBe('one');
  const resumed = await resume({ store, runId: runIn(cut) }, models);
  expect(resumed).toMatchObject({ status: 'complete', exitCode: 0, totals: { listed: 1000 } });
  accounted(store, resumed);
  expect((await readIndexState(store)).serving.workflow).toBe('two');
  const rows = await vectorsIn(store);
  expect(rows).toHaveLength(1000);
  expect(new Set(rows.map(({ inputId }) => inputId)).size).toBe(1000);
  // What was committed before the kill was not embedded again.
  expect(models.embedded.length).toBeLessThan(1000);
  expect(await resume({ store, runId: runIn(cut) }, models)).toEqual(resumed);
});

test('an ingest that is killed embeds at the end of its resume what it had stored before', async () => {
  const { source, store } = await texts(600);
  const models = fakeModels();
  await setWorkflow({ store, name: 'one', models: TEXT }, models);
  const cut = await killedAt(['ingest', store, '400', source], (lines) => requests(lines) === 12);
  const resumed = await resume({ store, runId: runIn(cut) }, models);
  expect(resumed).toMatchObject({
    status: 'complete',
    exitCode: 0,
    totals: { listed: 600, ok: 600 },
    index: { totals: { listed: 600, ok: 600, failed: 0 } },
  });
  const rows = await vectorsIn(store);
  expect(new Set(rows.map(({ inputId }) => inputId)).size).toBe(600);
  expect(rows).toHaveLength(600);
});

test('a re-index that is stopped says so, and its resume goes on with the same ledger', async () => {
  const { source, store } = await texts(900);
  await ingest({ source, store });
  await setWorkflow({ store, name: 'one', models: TEXT, reindex: false }, fakeModels());
  await setWorkflow({ store, name: 'two', models: { text: [{ model: 'n' }] } }, fakeModels());
  const stop = new AbortController();
  const models = fakeModels({ before: () => stop.abort() });
  const report = await reindex({ store }, { ...models, stop: stop.signal });
  expect(report).toMatchObject({ status: 'interrupted', exitCode: 130 });
  expect(report.totals.ok).toBeGreaterThan(0);
  expect(report.totals.listed).toBe(report.totals.ok);
  expect((await readIndexState(store)).serving.workflow).toBe('one');
  const resumed = await resume({ store, runId: report.runId }, fakeModels());
  expect(resumed).toMatchObject({ runId: report.runId, exitCode: 0, totals: { listed: 900, ok: 900 } });
  accounted(store, resumed);
  expect(resumed.index?.vectors).toBe(900);
});

test('a re-index or an ingest that is let go at once can be resumed', async () => {
  const { source, store } = await texts(300);
  await setWorkflow({ store, name: 'one', models: TEXT }, fakeModels());
  const runs = [(env: object) => ingest({ source, store }, env), (env: object) => reindex({ store }, env)];
  for (const run of runs) {
    const abort = new AbortController();
    let requests = 0;
    const models = fakeModels({
      before() {
        if (++requests === 2) abort.abort(new Error('enough'));
      },
    });
    const report = await run({ ...models, abort: abort.signal, stop: abort.signal });
    expect(report).toMatchObject({ status: 'interrupted', exitCode: 130 });
    expect(models.closed).toBe(models.opened);
    const resumed = await resume({ store, runId: report.runId }, fakeModels());
    expect(resumed).toMatchObject({ status: 'complete', exitCode: 0, totals: { listed: 300 } });
    await setWorkflow({ store, name: 'two', models: { text: [{ model: 'n' }] } }, fakeModels());
  }
  const ids = (await vectorsIn(store)).map(({ inputId }) => inputId);
  expect([ids.length, new Set(ids).size]).toEqual([300, 300]);
});

test('a re-index cannot be resumed under another workflow', async () => {
  const { source, store } = await texts(10);
  await ingest({ source, store });
  await setWorkflow({ store, name: 'one', models: TEXT, reindex: false }, fakeModels());
  await setWorkflow({ store, name: 'two', models: { text: [{ model: 'n' }] } }, fakeModels());
  const stop = AbortSignal.abort();
  const { runId } = await reindex({ store }, { ...fakeModels(), stop });
  await setWorkflow({ store, name: 'three', models: { text: [{ model: 'o' }] } }, fakeModels());
  await expect(resume({ store, runId }, fakeModels())).rejects.toMatchObject({ code: 'WORKFLOW_CHANGED' });
});

test('an engine that is lost ends a re-index, which another one goes on with', async () => {
  const { source, store } = await texts(50);
  await writeFile(join(source, 'last.txt'), 'lose the engine');
  await ingest({ source, store });
  await setWorkflow({ store, name: 'one', models: TEXT }, fakeModels());
  const report = await reindex({ store }, fakeModels());
  expect(report).toMatchObject({ status: 'failed', exitCode: 1, error: { code: 'ENGINE_LOST' } });
  expect(report.totals.listed + (report.totals.pending ?? 0)).toBe(51);
});

test('an ingest beside a re-index leaves its inputs to that, or embeds them at its end', async () => {
  const { source, store } = await texts(20);
  const models = fakeModels();
  await setWorkflow({ store, name: 'one', models: TEXT }, models);
  const { base } = await readIndexState(store);
  const request = { runId: 'other', wait: false };
  const holder = await openIndexWriter(store, base.models, request, testContext());
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    warn: (_: object, text: string) => warnings.push(text),
    error() {},
  };
  const report = await ingest({ source, store }, { ...models, logger });
  await holder.close();
  expect(report).toMatchObject({
    exitCode: 2,
    totals: { ok: 20 },
    index: { totals: { listed: 20, ok: 0, pending: 20 }, byCode: { INPUT_REINDEX_PENDING: 20 } },
  });
  expect(warnings).toHaveLength(1);
  await writeFile(join(source, 'more.txt'), 'more');
  const second = await openIndexWriter(store, base.models, request, testContext());
  const released = ingest({ source, store }, { ...models, onProgress: () => void second.close() });
  expect((await released).index?.totals).toMatchObject({ listed: 1, ok: 1 });
  expect((await showWorkflow(store, undefined)).counts).toMatchObject({ processed: 1, to_process: 20 });
});

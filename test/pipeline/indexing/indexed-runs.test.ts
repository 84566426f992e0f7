import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reindex } from '../../../src/pipeline/indexing/reindex.ts';
import {
  revertWorkflow,
  type SetWorkflowRequest,
  setWorkflow,
  showWorkflow,
} from '../../../src/pipeline/indexing/workflow.ts';
import { ingest } from '../../../src/pipeline/ingest.ts';
import { retry } from '../../../src/pipeline/retry.ts';
import { checkStore, deleteInputs, readIndexState } from '../../../src/stores/index.ts';
import { accounted, codesOf } from '../../support/accounts.ts';
import { plainPng } from '../../support/annotated.ts';
import { testContext } from '../../support/context.ts';
import { fakeModels } from '../../support/fake-models.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { vectorsIn } from '../../support/vectors.ts';

interface Files {
  [name: string]: string | Buffer;
}

async function folder(files: Files): Promise<{ dir: string; source: string; store: string }> {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  await mkdir(source);
  await put(source, files);
  return { dir, source, store: join(dir, 'store') };
}

async function put(source: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeFile(join(source, name), content);
}

const texts = (count: number, from = 0): Files =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`t${from + i}.txt`, `text number ${from + i}`]),
  );

const TEXT = { text: [{ model: 'm' }] } satisfies SetWorkflowRequest['models'];

describe('a run over a store whose base workflow has models', () => {
  test('embeds what it stores, and says so in its report', async () => {
    const { source, store } = await folder({ ...texts(40), 'a.png': await plainPng(10) });
    const models = fakeModels();
    await setWorkflow({ store, name: 'words', models: TEXT }, models);
    const report = await ingest({ source, store }, models);
    expect(report).toMatchObject({ exitCode: 0, totals: { listed: 41, ok: 41 } });
    expect(report.index).toMatchObject({
      workflow: 'words',
      models: [{ kind: 'text', name: 'm', model: 'm', dimensions: 8, device: { got: 'cpu' } }],
      totals: { listed: 41, ok: 40, failed: 0, skipped: 1 },
      byCode: { INPUT_REINDEX_SUCCESS: 40, INPUT_KIND_NOT_INDEXED: 1 },
      vectors: 40,
    });
    expect(await vectorsIn(store)).toHaveLength(40);
    expect(models.opened).toBe(models.closed);
    expect(Math.max(...models.requests)).toBeLessThanOrEqual(128);
  });

  test('embeds nothing under Empty or with index: false, and tells nothing of an index', async () => {
    const { source, store } = await folder(texts(3));
    const models = fakeModels();
    expect((await ingest({ source, store }, models)).index).toBeUndefined();
    await setWorkflow({ store, name: 'words', models: TEXT }, models);
    await put(source, texts(3, 10));
    const report = await ingest({ source, store, options: { index: false } }, models);
    expect(report).toMatchObject({ exitCode: 0, totals: { ok: 3 } });
    expect(report.index).toBeUndefined();
    expect(models.embedded).toEqual([]);
    expect((await showWorkflow(store, undefined)).counts).toMatchObject({ processed: 0, to_process: 6 });
  });

  test('stores what cannot be embedded, counts it, ends with exit code 2, and a re-index takes it up', async () => {
    const { source, store } = await folder({ ...texts(20), 'p.txt': 'poison', 'f.txt': 'flaky' });
    const models = fakeModels();
    await setWorkflow({ store, name: 'words', models: TEXT }, models);
    const report = await ingest({ source, store }, models);
    expect(report).toMatchObject({
      exitCode: 2,
      totals: { ok: 22, failed: 0 },
      index: { totals: { listed: 22, ok: 21, failed: 1 }, byCode: { EMBED_UNREADABLE: 1 } },
    });
    const allowed = { source, store, options: { maxRejected: '1', verify: true, onExisting: 'keep' } };
    expect((await ingest(allowed, models)).exitCode).toBe(0);
    const again = await reindex({ store }, models);
    expect(again).toMatchObject({
      exitCode: 2,
      totals: { listed: 22, ok: 0, rejected: 1, skipped: 21 },
      byCode: { EMBED_UNREADABLE: 1, INPUT_INDEXED: 21 },
    });
    accounted(store, again);
  });

  test('gives inputs with equal bytes one computation and a vector each', async () => {
    const { source, store } = await folder({ 'a.txt': 'same', 'b.txt': 'same', 'c.txt': 'other' });
    const models = fakeModels();
    await setWorkflow({ store, name: 'words', models: TEXT }, models);
    await ingest({ source, store }, models);
    await put(source, { 'd.txt': 'same' });
    expect((await ingest({ source, store }, models)).index?.totals).toMatchObject({ listed: 1, ok: 1 });
    expect([...models.embedded].sort()).toEqual(['other', 'same']);
    expect(await vectorsIn(store)).toHaveLength(4);
  });

  test('stores everything when the engine is lost, and leaves the rest to a re-index', async () => {
    const { source, store } = await folder({ ...texts(5), 'l.txt': 'lose the engine' });
    const models = fakeModels();
    await setWorkflow({ store, name: 'words', models: TEXT }, models);
    const report = await ingest({ source, store, options: { batchItems: 2 } }, models);
    expect(report).toMatchObject({ status: 'complete', exitCode: 2, totals: { ok: 6 } });
    const { ok, pending = 0, listed } = report.index!.totals;
    expect([listed, ok + pending]).toEqual([6, 6]);
    expect(pending).toBeGreaterThan(0);
    await rm(join(source, 'l.txt'));
  });

  test('takes the workflow that was set while its models were opened', async () => {
    const { source, store } = await folder(texts(2));
    const models = fakeModels();
    await setWorkflow({ store, name: 'words', models: TEXT }, models);
    let isFirst = true;
    const openModel: typeof models.openModel = async (ref, modality) => {
      const others = { text: [{ model: 'n' }] };
      if (isFirst) await setWorkflow({ store, name: 'others', models: others }, fakeModels());
      isFirst = false;
      return models.openModel(ref, modality);
    };
    const report = await ingest({ source, store }, { openModel });
    expect(report.index).toMatchObject({ workflow: 'others', totals: { ok: 2 } });
    expect(models.closed).toBe(models.opened);
  });

  test('does not begin when a model cannot be opened, unless it is not to index', async () => {
    const { source, store } = await folder(texts(2));
    await setWorkflow({ store, name: 'words', models: TEXT }, fakeModels());
    const changed = fakeModels({ revision: () => 'other files' });
    await expect(ingest({ source, store }, changed)).rejects.toMatchObject({ code: 'MODEL_CHANGED' });
    expect(changed.closed).toBe(changed.opened);
    expect(await ingest({ source, store, options: { index: false } }, changed)).toMatchObject({
      exitCode: 0,
    });
  });
});

describe('a re-index', () => {
  test('embeds every input, with one line each, and then searches use the workflow', async () => {
    const { source, store } = await folder({ ...texts(300), 'a.png': await plainPng(10) });
    await ingest({ source, store });
    const models = fakeModels();
    await setWorkflow({ store, name: 'one', models: TEXT }, models);
    const first = await reindex({ store }, models);
    expect(first).toMatchObject({
      command: 'reindex',
      exitCode: 0,
      totals: { listed: 301, ok: 300, skipped: 1 },
      index: { vectors: 300 },
    });
    accounted(store, first);
    const set = await setWorkflow({ store, name: 'two', models: { text: [{ model: 'n' }] } }, models);
    expect(set).toMatchObject({ serving: false, waiting: 300 });
    expect(await readIndexState(store)).toMatchObject({
      base: { workflow: 'two' },
      serving: { workflow: 'one' },
    });
    const plan = await reindex({ store, dryRun: true }, models);
    expect(plan.index?.plan).toMatchObject([{ kind: 'text', inputs: 300 }]);
    expect(await reindex({ store }, models)).toMatchObject({ exitCode: 0, totals: { ok: 300 } });
    expect(await readIndexState(store)).toMatchObject({
      base: { workflow: 'two' },
      serving: { workflow: 'two' },
      previous: [{ workflow: 'one' }, { workflow: 'Empty' }],
    });
    const reverted = await revertWorkflow(store);
    expect(reverted).toMatchObject({ workflow: 'one', waiting: 0 });
    expect(await readIndexState(store)).toMatchObject({
      base: { workflow: 'one' },
      serving: { workflow: 'one' },
      previous: [{ workflow: 'two' }, { workflow: 'Empty' }],
    });
    // And back again, with nothing to embed.
    expect(await revertWorkflow(store)).toMatchObject({ workflow: 'two', waiting: 0 });
  });

  test('follows inputs that are added meanwhile, and those that are replaced or deleted', async () => {
    const { source, store } = await folder(texts(40));
    await ingest({ source, store });
    let once = true;
    const models = fakeModels({
      async before() {
        if (!once) return;
        once = false;
        await put(source, { ...texts(3, 100), 't1.txt': 'replaced' });
        const options = { onDuplicate: 'replace', index: false };
        await ingest({ source, store, options });
        await deleteInputs(store, [(await vectorIds(store, 't2'))!], {}, testContext());
      },
    });
    await setWorkflow({ store, name: 'one', models: TEXT }, models);
    const report = await reindex({ store }, models);
    expect(report).toMatchObject({ exitCode: 0 });
    accounted(store, report);
    expect(report.totals.listed).toBe(44);
    const rows = await vectorsIn(store);
    expect(rows).toHaveLength(42);
    expect((await showWorkflow(store, undefined)).counts).toMatchObject({ processed: 42, to_process: 0 });
  });

  test('removes what is stale of the generations that stay, too', async () => {
    const { source, store } = await folder(texts(3));
    const models = fakeModels();
    await setWorkflow({ store, name: 'one', models: TEXT }, models);
    await ingest({ source, store }, models);
    await setWorkflow({ store, name: 'two', models: { text: [{ model: 'n' }] } }, models);
    await reindex({ store }, models);
    await put(source, { 't1.txt': 'replaced' });
    await ingest({ source, store, options: { onDuplicate: 'replace' } }, models);
    expect(await reindex({ store }, models)).toMatchObject({ exitCode: 0 });
    const { value } = await checkStore(store, {}, testContext()).next();
    expect(value).toMatchObject({ findings: 0, vectors: 5 });
  });

  test('does not cut over when the workflow is changed meanwhile, and keeps what it made', async () => {
    const { source, store } = await folder(texts(10));
    await ingest({ source, store });
    const models = fakeModels();
    await setWorkflow({ store, name: 'one', models: TEXT }, models);
    await reindex({ store }, models);
    await setWorkflow({ store, name: 'two', models: { text: [{ model: 'n' }] } }, models);
    const changing = fakeModels({
      async before() {
        await setWorkflow({ store, name: 'three', models: { text: [{ model: 'o' }] } }, fakeModels());
      },
    });
    const report = await reindex({ store }, changing);
    expect(report).toMatchObject({ exitCode: 1, error: { code: 'WORKFLOW_CHANGED' }, totals: { ok: 10 } });
    expect((await readIndexState(store)).serving.workflow).toBe('one');
    await setWorkflow({ store, name: 'two' }, models);
    expect((await reindex({ store }, models)).byCode).toEqual({ INPUT_INDEXED: 10 });
    expect((await readIndexState(store)).serving.workflow).toBe('two');
  });

  test('is cut over with failures, which a retry takes up', async () => {
    const { source, store } = await folder({ ...texts(127), 'p.txt': 'poison' });
    await ingest({ source, store });
    const models = fakeModels();
    await setWorkflow({ store, name: 'one', models: TEXT }, models);
    const report = await reindex({ store }, models);
    expect(report).toMatchObject({ exitCode: 2, totals: { ok: 127, rejected: 1 } });
    expect((await readIndexState(store)).serving.workflow).toBe('one');
    const retried = await retry({ store, failures: report.failures!, rejected: true }, models);
    expect(retried).toMatchObject({ command: 'retry', exitCode: 2, totals: { listed: 1, rejected: 1 } });
    expect(Object.values(codesOf(store, retried))).toEqual(['EMBED_UNREADABLE']);
  });

  test('takes changed files of a model as a new generation', async () => {
    const { source, store } = await folder(texts(10));
    await ingest({ source, store });
    let revision = 'a';
    const models = fakeModels({ revision: () => revision });
    await setWorkflow({ store, name: 'one', models: TEXT }, models);
    await reindex({ store }, models);
    revision = 'b';
    expect(await reindex({ store }, models)).toMatchObject({ totals: { ok: 10 } });
    expect(await readIndexState(store)).toMatchObject({
      previous: [{ workflow: 'one' }, { workflow: 'Empty' }],
    });
  });

  test('only indexes new inputs where it was set without a re-index', async () => {
    const { source, store } = await folder(texts(5));
    await ingest({ source, store });
    const models = fakeModels();
    await setWorkflow({ store, name: 'one', models: TEXT }, models);
    await reindex({ store }, models);
    const other = { text: [{ model: 'n' }] };
    const set = await setWorkflow({ store, name: 'two', models: other, reindex: false }, models);
    expect(set).toMatchObject({ serving: true, waiting: 5 });
    await put(source, texts(2, 20));
    await ingest({ source, store }, models);
    expect(await showWorkflow(store, 'two')).toMatchObject({
      serving: true,
      coverage: [{ inputs: 7, indexed: 2 }],
      counts: { processed: 2, to_process: 5 },
      previous: ['one', 'Empty'],
    });
  });
});

/** The id of the input whose id begins with a name. */
async function vectorIds(store: string, name: string): Promise<string | undefined> {
  const { storedIn } = await import('../../support/stored.ts');
  return (await storedIn(store)).find(({ uri }) => uri === `${name}.txt`)?.id;
}

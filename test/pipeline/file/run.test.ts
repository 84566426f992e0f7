import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { definePipeline, resume, runPipeline, runTests } from '../../../src/index.ts';
import { openPipeline } from '../../../src/pipeline/file/run.ts';
import { tempFolder } from '../../support/temp-folder.ts';

async function folderOf(texts: number): Promise<string> {
  const dir = await tempFolder();
  await mkdir(join(dir, 'texts'));
  for (let n = 0; n < texts; n++) await writeFile(join(dir, 'texts', `${n}.txt`), `text ${n}`);
  await writeFile(join(dir, 't.mjs'), 'export const f = (item) => { item.metadata.seen = true; };\n');
  return dir;
}

it('an interrupted pipeline goes on from its run alone, when its file is gone', async () => {
  const dir = await folderOf(200);
  const pipeline = join(dir, 'p.yaml');
  await writeFile(
    pipeline,
    'source: texts\ntransform: { module: t.mjs, export: f }\nbatch: { items: 1, concurrency: 1 }\n',
  );
  const stop = new AbortController();
  const store = join(dir, 'store');
  const first = await runPipeline({ pipeline, store }, { stop: stop.signal, onStart: () => stop.abort() });
  expect(first.status).toBe('interrupted');
  await rm(pipeline);
  const report = await resume({ store, runId: first.runId });
  expect(report).toMatchObject({ status: 'complete', totals: { listed: 200, ok: 200 } });
});

it('a pipeline made in code runs as one from a file does', async () => {
  const base = await folderOf(3);
  const pipeline = definePipeline({
    source: { folder: { path: 'texts', include: ['1.txt', '2.txt'] } },
    transform: { module: 't.mjs', export: 'f' },
    sink: { local: { store: 'mine' } },
  });
  const report = await runPipeline({ pipeline, base, store: join(base, 'unused') });
  expect(report.totals).toMatchObject({ listed: 3, ok: 2, skipped: 1 });
  expect(report.ledger).toContain(join(base, 'mine'));
});

it('tests leave nothing behind, and see the transform', async () => {
  const dir = await folderOf(1);
  const pipeline = await openPipeline(
    {
      source: 'texts',
      transform: { module: 't.mjs', export: 'f' },
      sink: { null: {} },
      tests: [{ expect: { items: [{ uri: '0.txt', metadata: { seen: true, more: 1 } }] } }],
    },
    dir,
  );
  const results = [];
  for await (const result of runTests(pipeline)) results.push(result);
  expect(results).toEqual([
    { name: 'test 1', passed: false, differences: [{ at: 'items[0.txt].metadata.more', expected: 1 }] },
  ]);
});

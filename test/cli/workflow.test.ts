import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runReport } from '../../src/pipeline/shapes.ts';
import { accounted } from '../support/accounts.ts';
import { sluice, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('a store gets a workflow, a re-index embeds under it with the built-in model, and a revert goes back', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await mkdir(source);
  for (let i = 0; i < 3; i++) await writeFile(join(source, `${i}.txt`), `a sentence about number ${i}`);
  expect((await sluice(['ingest', source, '--store', store])).code).toBe(0);
  const set = ['workflow', 'set', 'words', '--text', 'default', '--device', 'cpu', '--store', store];
  expect((await sluiceJson<object>(set)).json).toMatchObject({ schema: 1, serving: true, waiting: 3 });
  const plan = await sluiceJson(['reindex', '--dry-run', '--device', 'cpu', '--store', store]);
  runReport.parse(plan.json);
  expect(plan.json).toMatchObject({ dryRun: true, index: { plan: [{ kind: 'text', inputs: 3 }] } });
  const { code, json: report } = await sluiceJson(['reindex', '--device', 'cpu', '--store', store]);
  expect(code).toBe(0);
  runReport.parse(report);
  expect(report).toMatchObject({
    command: 'reindex',
    totals: { listed: 3, ok: 3 },
    index: {
      models: [{ model: 'default', dimensions: 512, device: { asked: ['cpu'], got: 'cpu' } }],
      vectors: 3,
    },
  });
  accounted(store, report);
  const shown = await sluice(['workflow', 'show', '--store', store]);
  expect(shown.stdout).toContain('words (base, searches): text default');
  expect(shown.stdout).toContain('3 of 3');
  await writeFile(join(source, 'new.txt'), 'a new one');
  const { json: ingested } = await sluiceJson(['ingest', source, '--device', 'cpu', '--store', store]);
  runReport.parse(ingested);
  expect(ingested).toMatchObject({ exitCode: 0, index: { totals: { listed: 1, ok: 1 } } });
  const reverted = await sluiceJson<object>(['workflow', 'revert', '--store', store]);
  expect(reverted.json).toMatchObject({ workflow: 'Empty' });
  const listed = await sluice(['workflow', 'list', '--store', store]);
  expect(listed.stdout).toMatch(/^Empty +base, searches +embeds nothing$/m);
});

test.each([
  [['--text', 'default', '--clusters', '3'], 'no clusters nodes'],
  [['--video', 'default', '--sample-ms', '20'], 'sampleMs'],
  [['--text', 'default', '--sample-ms', '200'], 'for videos'],
  [['--text', 'default', '--text', 'other=default'], 'given twice'],
  [['--text', 'default', '--regions'], 'regions are boxes of images'],
  [['--text', '/no/such/model'], '/no/such/model'],
  [[], 'there is no store'],
])('a workflow of %j is refused with the reason', async (flags, reason) => {
  const store = join(await tempFolder(), 'store');
  const { code, stderr } = await sluice(['workflow', 'set', 'words', ...flags, '--store', store]);
  expect([code, stderr]).toEqual([1, expect.stringContaining(reason)]);
});

test('a name that the store does not know is refused with those that it does', async () => {
  const store = join(await tempFolder(), 'store');
  expect((await sluice(['workflow', 'set', 'Empty', '--store', store])).code).toBe(0);
  const { code, stderr } = await sluice(['workflow', 'set', 'words', '--store', store]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('there is no workflow words; there are Empty')]);
});

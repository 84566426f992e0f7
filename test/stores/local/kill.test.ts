import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { checkStore, collectGarbage, openWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, collect, writerOptions } from './support.ts';

const WRITER = fileURLToPath(new URL('./endless-writer.ts', import.meta.url));
const ROUNDS = 12;

/** Begins a writer of its own process and kills it after `ms`; returns the ids that it had answered. */
async function killedAfter(ms: number, store: string, runId: string): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, store, runId], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  expect(said).toContain('open');
  await new Promise((resolve) => setTimeout(resolve, ms));
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
  // A last line may be torn.
  return said.split('\n').slice(1, -1);
}

test('a writer killed at any point leaves every answered item, whole, once, and a store that goes on', async () => {
  const store = await tempFolder();
  const answered = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const id of await killedAfter(Math.random() * 250, store, `run-${round}`)) answered.add(id);
  }
  expect(answered.size).toBeGreaterThan(100);

  // The lock of the killed writer is free at once, and nothing is counted twice.
  const writer = await openWriter(store, writerOptions({ runId: 'run-last' }), testContext());
  await writer.recount();
  await writer.close();
  const inputs = await allInputs(store);
  const ids = new Set(inputs.map(({ id }) => id));
  expect(ids.size).toBe(inputs.length);
  for (const id of answered) expect(ids).toContain(id);

  // Blobs that no row names yet are all that a kill may leave; gc takes them away.
  const findings = await collect(checkStore(store, { deep: true }, testContext()));
  expect(findings.filter(({ finding }) => finding !== 'BLOB_ORPHAN')).toEqual([]);
  await collectGarbage(store, { graceMs: -60_000 }, testContext());
  expect(await collect(checkStore(store, { deep: true }, testContext()))).toEqual([]);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { changeIndexState, checkStore } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { collect } from '../local/support.ts';
import { generation, model, opened, storedRows } from './support.ts';

const APPENDER = fileURLToPath(new URL('./endless-appender.ts', import.meta.url));
/** Inputs that are answered before each kill; so many in the last that small commits are being joined then. */
const ROUNDS = [0, 0, 5, 10, 15, 20, 320];

/**
 * Begins a writer of its own process and kills it `ms` after it answered so many inputs; returns those that it had
 * answered.
 */
async function killedAfter(count: number, ms: number, store: string, runId: string): Promise<string[]> {
  const child = spawn(process.execPath, [APPENDER, store, runId], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const gone = once(child, 'close');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  while (said.split('\n').length - 2 < count || !said.includes('open')) {
    await Promise.race([once(child.stdout, 'data'), gone]);
    expect(child.exitCode).toBe(null);
  }
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill('SIGKILL');
  await gone;
  // A last line may be torn.
  return said.split('\n').slice(1, -1);
}

test('a writer killed at any point leaves every answered input, whole, once, and an index that goes on', async () => {
  const store = await tempFolder();
  const answered: string[] = [];
  for (const [round, count] of ROUNDS.entries()) {
    answered.push(...(await killedAfter(count, 7 * round, store, `run-${round}`)));
  }
  // Of a dead owner the index is taken at once.
  const writer = await opened(store, [model('aaaa')], 'run-last');
  for (const line of answered) {
    const [id, content] = line.split(' ') as [string, string];
    expect(writer.has('aaaa', id, content), line).toBe(true);
  }
  await writer.close();
  expect(answered.length).toBeGreaterThanOrEqual(370);
  expect(new Set(answered).size).toBe(answered.length);
  const rows = await storedRows(store);
  const parts = Map.groupBy(rows, ({ inputId }) => inputId);
  for (const [id, own] of parts) {
    expect(
      own.map(({ part, timeMs }) => `${part} ${timeMs}`),
      id,
    ).toEqual(['frame 0', 'frame 1', 'whole null']);
  }
  expect(parts.size).toBeGreaterThanOrEqual(answered.length);

  const base = generation('g', [model('aaaa')]);
  await changeIndexState(store, (state) => ({ ...state, base, serving: base }), testContext());
  const findings = await collect(checkStore(store, {}, testContext()));
  expect(findings.filter(({ finding }) => finding !== 'VECTOR_STALE')).toEqual([]);
  const failures = await storedRows(store, 'failures');
  expect(new Set(failures.map(({ inputId }) => inputId)).size).toBe(failures.length);
});

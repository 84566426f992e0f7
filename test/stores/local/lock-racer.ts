// Run as a process of its own: takes the lock of the folder given, says so, and holds it.
import { StoreLock } from '../../../src/stores/local/lock.ts';
import { testContext } from '../../support/context.ts';

const [folder, startAt, hold] = process.argv.slice(2) as [string, string, string];
await new Promise((resolve) => setTimeout(resolve, Math.max(0, Number(startAt) - Date.now())));
try {
  const lock = await StoreLock.acquire(folder, { runId: `run-${process.pid}`, wait: false }, testContext());
  process.stdout.write('won\n');
  if (hold === 'forever') await new Promise(() => {});
  await new Promise((resolve) => setTimeout(resolve, Number(hold)));
  await lock.release();
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code ?? error}\n`);
}

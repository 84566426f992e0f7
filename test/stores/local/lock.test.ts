import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { StoreLock } from '../../../src/stores/local/lock.ts';
import { LockFiles, type LockOwner } from '../../../src/stores/local/lock-file.ts';
import { processSpace, processState } from '../../../src/stores/local/process-identity.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const RACER = fileURLToPath(new URL('./lock-racer.ts', import.meta.url));
const ctx = testContext();

const acquire = (folder: string, runId = 'run-a', wait = false) =>
  StoreLock.acquire(folder, { runId, wait }, ctx);

function racer(
  folder: string,
  startAt: number,
  hold: number | 'forever',
): { child: ChildProcess; said: Promise<string> } {
  const child = spawn(process.execPath, [RACER, folder, String(startAt), String(hold)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = once(child.stdout!.setEncoding('utf8'), 'data').then(([text]) => String(text).trim());
  return { child, said };
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('a second writer is refused with the name of the first, until the first lets go', async () => {
  const folder = await tempFolder();
  const first = await acquire(folder, 'run-a');
  await expect(acquire(folder, 'run-b')).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringMatching(new RegExp(`run run-a \\(process ${process.pid} on ${hostname()}`)),
  });
  await first.release();
  const second = await acquire(folder, 'run-b');
  await second.assertHeld();
  await second.release();
});

test('who waits gets the lock when it is released, and stops waiting when aborted', async () => {
  const folder = await tempFolder();
  const first = await acquire(folder);
  const waiting = acquire(folder, 'run-b', true);
  const abort = new AbortController();
  const aborted = StoreLock.acquire(
    folder,
    { runId: 'run-c', wait: true },
    testContext({ signal: abort.signal }),
  );
  abort.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  await first.release();
  await (await waiting).release();
});

test('the lock of a killed process is taken over at once', async () => {
  const folder = await tempFolder();
  const { child, said } = racer(folder, 0, 'forever');
  expect(await said).toBe('won');
  await expect(acquire(folder)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  await killed(child);
  const lock = await acquire(folder);
  await lock.assertHeld();
  await lock.release();
});

test('of many processes that find a dead owner at the same instant exactly one wins', async () => {
  const folder = await tempFolder();
  for (let round = 0; round < 3; round++) {
    const startAt = Date.now() + 1500;
    const racers = Array.from({ length: 12 }, () => racer(folder, startAt, 'forever'));
    const said = await Promise.all(racers.map((r) => r.said));
    expect(said.filter((text) => text === 'won')).toHaveLength(1);
    expect(said.filter((text) => text === 'STORE_LOCKED')).toHaveLength(11);
    await killed(racers[said.indexOf('won')]!.child);
  }
});

test('of many that come and go, never two hold the lock', async () => {
  const folder = await tempFolder();
  let holders = 0;
  let turns = 0;
  const contender = async (n: number) => {
    for (let turn = 0; turn < 10; turn++) {
      const lock = await acquire(folder, `run-${n}`).catch(() => undefined);
      if (lock === undefined) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        continue;
      }
      expect(++holders).toBe(1);
      turns++;
      await lock.assertHeld();
      holders--;
      await lock.release();
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, n) => contender(n)));
  expect(turns).toBeGreaterThan(1);
  expect((await readdir(folder)).filter((name) => name.endsWith('.json'))).toHaveLength(1);
});

async function leftBy(folder: string, owner: Partial<LockOwner>, heartbeatAgeMs = 0): Promise<void> {
  const path = join(folder, '000000000007.json');
  const whole = {
    pid: process.pid,
    space: await processSpace(),
    host: 'h',
    runId: 'run-x',
    acquiredAt: 'then',
  };
  await writeFile(path, JSON.stringify({ ...whole, ...owner }));
  const beat = (Date.now() - heartbeatAgeMs) / 1000;
  await utimes(path, beat, beat);
}

test.runIf(process.platform === 'linux')(
  'a process id that another process has now does not hold the lock',
  async () => {
    const folder = await tempFolder();
    const { start } = await processState(process.pid);
    await leftBy(folder, { processStart: start! });
    await expect(acquire(folder)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await leftBy(folder, { processStart: `${start}0` });
    await (await acquire(folder)).release();
  },
);

test('an owner elsewhere holds the lock for as long as its heart beats', async () => {
  const folder = await tempFolder();
  await leftBy(folder, { space: 'another machine', host: 'far' }, 20_000);
  await expect(acquire(folder)).rejects.toThrow(/on far/);
  await leftBy(folder, { space: 'another machine', host: 'far' }, 40_000);
  await (await acquire(folder)).release();
});

test('a lock file that holds nothing readable is respected while it is young', async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, '000000000001.json'), '{"pid":');
  await expect(acquire(folder)).rejects.toThrow(/another process/);
  await utimes(join(folder, '000000000001.json'), 1, 1);
  await (await acquire(folder)).release();
});

test('a writer whose lock was taken over finds out before it commits', async () => {
  const folder = await tempFolder();
  const lock = await acquire(folder, 'run-slow');
  const files = new LockFiles(folder);
  const { generation, owner } = (await files.newest())!;
  expect(await files.take(generation, owner!)).toBe(false);
  expect(await files.take(generation + 1, { ...owner!, runId: 'run-quick' })).toBe(true);
  await expect(lock.assertHeld()).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringMatching(/run-slow .* run run-quick/),
  });
  await lock.release();
  expect((await files.newest())?.owner).toMatchObject({ runId: 'run-quick' });
  expect((await files.newest())?.owner?.released).toBeUndefined();
});

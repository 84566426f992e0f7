import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ingest } from '../../src/index.ts';
import { StoreLock } from '../../src/stores/local/lock.ts';
import { sluice, start } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { tempFolder } from '../support/temp-folder.ts';

async function storeOfRows(rows: number): Promise<string> {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const csv = join(dir, 'rows.csv');
  await writeFile(csv, `input\n${Array.from({ length: rows }, (_, i) => `row number ${i}\n`).join('')}`);
  await ingest({ source: csv, store, loader: { csvType: 'raw' } });
  return store;
}

test('a reader that closes the pipe early ends a list quietly, with exit code 0', async () => {
  const store = await storeOfRows(3000);
  const list = start(['inputs', 'list', '--store', store, '--json']);
  list.child.stdout!.once('data', () => list.child.stdout!.destroy());
  expect(await list.done).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test.skipIf(process.platform === 'win32')(
  'Ctrl-C ends a command that waits for the lock at once: one line, exit code 130',
  async () => {
    const store = await storeOfRows(1);
    const lock = await StoreLock.acquire(join(store, 'lock'), { runId: 'other', wait: false }, testContext());
    for (const line of [
      ['store', 'compact'],
      ['ingest', join(store, '..', 'rows.csv'), '--csv-type', 'raw'],
    ]) {
      const waiting = start([...line, '--store', store, '--wait', '--debug']);
      await new Promise<void>((resolve) => {
        waiting.child.stderr!.on('data', (text: string) => text.includes('waiting for') && resolve());
      });
      waiting.child.kill('SIGINT');
      const { code, stdout, stderr } = await waiting.done;
      expect(code, stderr).toBe(130);
      expect(stdout).toBe('');
      expect(stderr.trimEnd().split('\n').at(-1)).toBe('interrupted');
    }
    await lock.release();
  },
);

test('when all that was rejected are duplicates, the next step is to store them under other ids', async () => {
  const dir = await tempFolder();
  const csv = join(dir, 'rows.csv');
  await writeFile(csv, 'inputid,input\na,one\na,two\n');
  const { stdout } = await sluice(['ingest', csv, '--csv-type', 'raw', '--store', join(dir, 'store')]);
  expect(stdout).toContain('1 × INPUT_DUPLICATE');
  expect(stdout).toMatch(/sluice retry \S+ --retry-duplicates$/m);
  expect(stdout).not.toContain('--rejected');
});

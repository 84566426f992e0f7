import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accounted } from '../support/accounts.ts';
import { inputsOf, sluice, sluiceJson, start } from '../support/cli.ts';
import { serve } from '../support/http-server.ts';

const MEGABYTE = 1_000_000;
const FILES = 130;

let dir: string;
let disk: string;
let source: string;
/** Why there is no small disk to fill; undefined where there is one. */
let without: string | undefined;

const mount = (...args: string[]) => execFileSync('mount', ['-t', 'tmpfs', ...args], { stdio: 'pipe' });

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-full-'));
  disk = join(dir, 'disk');
  source = join(dir, 'source');
  mkdirSync(disk);
  mkdirSync(source);
  for (let i = 0; i < FILES; i++) {
    writeFileSync(join(source, `${i}.txt`), `${i} `.padEnd(MEGABYTE, 'long text '));
    writeFileSync(join(source, `${i}.bad.txt`), Buffer.from([0xff, 0x20]));
  }
  try {
    mount('-o', 'size=180m', 'tmpfs', disk);
  } catch (error) {
    without = `mounting a small disk needs Linux and root: ${(error as Error).message.split('\n')[0]}`;
  }
});
afterAll(() => {
  if (without === undefined) execFileSync('umount', [disk]);
  else rmdirSync(disk);
  rmSync(dir, { recursive: true, force: true });
});

test('a full disk ends the run, which then goes on where it stopped', async (ctx) => {
  ctx.skip(without !== undefined, without);
  const store = join(disk, 'store');
  const full = await sluice(['ingest', source, '--store', store]);
  expect(full.code, full.stdout + full.stderr).toBe(1);
  expect(full.stdout).toContain('STORE_FULL (900055)');
  const command = /sluice (resume \S+ --store \S+)/.exec(full.stdout)![1]!.split(' ');

  const still = await sluiceJson(command);
  expect(still.json).toMatchObject({ status: 'failed', exitCode: 1, error: { code: 'STORE_FULL' } });
  expect(still.json.totals.ok).toBeLessThan(FILES);
  accounted(store, still.json);

  mount('-o', 'remount,size=400m', 'tmpfs', disk);
  const done = await sluiceJson(command);
  expect(done.code, done.stdout).toBe(2);
  expect(done.json).toMatchObject({
    status: 'complete',
    totals: { listed: 2 * FILES, ok: FILES, rejected: FILES },
  });
  accounted(store, done.json);
  expect(await inputsOf(store)).toHaveLength(FILES);
  const check = await sluice(['store', 'check', '--deep', '--store', store]);
  expect(check.code, check.stdout).toBe(0);
  expect(readdirSync(join(store, 'tmp'))).toEqual([]);
  rmSync(store, { recursive: true });
});

test('a disk that somebody else fills to the last byte stops the run, which then goes on', async (ctx) => {
  ctx.skip(without !== undefined, without);
  mount('-o', 'remount,size=200m', 'tmpfs', disk);
  const store = join(disk, 'other');
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const { origin } = await serve(async (request, response) => {
    if (request.url === '/last') {
      asked.resolve();
      await goOn.promise;
    }
    response.end(`text of ${request.url}`);
  });
  const csv = join(dir, 'urls.csv');
  writeFileSync(
    csv,
    `input\n${Array.from({ length: 100 }, (_, i) => `${origin}/${i}\n`).join('')}${origin}/last\n`,
  );
  const run = start(['ingest', csv, '--store', store, '--allow-private-addresses']);
  await asked.promise;
  const filler = join(disk, 'filler');
  // It fails when the disk is full.
  expect(() => execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'], { stdio: 'pipe' })).toThrow();
  goOn.resolve();
  const full = await run.done;
  expect(full.code, full.stdout + full.stderr).toBe(1);
  expect(full.stdout).toContain('STORE_FULL (900055)');
  const command = /sluice (resume \S+ --store \S+)/.exec(full.stdout)![1]!.split(' ');

  rmSync(filler);
  const done = await sluiceJson(command);
  expect(done.code, done.stdout).toBe(0);
  accounted(store, done.json);
  expect(await inputsOf(store)).toHaveLength(101);
});

test('a disk without room is refused before anything is read', async (ctx) => {
  ctx.skip(without !== undefined, without);
  mount('-o', 'remount,size=150m', 'tmpfs', disk);
  execFileSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=1M', 'count=90'], { stdio: 'pipe' });
  const refused = await sluiceJson<{ error: { code: string } }>([
    'ingest',
    source,
    '--store',
    join(disk, 'new'),
  ]);
  expect(refused).toMatchObject({ code: 1, json: { error: { code: 'STORE_FULL' } } });
});

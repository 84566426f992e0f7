import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { accounted, codesOf } from '../support/accounts.ts';
import { type As, inputsOf, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

// Permissions mean something else on Windows.
const posix = process.platform !== 'win32';
const NOBODY = 65_534;
/** Root may read everything, so the command runs as somebody who may not. */
const user: As = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

interface Failed {
  error: { code: string; message: string };
}

let base: string;
let source: string;
let stores: string;
beforeEach(async () => {
  base = await tempFolder();
  source = join(base, 'source');
  stores = join(base, 'stores');
  await mkdir(join(source, 'closed'), { recursive: true });
  await mkdir(stores);
  await chmod(base, 0o755);
  await chmod(stores, 0o777);
  for (const name of ['a.txt', 'b.txt', 'closed/in.txt', 'z.txt']) await writeFile(join(source, name), name);
  writeZip(join(source, 'more.zip'), [{ name: 'zipped.txt', data: 'zipped' }]);
});

test.runIf(posix)(
  'what may not be read is named, the rest lands, and retry takes it once it may be',
  async () => {
    const store = join(stores, 'store');
    const closed = ['b.txt', 'closed', 'more.zip'].map((name) => join(source, name));
    for (const path of closed) await chmod(path, 0);
    const first = await sluiceJson(['ingest', source, '--store', store], user);
    expect(first.json).toMatchObject({ status: 'failed', exitCode: 3, error: { code: 'SOURCE_INCOMPLETE' } });
    expect(first.json.error!.message).toContain('closed/');
    expect(first.code).toBe(3);
    const codes = codesOf(store, first.json);
    expect(codes).toEqual({
      'a.txt': 'INPUT_SUCCESS',
      'b.txt': 'INPUT_PERMISSION_DENIED',
      'closed/': 'SOURCE_DIRECTORY_UNREADABLE',
      'more.zip': 'INPUT_PERMISSION_DENIED',
      'z.txt': 'INPUT_SUCCESS',
    });

    for (const path of closed) await chmod(path, 0o755);
    const again = await sluiceJson(['retry', first.json.failures!], user);
    expect(again.code, again.stdout).toBe(0);
    expect(codesOf(store, again.json)).toEqual({
      'b.txt': 'INPUT_SUCCESS',
      'closed/in.txt': 'INPUT_SUCCESS',
      'more.zip!/zipped.txt': 'INPUT_SUCCESS',
    });
    expect(await inputsOf(store)).toHaveLength(5);

    // Resumed, the first run ends with the rest of the listing; what failed then stays failed in its ledger.
    const resumed = await sluiceJson(['resume', first.json.runId, '--store', store], user);
    expect(resumed.json).toMatchObject({ status: 'complete', exitCode: 2, totals: { failed: 3 } });
    accounted(store, resumed.json);
    expect(await inputsOf(store)).toHaveLength(5);
  },
);

test.runIf(posix)('a retry of what still may not be read fails the same way', async () => {
  const store = join(stores, 'store');
  await chmod(join(source, 'closed'), 0);
  const first = await sluiceJson(['ingest', source, '--store', store], user);
  const again = await sluiceJson(['retry', first.json.failures!], user);
  expect(again.code).toBe(3);
  expect(codesOf(store, again.json)).toEqual({ 'closed/': 'SOURCE_DIRECTORY_UNREADABLE' });
  await chmod(join(source, 'closed'), 0o755);
});

test.runIf(posix)('a store that may not be written to is a clear error, and can still be read', async () => {
  const store = join(stores, 'store');
  const landed = await sluiceJson(['ingest', source, '--store', store], user);
  const folders = ['db', 'blobs', 'runs', 'tmp', 'lock', '.'].map((name) => join(store, name));
  for (const folder of folders) await chmod(folder, 0o555);
  const refused = await sluiceJson<Failed>(['ingest', source, '--store', store], user);
  expect(refused).toMatchObject({ code: 1, json: { error: { code: 'STORE_WRITE_FAILED' } } });
  expect(refused.json.error.message).toContain(store);
  expect(refused.stderr).not.toContain('    at ');
  const dry = await sluiceJson(['ingest', source, '--store', store, '--dry-run'], user);
  expect(dry.json).toMatchObject({ exitCode: 0, byCode: { INPUT_UNCHANGED: landed.json.totals.ok } });
  for (const folder of folders) await chmod(folder, 0o755);
  const elsewhere = await sluiceJson<Failed>(['ingest', source, '--store', join(source, 'below')], user);
  expect(elsewhere).toMatchObject({ code: 1, json: { error: { code: 'STORE_WRITE_FAILED' } } });
});

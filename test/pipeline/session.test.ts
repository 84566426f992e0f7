import { mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ingest } from '../../src/pipeline/ingest.ts';
import { tempFolder } from '../support/temp-folder.ts';

test.skipIf(process.platform !== 'linux')('a run that has ended has no file open', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  await mkdir(source);
  await writeFile(join(source, 'a.txt'), 'some words');
  expect(await ingest({ source, store: join(dir, 'store') })).toMatchObject({ exitCode: 0 });
  await ingest({ source, store: join(dir, 'store'), dryRun: true });
  const fds = await readdir('/proc/self/fd');
  const open = await Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  // Also those that were removed since, which say so behind their path.
  expect(open.filter((path) => path.startsWith(dir) || path.includes('ids.tmp'))).toEqual([]);
});

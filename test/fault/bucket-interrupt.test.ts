import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { start } from '../support/cli.ts';
import { s3FaultProxy, slowDown } from '../support/s3-fault-proxy.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { stubAws } from '../support/versitygw.ts';

/** Far more than any machine needs. */
const WAIT = { timeout: 60_000, interval: 5 };

it.skipIf(process.platform === 'win32').each([
  ['a source', 's3://media/photos/', 'store'],
  ['a store', 'photos', 's3://media/store'],
])('one Ctrl-C ends the wait for the server of %s that only throttles', async (_, source, store) => {
  const dir = await tempFolder();
  const proxy = await s3FaultProxy('http://127.0.0.1:1');
  proxy.faults.push(() => slowDown);
  stubAws({ AWS_ENDPOINT_URL_S3: proxy.endpoint, SLUICE_CACHE: join(dir, 'cache') });
  const photos = new URL('../../examples/photos', import.meta.url).pathname;
  const place = store.startsWith('s3:') ? store : join(dir, store);
  const run = start(['ingest', source === 'photos' ? photos : source, '--store', place]);
  await vi.waitFor(() => expect(proxy.requests.length).toBeGreaterThan(1), WAIT);
  run.child.kill('SIGINT');
  const { code, stderr } = await run.done;
  expect(code, stderr).toBe(130);
});

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { bucketServer } from '../stores/bucket/support.ts';
import { inputsOf, sluiceJson } from '../support/cli.ts';
import { type Fault, first, type SeenRequest, s3FaultProxy, slowDown } from '../support/s3-fault-proxy.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { missingVersityGw } from '../support/versitygw.ts';

const TIMEOUT = { timeout: 300_000 };
const COUNT = 300;
const missing = missingVersityGw();

/** The server did it, and nobody hears of it. */
const unheard: Fault = { resetAfter: 0 };

const isPut =
  (of: string) =>
  ({ method, url }: SeenRequest) =>
    method === 'PUT' && url.includes(`/data/store/${of}`);

/** A source of texts that are blobs, and a store in a bucket with a proxy before it. */
async function setUp() {
  const server = await bucketServer();
  const proxy = await s3FaultProxy(server.endpoint);
  const dir = await tempFolder();
  const source = join(dir, 'source');
  await mkdir(source);
  // Too long for a row.
  for (let i = 0; i < COUNT; i++) await writeFile(join(source, `${i}.txt`), `text ${i} `.repeat(8_000));
  vi.stubEnv('SLUICE_CACHE', join(dir, 'cache'));
  const through = <T>(work: () => Promise<T>): Promise<T> => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', proxy.endpoint);
    return work().finally(() => vi.stubEnv('AWS_ENDPOINT_URL_S3', server.endpoint));
  };
  const ingest = () => through(() => sluiceJson(['ingest', source, '--store', server.store]));
  const isWhole = async () => {
    const inputs = await inputsOf(server.store);
    expect(inputs.map(({ uri }) => uri).sort()).toEqual(
      Array.from({ length: COUNT }, (_, i) => `${i}.txt`).sort(),
    );
    const check = await sluiceJson<{ findings: number }>([
      'store',
      'check',
      '--deep',
      '--store',
      server.store,
    ]);
    expect(check.json.findings, check.stdout).toBe(0);
  };
  return { ...server, proxy, ingest, isWhole, through };
}

describe.skipIf(missing !== undefined)(`a store in a bucket behind a bad line ${missing ?? ''}`, () => {
  it('holds everything once, though writes are throttled and answers are lost', TIMEOUT, async () => {
    const { proxy, ingest, isWhole } = await setUp();
    let puts = 0;
    proxy.faults.push((request) => {
      if (!isPut('blobs/')(request)) return undefined;
      puts++;
      return puts % 7 === 0 ? slowDown : puts % 11 === 0 ? unheard : undefined;
    });
    const { json, stderr } = await ingest();
    expect(json, stderr).toMatchObject({ status: 'complete', totals: { ok: COUNT } });
    await isWhole();
  });

  it('takes the lock although the answer is lost, for the owner is itself', TIMEOUT, async () => {
    const { proxy, ingest, isWhole } = await setUp();
    proxy.faults.push(first(1, isPut('lock/'), unheard), first(1, isPut('sluice-store.json'), unheard));
    const { json, stderr } = await ingest();
    expect(json, stderr).toMatchObject({ status: 'complete', totals: { ok: COUNT } });
    await isWhole();
  });

  it('doubles nothing when the answer to a commit is lost', TIMEOUT, async () => {
    const { proxy, ingest, isWhole, through, store } = await setUp();
    let lost = 0;
    let hasRows = false;
    proxy.faults.push((request) => {
      hasRows ||= isPut('db/inputs.lance/data/')(request);
      if (!hasRows || lost === 3 || !isPut('db/inputs.lance/_versions/')(request)) return undefined;
      lost++;
      return unheard;
    });
    let { json } = await ingest();
    for (let resumed = 0; json.status !== 'complete' && resumed < 5; resumed++) {
      expect(json.error?.code).toBe('STORE_UNREACHABLE');
      ({ json } = await through(() => sluiceJson(['resume', json.runId, '--store', store])));
    }
    expect(json).toMatchObject({ status: 'complete', totals: { listed: COUNT, ok: COUNT } });
    expect(lost).toBeGreaterThan(0);
    await isWhole();
  });

  it('ends a run that loses its server, and the same run goes on', TIMEOUT, async () => {
    const { proxy, ingest, isWhole, store } = await setUp();
    let isGone = false;
    proxy.faults.push(
      first(1, isPut('db/inputs.lance/data/'), {
        before: async () => {
          isGone = true;
        },
      }),
      () => (isGone ? { error: { status: 500, code: 'InternalError' } } : undefined),
    );
    const { json, stderr } = await ingest();
    expect(json.error).toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(json, stderr).toMatchObject({ status: 'failed' });
    const resumed = await sluiceJson(['resume', json.runId, '--store', store]);
    expect(resumed.json, resumed.stderr).toMatchObject({
      status: 'complete',
      totals: { listed: COUNT, ok: COUNT },
    });
    await isWhole();
  });
});

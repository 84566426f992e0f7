import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import { mediaBucket } from '../support/bucket.ts';
import { inputsOf, ledgerOf, type Ran, sluiceJson, start } from '../support/cli.ts';
import {
  type Fault,
  first,
  isGet,
  isListing,
  type SeenRequest,
  s3FaultProxy,
  slowDown,
} from '../support/s3-fault-proxy.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { missingVersityGw, SECRET_KEY, type VersityGw } from '../support/versitygw.ts';
import { writeZip } from '../support/zip-writer.ts';

const missing = missingVersityGw();

/** A bucket with a proxy before it, and a store to be made. */
async function setUp(objects: Record<string, string | Uint8Array> = {}) {
  const gateway = await mediaBucket(objects);
  const proxy = await s3FaultProxy(gateway.endpoint);
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const args = ['ingest', 's3://media/', '--endpoint', proxy.endpoint, '--store', store];
  return { gateway, proxy, dir, store, args };
}

const texts = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`${String(i).padStart(5, '0')}.txt`, `text ${i}`]),
  );

/** Objects that the server finds in its folder, which is faster than to send them. */
async function placeTexts({ folder }: VersityGw, count: number): Promise<void> {
  await mkdir(join(folder, 'media', 'in'));
  for (const [name, text] of Object.entries(texts(count)))
    await writeFile(join(folder, 'media', 'in', name), text);
}

const isOf = (key: string) => (request: SeenRequest) => isGet(request) && request.url.includes(key);

const refused = (status: number, code: string): Fault => ({ error: { status, code } });

const codesOf = (store: string, runId: string) =>
  Object.fromEntries(ledgerOf(store, runId).map(({ uri, code }) => [uri, code]));

/** Neither what was printed nor any file of the store has the secret. */
function expectNoSecret(ran: Ran, store: string): void {
  expect(`${ran.stdout}${ran.stderr}`).not.toContain(SECRET_KEY);
  for (const entry of readdirSync(store, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      expect(readFileSync(join(entry.parentPath, entry.name)).includes(SECRET_KEY)).toBe(false);
}

describe.skipIf(missing)(`a bucket that does not work${missing === undefined ? '' : `: ${missing}`}`, () => {
  it('says who may not list it and why, and no secret', async () => {
    const { proxy, store, args } = await setUp({ 'a.txt': '1' });
    proxy.faults.push((request) => (isListing(request) ? refused(403, 'AccessDenied') : undefined));
    const ran = await sluiceJson<{ error: { code: string; message: string } }>(args);
    expect(ran.code).toBe(1);
    expect(ran.json.error.code).toBe('SOURCE_ACCESS_DENIED');
    expect(ran.json.error.message).toMatch(/…3456.*s3:ListBucket/s);
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(SECRET_KEY);
    expect(readdirSync(join(store, '..'))).toEqual([]);
  });

  it('says that there is no such bucket', async () => {
    const { proxy, store } = await setUp();
    const ran = await sluiceJson<{ error: object }>([
      ...['ingest', 's3://nosuch/', '--endpoint', proxy.endpoint, '--store', store],
    ]);
    expect(ran).toMatchObject({ code: 1, json: { error: { code: 'SOURCE_NOT_FOUND' } } });
  });

  it('has an outcome for what is deleted, changed or archived after it was listed, and takes all else', async () => {
    const { gateway, proxy, store, args } = await setUp({ ...texts(5), 'z.txt': 'kept' });
    const before = (change: () => Promise<unknown>): Fault => ({ before: async () => void (await change()) });
    proxy.faults.push(
      first(
        1,
        isOf('00000.txt'),
        before(() => gateway.client.send(new DeleteObjectCommand({ Bucket: 'media', Key: '00000.txt' }))),
      ),
      first(
        1,
        isOf('00001.txt'),
        before(() => gateway.put('media', '00001.txt', 'text X')),
      ),
      first(
        1,
        isOf('00002.txt'),
        before(() => gateway.put('media', '00002.txt', 'a longer text')),
      ),
      first(1, isOf('00003.txt'), refused(403, 'InvalidObjectState')),
      first(1, isOf('00004.txt'), refused(403, 'AccessDenied')),
    );
    const ran = await sluiceJson(args);
    expect(ran.json).toMatchObject({ status: 'complete', exitCode: 2, totals: { listed: 6, ok: 1 } });
    expect(codesOf(store, ran.json.runId)).toEqual({
      '00000.txt': 'INPUT_NOT_FOUND',
      '00001.txt': 'INPUT_CHANGED_WHILE_READ',
      '00002.txt': 'INPUT_CHANGED_WHILE_READ',
      '00003.txt': 'INPUT_ARCHIVED',
      '00004.txt': 'INPUT_PERMISSION_DENIED',
      'z.txt': 'INPUT_SUCCESS',
    });
    expectNoSecret(ran, store);
  });

  it('says of an archive that cannot be read what is wrong, and goes on', async () => {
    const dir = await tempFolder();
    writeZip(join(dir, 'x.zip'), [{ name: 'a.txt', data: 'a' }]);
    const zip = await readFile(join(dir, 'x.zip'));
    const { proxy, store, args } = await setUp({ 'cold.zip': zip, 'closed.zip': zip, 'good.zip': zip });
    proxy.faults.push(
      (request) => (isOf('cold.zip')(request) ? refused(403, 'InvalidObjectState') : undefined),
      (request) => (isOf('closed.zip')(request) ? refused(403, 'AccessDenied') : undefined),
    );
    const ran = await sluiceJson(args);
    expect(codesOf(store, ran.json.runId)).toEqual({
      'closed.zip': 'INPUT_PERMISSION_DENIED',
      'cold.zip': 'INPUT_ARCHIVED',
      'good.zip!/a.txt': 'INPUT_SUCCESS',
    });
  });

  it('is incomplete when the listing ends early or repeats itself, and a resume takes the rest', async () => {
    const { gateway, proxy, store } = await setUp();
    await placeTexts(gateway, 2100);
    const args = ['ingest', 's3://media/in/', '--endpoint', proxy.endpoint, '--store', store];
    // Not of the look before the run.
    const isLate = (request: SeenRequest) =>
      isListing(request) && request.url.includes('continuation-token') && proxy.requests.some(isGet);
    const early: Fault = { edit: (body) => body.replace('<IsTruncated>false', '<IsTruncated>true') };
    proxy.faults.push((request) => (isLate(request) ? early : undefined));
    const ran = await sluiceJson(args);
    expect(ran.json).toMatchObject({ status: 'failed', exitCode: 3, error: { code: 'SOURCE_INCOMPLETE' } });
    expect(ran.json.totals.listed).toBeLessThan(2100);
    const twice: Fault = { edit: (body) => body.replace(/<Contents>.*?<\/Contents>/s, '$&$&') };
    proxy.faults.length = 0;
    proxy.faults.push((request) =>
      isListing(request) && request.url.includes('start-after') ? twice : undefined,
    );
    const repeating = await sluiceJson(['resume', ran.json.runId, '--store', store]);
    expect(repeating.json).toMatchObject({ exitCode: 3, error: { code: 'SOURCE_INCOMPLETE' } });
    proxy.faults.length = 0;
    const whole = await sluiceJson(['resume', ran.json.runId, '--store', store]);
    expect(whole.json).toMatchObject({ status: 'complete', exitCode: 0, totals: { listed: 2100, ok: 2100 } });
  });

  it('is read whole although it throttles, resets and lets credentials expire, none of which costs an item', async () => {
    const large = randomBytes(400_000);
    const jpegLike = Buffer.concat([Buffer.from('plain text '), Buffer.from(large.toString('hex'))]);
    const { proxy, store, args } = await setUp({ ...texts(20), 'large.txt': jpegLike });
    const throttled = { ...slowDown.error!, headers: { 'retry-after': '0' } };
    proxy.faults.push(
      // More often than there are attempts.
      first(7, isOf('00003.txt'), { error: throttled }),
      first(40, isGet, { error: throttled }),
      first(3, isOf('large.txt'), { resetAfter: 100_000 }),
      first(1, isOf('00005.txt'), refused(400, 'ExpiredToken')),
      first(2, isOf('00006.txt'), refused(500, 'InternalError')),
    );
    const ran = await sluiceJson(args);
    expect(ran.json).toMatchObject({ status: 'complete', exitCode: 0, totals: { listed: 21, ok: 21 } });
    const stored = (await inputsOf(store)).find(({ uri }) => uri === 'large.txt');
    expect(stored?.sha256).toBe(createHash('sha256').update(jpegLike).digest('hex'));
    expectNoSecret(ran, store);
  });

  it('ends when credentials have expired for good, and a resume takes the rest', async () => {
    const { proxy, store, args } = await setUp(texts(10));
    let gets = 0;
    proxy.faults.push((request) => (isGet(request) && ++gets > 4 ? refused(400, 'ExpiredToken') : undefined));
    const ran = await sluiceJson(args);
    expect(ran.code).toBe(1);
    expect(ran.json.error).toMatchObject({
      code: 'SOURCE_ACCESS_DENIED',
      message: expect.stringContaining('have expired'),
    });
    expect(ran.json.totals.failed).toBe(0);
    expectNoSecret(ran, store);
    proxy.faults.length = 0;
    const again = await sluiceJson(['resume', ran.json.runId, '--store', store]);
    expect(again.json).toMatchObject({ exitCode: 0, totals: { listed: 10, ok: 10 } });
    expect(await inputsOf(store)).toHaveLength(10);
  });

  it('is listed on behind what has an outcome after a kill, with nothing lost or doubled', async () => {
    const COUNT = 4500;
    const { gateway, proxy, store } = await setUp();
    await placeTexts(gateway, COUNT);
    const args = ['ingest', 's3://media/in/', '--endpoint', proxy.endpoint, '--store', store, '--json'];
    // Slow enough to be killed between two pages.
    proxy.faults.push((request) =>
      isListing(request) && request.url.includes('continuation-token')
        ? { before: () => sleep(1500) }
        : undefined,
    );
    const { child, done } = start(args);
    const runs = join(store, 'runs');
    const runId = await vi.waitFor(
      () => {
        const [run] = readdirSync(runs).filter((name) => !name.includes('.'));
        const { position } = JSON.parse(readFileSync(join(runs, run!, 'checkpoint.json'), 'utf8')) as {
          position?: string;
        };
        expect(position).toBeDefined();
        return run!;
      },
      { timeout: 120_000, interval: 20 },
    );
    child.kill('SIGKILL');
    await done;
    const { position } = JSON.parse(readFileSync(join(runs, runId, 'checkpoint.json'), 'utf8')) as {
      position: string;
    };
    const known = ledgerOf(store, runId).map(({ uri }) => uri);
    const behind = position.slice('in/'.length);
    for (const name of Object.keys(texts(COUNT))) if (name <= behind) expect(known).toContain(name);
    expect(known.length).toBeLessThan(COUNT);
    // Before that place: not seen by this run. Behind it: seen.
    await gateway.put('media', 'in/00000-new.txt', 'too late');
    await gateway.put('media', 'in/99999-new.txt', 'in time');
    await gateway.client.send(new DeleteObjectCommand({ Bucket: 'media', Key: 'in/04499.txt' }));
    proxy.faults.length = 0;
    proxy.requests.length = 0;
    const resumed = await sluiceJson(['resume', runId, '--store', store]);
    expect(resumed.json, resumed.stderr).toMatchObject({
      status: 'complete',
      exitCode: 0,
      totals: { listed: COUNT, ok: COUNT },
    });
    const listings = proxy.requests.filter(isListing).map(({ url }) => new URL(url, 'http://x').searchParams);
    expect(listings.some((query) => query.get('start-after') === position)).toBe(true);
    const uris = ledgerOf(store, runId).map(({ uri }) => uri);
    expect(new Set(uris).size).toBe(COUNT);
    expect(uris).toHaveLength(COUNT);
    expect(uris).toContain('99999-new.txt');
    expect(uris).not.toContain('00000-new.txt');
  });
});

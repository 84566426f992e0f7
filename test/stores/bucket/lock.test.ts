import { utimesSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openReader, openWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { missingVersityGw, stubAws } from '../../support/versitygw.ts';
import { allInputs, ingest, textItem, writerOptions } from '../local/support.ts';
import { bucketServer } from './support.ts';

const TIMEOUT = { timeout: 180_000 };
const missing = missingVersityGw();

/** An owner that nobody here can ask whether it lives. */
const ELSEWHERE = JSON.stringify({
  pid: 1,
  space: 'another machine',
  host: 'elsewhere',
  runId: 'their-run',
  acquiredAt: '2026-01-01T00:00:00.000Z',
});

describe.skipIf(missing !== undefined)(`the lock of a store in a bucket ${missing ?? ''}`, () => {
  it('of another machine is followed half a minute after its last heartbeat', TIMEOUT, async () => {
    const { store, put, folder } = await bucketServer();
    await ingest(store, [[textItem('a', 'one')]]);
    await put('store-bucket', 'data/store/lock/000000000002.json', ELSEWHERE);
    await expect(openWriter(store, writerOptions(), testContext())).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('run their-run (process 1 on elsewhere'),
    });
    const written = new Date(Date.now() - 31_000);
    utimesSync(join(folder, 'store-bucket/data/store/lock/000000000002.json'), written, written);
    await ingest(store, [[textItem('b', 'two')]]);
    expect((await allInputs(store)).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('that was taken over is not written with any more, nor brought back', TIMEOUT, async () => {
    const { store, put, keys } = await bucketServer();
    const writer = await openWriter(store, writerOptions({ runId: 'slow' }), testContext());
    await put('store-bucket', 'data/store/lock/000000000002.json', ELSEWHERE);
    const written = writer.write([textItem('a', 'one')]);
    await Promise.allSettled([written, writer.flush()]);
    await expect(written).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('run slow was not heard from for too long'),
    });
    await writer.close();
    expect(await allInputs(store)).toEqual([]);
    expect(await keys('lock/')).toContain('lock/000000000002.json');
  });
});

describe('a server that is of no use', () => {
  it('because it heeds no condition of a write is refused', TIMEOUT, async () => {
    let stored = '';
    await serve((method, url) => {
      if (method === 'PUT') {
        stored = 'x';
        return [200, ''];
      }
      if (url.includes('list-type=2'))
        return [200, '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'];
      return [404, '<Error><Code>NoSuchKey</Code></Error>'];
    });
    await expect(openWriter('s3://some-bucket/store', writerOptions(), testContext())).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('does not heed conditional writes'),
    });
    expect(stored).toBe('x');
  });

  it('because nobody answers is said to be unreachable', TIMEOUT, async () => {
    stubAws({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' });
    await expect(openReader('s3://some-bucket/store')).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });

  it('because it denies everything is told what a store needs', TIMEOUT, async () => {
    await serve(() => [403, '<Error><Code>AccessDenied</Code><Message>no</Message></Error>']);
    await expect(openReader('s3://some-bucket/store')).rejects.toMatchObject({
      code: 'STORE_ACCESS_DENIED',
      message: expect.stringMatching(/denied for the access key …3456; a store needs s3:ListBucket/),
    });
  });
});

async function serve(answer: (method: string, url: string) => [status: number, body: string]): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const [status, body] = answer(request.method!, request.url!);
      response.writeHead(status, { etag: '"e"', 'content-type': 'application/xml' }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  stubAws({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  onTestFinished(() => void vi.unstubAllEnvs());
}

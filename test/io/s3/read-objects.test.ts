import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { serve } from '../../support/http-server.ts';
import { first, isGet, s3FaultProxy, slowDown } from '../../support/s3-fault-proxy.ts';
import { listAll, never, s3Reader } from '../../support/s3-reader.ts';
import { missingVersityGw, SECRET_KEY, stubAws, versityGw } from '../../support/versitygw.ts';

const missing = missingVersityGw();

const ODD_KEYS = [
  'plain.txt',
  'a-1%41+ü.jpg',
  'a%2Fb',
  'plus+and space .txt',
  'u\u0308-nfd.txt',
  '\u00fc-nfc.txt',
  'emoji-😀.txt',
  'ff-ﬀ.txt',
  `quote'"&<>.txt`,
  'question?hash#.txt',
  'dir/inner.txt',
  'dir-1/other.txt',
  'dir.txt',
  'empty.txt',
];

/** A server with one object behind a proxy, and a reader that goes through it. */
async function oneObject(body: Buffer, more = {}, timing = {}) {
  const gw = await versityGw();
  await gw.makeBucket('one');
  await gw.put('one', 'a.bin', body, more);
  const proxy = await s3FaultProxy(gw.endpoint);
  const reader = await s3Reader({ endpoint: proxy.endpoint }, timing);
  const [object] = await listAll(reader, 'one');
  return { gw, proxy, reader, object: { bucket: 'one', ...object! } };
}

const messageOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable(),
    (error: Error) => error,
  );

it.each([
  ['a//b', '/mine/a//b'],
  ['/lead', '/mine//lead'],
  ['trail/', '/mine/trail/'],
  ['a/../b', '/mine/a/../b'],
  ['./a', '/mine/./a'],
  ['%41+ü?#', '/mine/%2541%2B%C3%BC%3F%23'],
])('asks for the key %s as it is, for it is no path', async (key, url) => {
  stubAws();
  const server = await serve((_, response) => void response.setHeader('etag', '"e"').end('content'));
  const reader = await s3Reader({ endpoint: server.origin });
  expect((await buffer(await reader.open({ bucket: 'mine', key }, never))).toString()).toBe('content');
  expect(server.requests.map((request) => request.url)).toEqual([`${url}?x-id=GetObject`]);
});

describe.skipIf(missing !== undefined)(`objects of a bucket ${missing ?? ''}`, () => {
  it('are read whatever their keys are made of', async () => {
    const gw = await versityGw();
    await gw.makeBucket('odd-keys');
    const contentOf = (key: string) => (key === 'empty.txt' ? '' : `content of ${key}`);
    for (const key of ODD_KEYS) await gw.put('odd-keys', key, contentOf(key));
    const reader = await s3Reader({ endpoint: gw.endpoint });
    const objects = await listAll(reader, 'odd-keys');
    expect(objects.map(({ key }) => key).sort()).toEqual([...ODD_KEYS].sort());
    for (const object of objects) {
      const bytes = await buffer(await reader.open({ bucket: 'odd-keys', ...object }, never));
      expect(bytes.toString()).toBe(contentOf(object.key));
      expect(await reader.head({ bucket: 'odd-keys', key: object.key })).toMatchObject({
        key: object.key,
        size: object.size,
        etag: object.etag,
      });
    }
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
    'are held against the %s that the server has',
    async (ChecksumAlgorithm) => {
      const body = randomBytes(200_000);
      const { proxy, reader, object } = await oneObject(body, { ChecksumAlgorithm });
      expect((await buffer(await reader.open(object, never))).equals(body)).toBe(true);
      proxy.faults.push(first(1, isGet, { corruptAt: 150_000 }));
      const error = await messageOf(reader.open(object, never).then(buffer));
      expect(error).toMatchObject({ name: 'RetryableError', code: 'INPUT_READ_FAILED' });
      expect(error.message).toMatch(/^s3:\/\/one\/a\.bin: what came has the (CRC|SHA)-/);
    },
  );

  it('go on from their offset when the connection breaks, and are still checked as a whole', async () => {
    const body = randomBytes(1_000_000);
    const { proxy, reader, object } = await oneObject(body);
    proxy.faults.push(first(1, isGet, { resetAfter: 300_000 }), first(1, isGet, { resetAfter: 200_000 }));
    expect((await buffer(await reader.open(object, never))).equals(body)).toBe(true);
    const gets = proxy.requests.filter(isGet);
    const [whole, ...rest] = gets.map(({ headers }) => headers.range);
    expect(whole).toBeUndefined();
    // Some of what was sent before a reset may not have come.
    const starts = rest.map((range) => Number(/^bytes=(\d+)-999999$/.exec(range ?? '')?.[1]));
    expect(starts).toHaveLength(2);
    expect(starts[0]).toBeGreaterThan(0);
    expect(starts[0]).toBeLessThanOrEqual(300_000);
    expect(starts[1]).toBeGreaterThan(starts[0]!);
    expect(starts[1]).toBeLessThanOrEqual(starts[0]! + 200_000);
    expect(gets.map(({ headers }) => headers['if-match'])).toEqual([object.etag, object.etag, object.etag]);
    proxy.faults.push(first(1, isGet, { resetAfter: 300_000 }), first(1, isGet, { corruptAt: 5 }));
    await expect(reader.open(object, never).then(buffer)).rejects.toThrow('the CRC-32');
  });

  it('go on from their offset when nothing comes any more', async () => {
    const body = randomBytes(300_000);
    const { proxy, reader, object } = await oneObject(body, {}, { stallTimeoutMs: 500, attempts: 50 });
    proxy.faults.push(first(1, isGet, { stallAfter: 100_000 }));
    expect((await buffer(await reader.open(object, never))).equals(body)).toBe(true);
    expect(proxy.requests.filter(isGet).at(-1)?.headers.range).toMatch(/^bytes=\d+-299999$/);
  });

  it('fail for another run when every attempt breaks', async () => {
    const { proxy, reader, object } = await oneObject(randomBytes(100_000));
    proxy.faults.push((request) => (isGet(request) ? { resetAfter: 10 } : undefined));
    const error = await messageOf(reader.open(object, never).then(buffer));
    expect(error).toMatchObject({ name: 'RetryableError', code: 'INPUT_READ_FAILED' });
    expect(error.message).toBe('s3://one/a.bin: the connection failed (ECONNRESET) (after 5 attempts)');
    expect(proxy.requests.filter(isGet)).toHaveLength(5);
  });

  it('that changed, were deleted or went into an archive since they were listed get an outcome each', async () => {
    const { gw, proxy, reader, object } = await oneObject(Buffer.from('first'));
    await gw.put('one', 'a.bin', 'other');
    await expect(reader.open(object, never)).rejects.toMatchObject({
      name: 'RejectedItemError',
      code: 'INPUT_CHANGED_WHILE_READ',
    });
    await expect(
      reader.open({ ...object, etag: (await reader.head(object)).etag, size: 3 }, never),
    ).rejects.toMatchObject({
      code: 'INPUT_CHANGED_WHILE_READ',
      measured: 5,
      limit: 3,
    });
    proxy.faults.push(first(1, isGet, { error: { status: 403, code: 'InvalidObjectState' } }));
    await expect(reader.open(object, never)).rejects.toMatchObject({
      code: 'INPUT_ARCHIVED',
      message: expect.stringContaining('before it is restored'),
    });
    proxy.faults.push(
      first(1, isGet, {
        before: async () => {
          await gw.client.send(new DeleteObjectCommand({ Bucket: 'one', Key: 'a.bin' }));
        },
      }),
    );
    await expect(reader.open(object, never)).rejects.toMatchObject({
      name: 'RejectedItemError',
      code: 'INPUT_NOT_FOUND',
      message: expect.stringContaining('deleted after it was listed'),
    });
    await expect(reader.head(object)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  });

  it('that change in the middle of a broken read are never mixed of two contents', async () => {
    const { gw, proxy, reader, object } = await oneObject(Buffer.alloc(100_000, 'a'));
    proxy.faults.push(
      first(1, isGet, { resetAfter: 50_000 }),
      first(1, isGet, { before: () => gw.put('one', 'a.bin', Buffer.alloc(100_000, 'b')) }),
    );
    await expect(reader.open(object, never).then(buffer)).rejects.toMatchObject({
      code: 'INPUT_CHANGED_WHILE_READ',
    });
    const { etag, ...unpinned } = object;
    expect(etag).toBeDefined();
    proxy.faults.push(
      first(1, isGet, { resetAfter: 50_000 }),
      first(1, isGet, { before: () => gw.put('one', 'a.bin', Buffer.alloc(100_000, 'c')) }),
    );
    await expect(reader.open(unpinned, never).then(buffer)).rejects.toMatchObject({
      code: 'INPUT_CHANGED_WHILE_READ',
    });
  });

  it('cost no attempt while the server asks for less', async () => {
    const { proxy, reader, object } = await oneObject(
      Buffer.from('slow'),
      {},
      { attempts: 1, clock: new FakeClock({ auto: true }) },
    );
    proxy.faults.push(first(3, isGet, slowDown));
    expect((await buffer(await reader.open(object, never))).toString()).toBe('slow');
  });

  it('are all read from a server that bears few requests at once, which is asked for fewer', async () => {
    const { proxy, reader, object } = await oneObject(
      randomBytes(1_000),
      {},
      { clock: new FakeClock({ auto: true }) },
    );
    const throttled: boolean[] = [];
    proxy.faults.push((request) => {
      if (!isGet(request)) return undefined;
      throttled.push(proxy.underWay() > 4);
      return throttled.at(-1) ? slowDown : undefined;
    });
    const reads = Array.from(
      { length: 600 },
      async () => (await buffer(await reader.open(object, never))).length,
    );
    expect(new Set(await Promise.all(reads))).toEqual(new Set([1_000]));
    // It begins with more at once than the server bears; later only every few of them are too many.
    const late = throttled.slice(300);
    expect(late.filter(Boolean).length).toBeLessThan(late.length / 2);
  });

  it('are let go of by who aborts, wherever they are', async () => {
    const { proxy, reader, object } = await oneObject(randomBytes(3_000_000));
    const controller = new AbortController();
    proxy.faults.push(first(1, isGet, { stallAfter: 100_000 }));
    const reading = reader.open(object, controller.signal).then(buffer);
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 100);
    await expect(reading).rejects.toBe(reason);
    await expect(reader.open(object, controller.signal)).rejects.toBe(reason);
    const closing = s3Reader({ endpoint: proxy.endpoint });
    proxy.faults.push(first(1, isGet, { stallAfter: 100_000 }));
    const cut = (await closing).open(object, never).then(buffer);
    setTimeout(async () => (await closing).close(), 100);
    await expect(cut).rejects.toThrow('the S3 reader was closed');
  });

  it('wait for who reads slowly', async () => {
    const { proxy, reader, object } = await oneObject(randomBytes(30_000_000), {}, { stallTimeoutMs: 1_000 });
    const stream = await reader.open(object, never);
    await once(stream, 'readable');
    const gets = proxy.requests.filter(isGet).length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(proxy.requests.filter(isGet)).toHaveLength(gets);
    expect(proxy.sent()).toBeLessThan(15_000_000);
    expect(await buffer(stream)).toHaveLength(30_000_000);
  });

  it('share connections, which stay open when a body was read to its end', async () => {
    stubAws();
    const connections = new Set<unknown>();
    const server = await serve((request, response) => {
      connections.add(request.socket);
      response.setHeader('etag', '"e"').end(Buffer.alloc(100_000));
    });
    const reader = await s3Reader({ endpoint: server.origin });
    for (let at = 0; at < 20; at++) await buffer(await reader.open({ bucket: 'mine', key: 'a' }, never));
    expect(connections.size).toBe(1);
  });

  it('never tell a secret', async () => {
    const { proxy, reader, object } = await oneObject(Buffer.from('x'), {}, { attempts: 1 });
    expect(await reader.identity()).toBe('the access key …3456');
    for (const [status, code] of [
      [403, 'AccessDenied'],
      [403, 'SignatureDoesNotMatch'],
      [500, 'InternalError'],
      [400, 'ExpiredToken'],
    ] as const) {
      proxy.faults.unshift(first(3, isGet, { error: { status, code } }));
      const error = await messageOf(reader.open(object, never));
      expect(error.message).toContain(code === 'ExpiredToken' ? 'expired' : code);
      expect(`${error.message} ${error.stack}`).not.toContain(SECRET_KEY);
      proxy.faults.shift();
    }
  });
});

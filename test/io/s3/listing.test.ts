import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Fault, first, isListing, s3FaultProxy, slowDown } from '../../support/s3-fault-proxy.ts';
import { listAll, never, s3Reader } from '../../support/s3-reader.ts';
import { missingVersityGw, stubAws, versityGw } from '../../support/versitygw.ts';

/** Far more than any machine needs. */
const WAIT = { timeout: 60_000, interval: 5 };
const missing = missingVersityGw();
const keysOf = (objects: { key: string }[]) => objects.map(({ key }) => key);

/** A bucket whose listing has several pages, behind a proxy. */
async function manyKeys(count = 2500, timing = {}) {
  const gw = await versityGw();
  await gw.makeBucket('many');
  await mkdir(join(gw.folder, 'many', 'deep'));
  const keys = Array.from({ length: count }, (_, index) => `deep/${String(index).padStart(6, '0')}.txt`);
  await Promise.all(keys.map((key) => writeFile(join(gw.folder, 'many', key), key)));
  const proxy = await s3FaultProxy(gw.endpoint);
  const reader = await s3Reader({ endpoint: proxy.endpoint }, timing);
  return { gw, proxy, reader, keys };
}

describe.skipIf(missing !== undefined)(`a listing ${missing ?? ''}`, () => {
  it('has every key that begins with the prefix, which is no folder', async () => {
    const gw = await versityGw();
    await gw.makeBucket('prefixes');
    const keys = ['dir/abcImage.png', 'dir/abc-1/Data.zip', 'dir/abc/x.txt', 'dir/abd.txt', 'dir2/abc.txt'];
    for (const key of keys) await gw.put('prefixes', key, key);
    const reader = await s3Reader({ endpoint: gw.endpoint });
    expect(keysOf(await listAll(reader, 'prefixes', { prefix: 'dir/abc' }))).toEqual([
      'dir/abc-1/Data.zip',
      'dir/abc/x.txt',
      'dir/abcImage.png',
    ]);
    expect(keysOf(await listAll(reader, 'prefixes', { startAfter: 'dir/abc/x.txt' }))).toEqual([
      'dir/abcImage.png',
      'dir/abd.txt',
      'dir2/abc.txt',
    ]);
    expect(await listAll(reader, 'prefixes', { prefix: 'nothing' })).toEqual([]);
    const pages = [];
    for await (const page of reader.list('prefixes', { prefix: 'dir', delimiter: '/' }, never))
      pages.push(page);
    expect(pages).toEqual([{ objects: [], prefixes: ['dir/', 'dir2/'], isLast: true }]);
    const [object] = await listAll(reader, 'prefixes', { prefix: 'dir/abd' });
    expect(object).toMatchObject({ size: 11, etag: expect.stringMatching(/^"[0-9a-f]{32}"$/) });
    expect(object?.modifiedAt).toBeInstanceOf(Date);
  });

  it('comes page by page, of which one is fetched ahead', async () => {
    const { proxy, reader, keys } = await manyKeys(3500);
    const listing = reader.list('many', { prefix: 'deep/' }, never);
    const found: string[] = [];
    for (let page = 1; ; page++) {
      const { value, done } = await listing.next();
      if (done) break;
      await vi.waitFor(() => expect(proxy.requests).toHaveLength(Math.min(4, page + 1)), WAIT);
      found.push(...keysOf(value.objects));
      expect(value.isLast).toBe(page === 4);
    }
    expect(found).toEqual(keys);
    expect(keysOf(await listAll(reader, 'many', { startAfter: keys[1999]! }))).toEqual(keys.slice(2000));
  });

  it('has the keys that the server encodes because XML could not carry them', async () => {
    const gw = await versityGw();
    await gw.makeBucket('encoded');
    for (const key of ['a+b c%41.txt', 'ü 😀.txt']) await gw.put('encoded', key, key);
    const proxy = await s3FaultProxy(gw.endpoint);
    const encoded = (key: string) => `<Key>${encodeURIComponent(key).replaceAll('%20', '+')}</Key>`;
    proxy.faults.push(() => ({
      edit: (xml) =>
        xml
          .replaceAll(/<Key>(.*?)<\/Key>/g, (_, key: string) => encoded(key))
          .replace('<EncodingType></EncodingType>', '<EncodingType>url</EncodingType>'),
    }));
    const reader = await s3Reader({ endpoint: proxy.endpoint });
    expect(keysOf(await listAll(reader, 'encoded'))).toEqual(['a+b c%41.txt', 'ü 😀.txt']);
    expect(proxy.requests[0]?.url).toContain('encoding-type=url');
  });

  it('goes on when the server throttles, fails, breaks off or stalls for a while', async () => {
    const { proxy, reader, keys } = await manyKeys(2500, { attempts: 50, stallTimeoutMs: 1_000 });
    proxy.faults.push(
      first(2, isListing, slowDown),
      first(2, isListing, { error: { status: 500, code: 'InternalError' } }),
      first(1, isListing, { resetAfter: 1000 }),
      first(1, isListing, { stallAfter: 1000 }),
    );
    expect(keysOf(await listAll(reader, 'many'))).toEqual(keys);
  });

  const secondPage = (fault: Fault) => {
    let seen = 0;
    return (request: Parameters<typeof isListing>[0]) =>
      isListing(request) && ++seen === 2 ? fault : undefined;
  };

  it.each([
    [
      'ends it, and says how to go on',
      (xml: string) => xml.replace('<IsTruncated>true', '<IsTruncated>false'),
    ],
    [
      'says that there is more, and not how to ask for it',
      (xml: string) => xml.replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, ''),
    ],
    [
      'does not say whether there is more',
      (xml: string) => xml.replace(/<IsTruncated>.*?<\/IsTruncated>/, ''),
    ],
    ['lists fewer keys than it announces', (xml: string) => xml.replace(/<Contents>.*?<\/Contents>/, '')],
    [
      'lists keys in no order',
      (xml: string) => xml.replace('deep/001001', 'deep/009999').replace('deep%2F001001', 'deep%2F009999'),
    ],
    [
      'lists what was not asked for',
      (xml: string) => xml.replace('deep/001001', 'else/001001').replace('deep%2F001001', 'else%2F001001'),
    ],
  ])('is incomplete when the server %s', async (_, edit) => {
    const { proxy, reader } = await manyKeys();
    proxy.faults.push(secondPage({ edit }));
    const failure = await listAll(reader, 'many', { prefix: 'deep/' }).catch((error: Error) => error);
    expect(failure).toMatchObject({ name: 'FatalError', code: 'SOURCE_INCOMPLETE' });
    expect((failure as Error).message).toMatch(/^the listing of s3:\/\/many\/deep\/ broke off after "deep\//);
  });

  it('is incomplete when the server repeats a page', async () => {
    const { proxy, reader } = await manyKeys();
    let page = '';
    let seen = 0;
    const repeat: Fault = {
      edit: (xml) => {
        if (++seen === 1) page = xml;
        return page;
      },
    };
    proxy.faults.push((request) => (isListing(request) ? repeat : undefined));
    await expect(listAll(reader, 'many')).rejects.toMatchObject({
      code: 'SOURCE_INCOMPLETE',
      message: expect.stringContaining('it repeats itself'),
    });
  });

  it('is incomplete when the server stays out of reach', async () => {
    const { proxy, reader } = await manyKeys();
    let seen = 0;
    proxy.faults.push((request) => (isListing(request) && ++seen > 2 ? { resetAfter: 0 } : undefined));
    await expect(listAll(reader, 'many')).rejects.toMatchObject({
      code: 'SOURCE_INCOMPLETE',
      message: expect.stringContaining('broke off after "deep/001999.txt": '),
    });
  });

  it('does not begin where a page for people answers', async () => {
    const { proxy, reader } = await manyKeys(1);
    proxy.faults.push((request) => (isListing(request) ? { edit: () => '<html>Sign in</html>' } : undefined));
    await expect(listAll(reader, 'many')).rejects.toMatchObject({
      name: 'FatalError',
      code: 'SOURCE_NOT_FOUND',
      message:
        's3://many cannot be listed: what answers sends no listing; check that the endpoint is that of an S3 server',
    });
  });

  it('does not begin where nobody answers', async () => {
    stubAws();
    const reader = await s3Reader({ endpoint: 'http://127.0.0.1:1' });
    await expect(listAll(reader, 'nobodys', { prefix: 'a/' })).rejects.toMatchObject({
      name: 'FatalError',
      code: 'SOURCE_NOT_FOUND',
      message:
        's3://nobodys/a/ cannot be listed: s3://nobodys/a/: the connection failed (ECONNREFUSED) (after 5 attempts); check the endpoint and the network',
    });
  });

  it('does not begin in a bucket that is not there', async () => {
    const gw = await versityGw();
    const reader = await s3Reader({ endpoint: gw.endpoint });
    await expect(listAll(reader, 'nobodys')).rejects.toMatchObject({
      name: 'FatalError',
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('there is no bucket nobodys'),
    });
    await expect(listAll(reader, 'fast--use1-az4--x-s3')).rejects.toMatchObject({
      code: 'SOURCE_FEATURE_UNSUPPORTED',
    });
  });

  it('is let go of by who aborts', async () => {
    const { reader } = await manyKeys();
    const controller = new AbortController();
    const listing = reader.list('many', { prefix: '' }, controller.signal);
    await listing.next();
    controller.abort(new Error('enough'));
    await expect(listing.next()).rejects.toThrow('enough');
  });
});

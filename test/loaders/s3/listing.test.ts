import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { folder } from '../../../src/loaders/folder.ts';
import { s3 } from '../../../src/loaders/s3.ts';
import { listBucket, mediaBucket, putFolder } from '../../support/bucket.ts';
import { testContext } from '../../support/context.ts';
import { listSource } from '../../support/listing.ts';
import { isListing, s3FaultProxy } from '../../support/s3-fault-proxy.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { missingVersityGw } from '../../support/versitygw.ts';
import { writeZip } from '../../support/zip-writer.ts';

const missing = missingVersityGw();
const examples = new URL('../../../examples', import.meta.url).pathname;
const never = new AbortController().signal;

const codes = (outcomes: readonly { uri: string; code: string }[]) =>
  outcomes.map(({ uri, code }) => `${uri} ${code}`);

async function zipOf(entries: Parameters<typeof writeZip>[1]): Promise<Buffer> {
  const path = `${await tempFolder()}/x.zip`;
  writeZip(path, entries);
  return readFile(path);
}

describe.skipIf(missing)(`a bucket as a source${missing === undefined ? '' : `: ${missing}`}`, () => {
  it('lists the same uris, ids, labels and sizes as the same tree in a folder', async () => {
    const gateway = await mediaBucket();
    await putFolder(gateway, examples, 'in/examples/');
    const options = { labels: 'folder', exclude: ['masks'] };
    const there = await listBucket(gateway.endpoint, 'in/examples/', options);
    const here = await listSource(folder, examples, options);
    const of = (listing: typeof here) =>
      [
        ...listing.items.map(({ uri, id, size, fileName, concepts }) => ({
          uri,
          id,
          size,
          fileName,
          concepts,
        })),
        ...listing.outcomes,
      ].sort((a, b) => (a.uri < b.uri ? -1 : 1));
    expect(of(there)).toEqual(of(here));
    expect(there.items.length).toBeGreaterThan(40);
    expect(there.proof).toMatchObject({ complete: true });
  });

  it('takes the address as the beginning of keys, not as a folder', async () => {
    const zip = await zipOf([{ name: 'inner.txt', data: 'zipped' }]);
    const { endpoint } = await mediaBucket({
      'dir/abcImage.txt': 'a',
      'dir/abc-1/Data.zip': zip,
      'dir/other.txt': 'no',
      'abc.txt': 'no',
    });
    const { items } = await listBucket(endpoint, 'dir/abc');
    expect(items.map(({ uri }) => uri)).toEqual(['abc-1/Data.zip!/inner.txt', 'abcImage.txt']);
    expect(await text(await items[0]!.open!(never))).toBe('zipped');
    expect(await text(await items[1]!.open!(never))).toBe('a');
  });

  it('leaves out what is behind a slash when it is not to be recursive', async () => {
    const { endpoint } = await mediaBucket({ 'a/b/c.txt': '1', 'a/x.txt': '2', 'a/b.txt': '3' });
    const { items, outcomes } = await listBucket(endpoint, 'a/', { recursive: false });
    expect(items.map(({ uri }) => uri)).toEqual(['b.txt', 'x.txt']);
    expect(codes(outcomes)).toEqual(['b/ EXCLUDED']);
  });

  it('matches patterns against keys relative to the folder of the prefix', async () => {
    const { endpoint } = await mediaBucket({
      'p/a/1.txt': '1',
      'p/a/2.md': '2',
      'p/skip/3.txt': '3',
      'p/skip/deep/4.txt': '4',
    });
    const { items, outcomes } = await listBucket(endpoint, 'p/', { include: ['*.txt'], exclude: ['/skip/'] });
    expect(items.map(({ uri }) => uri)).toEqual(['a/1.txt']);
    expect(codes(outcomes)).toEqual(['a/2.md EXCLUDED', 'skip/ EXCLUDED']);
  });

  it('says once of a folder of junk that it is left out', async () => {
    const { endpoint } = await mediaBucket({
      '__MACOSX/._a.txt': '1',
      '__MACOSX/b/._c.txt': '2',
      'a.txt': '3',
      'b/.DS_Store': '4',
    });
    const { items, outcomes } = await listBucket(endpoint, '');
    expect(items.map(({ uri }) => uri)).toEqual(['a.txt']);
    expect(codes(outcomes)).toEqual(['__MACOSX/ JUNK_FILE', 'b/.DS_Store JUNK_FILE']);
  });

  it('takes keys as they stand, whatever characters they have', async () => {
    const keys = [
      '%41.txt',
      'a+b c.txt',
      'cafe\u0301.txt',
      'caf\u00e9.txt',
      'x.zip!/y.txt',
      'n#L12',
      'a-1%41+ü.txt',
    ];
    const { endpoint } = await mediaBucket(Object.fromEntries(keys.map((key) => [`odd/${key}`, key])));
    const { items, outcomes } = await listBucket(endpoint, 'odd/');
    expect(outcomes).toEqual([]);
    const read = await Promise.all(
      items.map(async (item) => [item.uri, await text(await item.open!(never))]),
    );
    expect(Object.fromEntries(read)).toEqual({
      '%41.txt': '%41.txt',
      'a+b c.txt': 'a+b c.txt',
      'cafe\u0301.txt': 'cafe\u0301.txt',
      'caf\u00e9.txt': 'caf\u00e9.txt',
      './x.zip%21/y.txt': 'x.zip!/y.txt',
      './n%23L12': 'n#L12',
      'a-1%41+ü.txt': 'a-1%41+ü.txt',
    });
    expect(new Set(items.map(({ id }) => id)).size).toBe(keys.length);
  });

  it('takes names that look like paths for names, each with a uri of its own', async () => {
    const { endpoint } = await mediaBucket({ '1': 'a', '2': 'b', '3': 'c', '4': 'd' });
    const proxy = await s3FaultProxy(endpoint);
    const names: Record<string, string> = { '1': '../up.txt', '2': './x%23', '3': '/root', '4': 'a//b' };
    proxy.faults.push((request) =>
      isListing(request)
        ? {
            edit: (body) => body.replace(/<Key>(.)<\/Key>/g, (_, key: string) => `<Key>${names[key]}</Key>`),
          }
        : undefined,
    );
    const { items, proof } = await listBucket(proxy.endpoint, '');
    expect(items.map(({ uri }) => uri)).toEqual(['../up.txt', './%2E/x%2523', '/root', 'a//b']);
    expect(proof).toMatchObject({ complete: true, evidence: expect.stringContaining('4 objects') });
  });

  it('passes over the marker of a folder, and lists an empty object', async () => {
    const { endpoint } = await mediaBucket({ 'in/': '', 'in/empty/': '', 'in/nothing.txt': '' });
    const { all } = await listBucket(endpoint, 'in/');
    expect(all).toMatchObject([{ uri: 'nothing.txt', size: 0 }]);
  });

  it('skips an archive inside an archive with an outcome, and says of a broken one that it cannot be opened', async () => {
    const inner = await zipOf([{ name: 'deep.txt', data: 'deep' }]);
    const { endpoint } = await mediaBucket({
      'outer.zip': await zipOf([
        { name: 'inner.zip', data: inner },
        { name: 'a.txt', data: 'a' },
      ]),
      'broken.zip': Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(1000, 7)]),
      'no.zip': 'a text after all',
    });
    const { items, outcomes } = await listBucket(endpoint, '');
    expect(items.map(({ uri }) => uri)).toEqual(['no.zip', 'outer.zip!/a.txt']);
    expect(codes(outcomes)).toEqual(['broken.zip ARCHIVE_UNREADABLE', 'outer.zip!/inner.zip NESTED_ARCHIVE']);
  });

  it('fetches of an archive only its directory and the entries that are taken', async () => {
    const entries = Array.from({ length: 100 }, (_, i) => ({
      name: `${i}.txt`,
      data: randomBytes(100_000),
      method: 0,
    }));
    const { endpoint } = await mediaBucket({ 'x.zip': await zipOf(entries) });
    for (const address of ['', 'x.zip']) {
      const proxy = await s3FaultProxy(endpoint);
      const { items, outcomes } = await listBucket(proxy.endpoint, address, { include: ['42.txt'] });
      expect(outcomes).toHaveLength(99);
      expect(await buffer(await items[0]!.open!(never))).toEqual(entries[42]!.data);
      expect(proxy.sent()).toBeLessThan(1_000_000);
    }
  });

  it('never lists the store that lies in the bucket', async () => {
    const { endpoint } = await mediaBucket({
      'a.txt': '1',
      'store/blobs/00/x': '2',
      'store/y': '3',
      'stores.txt': '4',
    });
    const { items, outcomes } = await listBucket(endpoint, '', {}, testContext(), ['s3://media/store']);
    expect(items.map(({ uri }) => uri)).toEqual(['a.txt', 'stores.txt']);
    expect(codes(outcomes)).toEqual(['store/ EXCLUDED']);
    await expect(
      listBucket(endpoint, 'store/blobs/', {}, testContext(), ['s3://media/store']),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(listBucket(endpoint, '', {}, testContext(), ['s3://media'])).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('lists no store that lies in the bucket, whosoever it is, also when it begins again', async () => {
    const { endpoint } = await mediaBucket({
      'a/db/1.txt': '1',
      'of/store/blobs/00/x.txt': '2',
      'of/store/db/x.txt': '3',
      'of/store/sluice-store.json': '{}',
      'of/store/versions/x.txt': '4',
      'of/stores.txt': '5',
    });
    const { items, outcomes } = await listBucket(endpoint, '');
    expect(items.map(({ uri }) => uri)).toEqual(['a/db/1.txt', 'of/stores.txt']);
    expect(codes(outcomes)).toEqual(['of/store/ EXCLUDED']);
    const loader = await s3.open('s3://media/', s3.options.parse({ endpoint }));
    const positions: (string | undefined)[] = [];
    for await (const _ of loader.list(testContext())) positions.push(loader.position!());
    expect([...positions, loader.position!()]).toEqual([
      undefined,
      'a/db/1.txt',
      'a/db/1.txt',
      'of/stores.txt',
    ]);
    await expect(listBucket(endpoint, 'of/store/')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('needs nothing beside the media, which may be all that a policy allows', async () => {
    const proxy = await s3FaultProxy((await mediaBucket({ 'in/1.txt': '1', 'in/db/2.txt': '2' })).endpoint);
    proxy.faults.push(({ method }) =>
      method === 'HEAD' ? { error: { status: 403, code: 'AccessDenied' } } : undefined,
    );
    const { items } = await listBucket(proxy.endpoint, 'in/');
    expect(items.map(({ uri }) => uri)).toEqual(['1.txt', 'db/2.txt']);
  });

  it('begins behind the place where an earlier listing had everything', async () => {
    const { endpoint } = await mediaBucket({ 'a.txt': '1', 'b.txt': '2', 'c.txt': '3' });
    const open = () => s3.open('s3://media/', s3.options.parse({ endpoint }));
    const earlier = await open();
    const listing = earlier.list(testContext());
    await listing.next();
    expect(earlier.position!()).toBeUndefined();
    await listing.next();
    expect(earlier.position!()).toBe('a.txt');
    await listing.return({ complete: false, reason: 'stopped' });
    const later = await open();
    later.startAt!('a.txt');
    const uris: string[] = [];
    for await (const { uri } of later.list(testContext())) uris.push(uri);
    expect(uris).toEqual(['b.txt', 'c.txt']);
  });

  it('says what cannot be opened before anything is listed', async () => {
    const { endpoint } = await mediaBucket({ 'photos/1.txt': '1' });
    await expect(listBucket(endpoint, 'foto')).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('no object of the bucket media has a key that begins with "foto"'),
    });
    await expect(listSource(s3, 's3://nosuch/', { endpoint })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
    await expect(listSource(s3, 's3://x', { endpoint })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(s3.options.safeParse({ endpoint: 'http://user:pass@localhost' }).success).toBe(false);
  });
});

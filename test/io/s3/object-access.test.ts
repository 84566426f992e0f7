import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { ZipArchive } from '../../../src/io/zip/archive.ts';
import { openEntry } from '../../../src/io/zip/entry-stream.ts';
import type { RandomAccess } from '../../../src/io/zip/random-access.ts';
import { randomFrom } from '../../support/random.ts';
import { first, isGet, s3FaultProxy, slowDown } from '../../support/s3-fault-proxy.ts';
import { never, s3Reader } from '../../support/s3-reader.ts';
import { missingVersityGw, versityGw } from '../../support/versitygw.ts';
import { writeZip, type ZipSpec } from '../../support/zip-writer.ts';

const missing = missingVersityGw();

/** A file that is put into a bucket as it is, read through a proxy. */
async function inBucket(write: (path: string) => void) {
  const gw = await versityGw();
  await gw.makeBucket('big');
  write(join(gw.folder, 'big', 'a.bin'));
  const proxy = await s3FaultProxy(gw.endpoint);
  const reader = await s3Reader({ endpoint: proxy.endpoint });
  const object = { bucket: 'big', ...(await reader.head({ bucket: 'big', key: 'a.bin' })) };
  return { gw, proxy, reader, object, access: reader.access(object) };
}

async function entryOf(archive: ZipArchive, source: RandomAccess, name: string): Promise<Buffer> {
  const entry = await archive.find(name);
  return buffer(openEntry(source, entry!, { signal: never }));
}

describe.skipIf(missing !== undefined)(`an object that is read by ranges ${missing ?? ''}`, () => {
  it('has the same bytes at every place as the file', async () => {
    const content = randomBytes(3_000_000);
    const { access, proxy } = await inBucket((path) => writeFileSync(path, content));
    const random = randomFrom(3);
    const reads = Array.from({ length: 200 }, async () => {
      const start = Math.floor(random() * content.length);
      const length = Math.min(content.length - start, Math.floor(random() * 200_000));
      const bytes = await access.read(start, length);
      expect(bytes.equals(content.subarray(start, start + length))).toBe(true);
    });
    await Promise.all(reads);
    const streamed = await buffer(access.stream(1_000, 2_999_000));
    expect(streamed.equals(content.subarray(1_000, 2_999_000))).toBe(true);
    expect(await access.changed()).toBe(false);
    await expect(access.read(2_999_999, 2)).rejects.toMatchObject({
      code: 'INPUT_READ_FAILED',
      message: 's3://big/a.bin ends before byte 3000001',
    });
    const before = proxy.requests.length;
    expect(await access.read(5, 0)).toHaveLength(0);
    expect(await buffer(access.stream(5, 5))).toHaveLength(0);
    expect(proxy.requests).toHaveLength(before);
  });

  it('gives three entries of a 10 GB archive for a few megabytes', async () => {
    const wanted = ['images/0.bin', 'images/5000.bin', 'images/9999.bin'];
    const contents = new Map(wanted.map((name) => [name, randomBytes(100_000)]));
    const specs: ZipSpec[] = Array.from({ length: 10_000 }, (_, index) => {
      const name = `images/${index}.bin`;
      const data = contents.get(name);
      return data === undefined ? { name, hole: 1_000_000 } : { name, data };
    });
    const { proxy, object, access } = await inBucket((path) => writeZip(path, specs, { zip64: true }));
    expect(object.size).toBeGreaterThan(9_900_000_000);
    const archive = await ZipArchive.open(access, { maxEntries: 100_000 });
    expect(archive.entryCount).toBe(10_000);
    let listed = 0;
    for await (const { name } of archive.entries()) listed += name === '' ? 0 : 1;
    expect(listed).toBe(10_000);
    for (const [name, data] of contents)
      expect((await entryOf(archive, access, name)).equals(data)).toBe(true);
    expect(proxy.sent()).toBeLessThan(3_000_000);
    expect(proxy.requests.length).toBeLessThan(15);
  });

  it('is read ahead for who reads one entry after the other', async () => {
    const data = randomBytes(5_000);
    const specs = Array.from({ length: 2_000 }, (_, index) => ({ name: `${index}.bin`, data, method: 0 }));
    const { proxy, access, object } = await inBucket((path) => writeZip(path, specs));
    const archive = await ZipArchive.open(access, { maxEntries: 100_000 });
    for await (const entry of archive.entries())
      expect((await buffer(openEntry(access, entry, { signal: never }))).equals(data)).toBe(true);
    expect(proxy.requests.length).toBeLessThan(20);
    expect(proxy.sent()).toBeLessThan(1.2 * object.size);
  });

  it('survives throttling and broken answers, and is never mixed with what came later', async () => {
    const content = randomBytes(1_000_000);
    const { gw, proxy, reader } = await inBucket((path) => writeFileSync(path, content));
    // Files that are put beside the server have no ETag.
    await gw.put('big', 'a.bin', content);
    const access = reader.access({
      bucket: 'big',
      ...(await reader.head({ bucket: 'big', key: 'a.bin' })),
    });
    proxy.faults.push(first(1, isGet, slowDown), first(2, isGet, { resetAfter: 10_000 }));
    expect((await access.read(0, 500_000)).equals(content.subarray(0, 500_000))).toBe(true);
    await gw.put('big', 'a.bin', randomBytes(1_000_000));
    // What was read before is of the old content as a whole.
    expect((await access.read(0, 500_000)).equals(content.subarray(0, 500_000))).toBe(true);
    for (const attempt of [() => access.read(600_000, 10), () => buffer(access.stream(600_000, 700_000))])
      await expect(attempt()).rejects.toMatchObject({ code: 'INPUT_CHANGED_WHILE_READ' });
    expect(await access.changed()).toBe(true);
  });
});

import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { S3Object, S3Options, S3Timing } from '../../../src/io/s3/options.ts';
import { openS3, type S3Reader } from '../../../src/io/s3/reader.ts';
import { missingVersityGw, versityGw } from '../../support/versitygw.ts';

const missing = missingVersityGw();
const never = new AbortController().signal;

async function reader(options: S3Options, timing: S3Timing = {}): Promise<S3Reader> {
  const opened = await openS3(options, timing);
  onTestFinished(() => opened.close());
  return opened;
}

async function objectsOf(s3: S3Reader, bucket: string, prefix = ''): Promise<S3Object[]> {
  const found: S3Object[] = [];
  for await (const { objects } of s3.list(bucket, { prefix }, never)) found.push(...objects);
  return found;
}

const ODD_KEYS = [
  'plain.txt',
  'a-1%41+ü.jpg',
  'a%2Fb',
  'plus+and space .txt',
  'u\u0308-nfd.txt',
  'ü-nfc.txt',
  'emoji-😀.txt',
  'ff-ﬀ.txt',
  'quote\'"&<>.txt',
  'question?hash#.txt',
  'dir/inner.txt',
  'dir-1/other.txt',
  'dir.txt',
  'empty.txt',
];

describe.skipIf(missing !== undefined)(`an S3 bucket ${missing ?? ''}`, () => {
  it('lists and reads every key, however it is written', async () => {
    const gw = await versityGw();
    await gw.makeBucket('odd-keys');
    for (const key of ODD_KEYS) await gw.put('odd-keys', key, key === 'empty.txt' ? '' : `content of ${key}`);
    const s3 = await reader({ endpoint: gw.endpoint });
    const objects = await objectsOf(s3, 'odd-keys');
    expect(objects.map(({ key }) => key).sort()).toEqual([...ODD_KEYS].sort());
    for (const object of objects) {
      const bytes = await buffer(await s3.open({ bucket: 'odd-keys', ...object }, never));
      expect(bytes.toString()).toBe(object.key === 'empty.txt' ? '' : `content of ${object.key}`);
    }
  });
});

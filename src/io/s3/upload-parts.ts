import { createReadStream } from 'node:fs';
import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ObjectName } from './options.ts';

/** S3 takes parts from 5 MiB on, and 10 000 of them. */
const PART_BYTES = 8_000_000;
const MAX_PARTS = 10_000;
/** Parts of one file on their way at once. */
const PARTS_AT_ONCE = 2;

/** Uploads a file of this machine in parts; nothing is left of one that failed. */
export async function uploadInParts(
  client: S3Client,
  { bucket, key }: ObjectName,
  path: string,
  bytes: number,
): Promise<void> {
  const upload = new Upload({
    client,
    params: { Bucket: bucket, Key: key, Body: createReadStream(path) },
    partSize: Math.max(PART_BYTES, Math.ceil(bytes / MAX_PARTS)),
    queueSize: PARTS_AT_ONCE,
  });
  await upload.done();
}

import { onTestFinished } from 'vitest';
import type { S3Object, S3Options, S3Timing } from '../../src/io/s3/options.ts';
import { openS3, type S3Reader } from '../../src/io/s3/reader.ts';

export const never = new AbortController().signal;

/** A reader that is closed when the test ends, and tries again at once. */
export async function s3Reader(options: S3Options, timing: S3Timing = {}): Promise<S3Reader> {
  const reader = await openS3(options, { retryBaseMs: 1, ...timing });
  onTestFinished(() => reader.close());
  return reader;
}

export async function listAll(
  reader: S3Reader,
  bucket: string,
  options: { prefix?: string; startAfter?: string } = {},
): Promise<S3Object[]> {
  const found: S3Object[] = [];
  for await (const { objects } of reader.list(bucket, { prefix: '', ...options }, never))
    found.push(...objects);
  return found;
}

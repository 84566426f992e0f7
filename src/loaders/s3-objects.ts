import { posix } from 'node:path';
import { percentDecoded } from '../io/redact.ts';
import { isS3 } from '../io/s3/address.ts';
import { FatalError, RejectedItemError, SluiceError } from '../model/errors.ts';
import type { Refusal, ResolvedFile } from './manifest-input.ts';
import { type BucketSource, bytesOf, parsePrefix } from './s3-bucket.ts';

/** An object that a cell may mean. */
interface Candidate {
  bucket: string;
  key: string;
}

/**
 * Finds objects that a file of rows in a bucket names: by a key relative to `base`, the folder of that file, or by
 * `s3://bucket/key`.
 *
 * A relative key stays in the folder of the source, and an address in its bucket, unless `allowOutside`. The key as it
 * stands is tried first, then what else it may mean in a file system; one with `..` is never asked for as it stands, for
 * servers over a file system follow it. `onFound` is told of each object of the bucket.
 */
export function bucketObjects(
  source: BucketSource,
  base: string,
  options: { allowOutside: boolean; onFound?: (key: string) => void },
): (path: string) => Promise<ResolvedFile | Refusal> {
  return async (path) => {
    const candidates = candidatesOf(path, source, base);
    const inside = options.allowOutside
      ? candidates
      : candidates.filter((each) => isInside(each, path, source));
    if (inside.length === 0) return outside;
    for (const { bucket, key } of inside) {
      const found = await look({ ...source, bucket }, key);
      if (found === undefined) continue;
      if (bucket === source.bucket) options.onFound?.(key);
      return found;
    }
    return { code: 'INPUT_NOT_FOUND', message: 'the bucket has no such object' };
  };
}

function candidatesOf(path: string, { bucket }: BucketSource, base: string): Candidate[] {
  if (isS3(path)) {
    try {
      const { bucket: named, prefix: key } = parsePrefix(path);
      return [{ bucket: named, key }];
    } catch (error) {
      if (error instanceof FatalError) return [];
      throw error;
    }
  }
  const slashed = path.replaceAll('\\', '/');
  const keys = [slashed, percentDecoded(slashed)].flatMap((each) => {
    // From the root of the bucket, as a path from the root of a disk.
    const key = posix.normalize(each.startsWith('/') ? each.slice(1) : `${base}${each}`);
    return [key, key.normalize('NFC'), key.normalize('NFD')];
  });
  const literal = leadsUp(path) ? [] : [`${base}${path}`];
  return [...new Set([...literal, ...keys])].map((key) => ({ bucket, key }));
}

function isInside({ bucket, key }: Candidate, path: string, source: BucketSource): boolean {
  return !leadsUp(key) && bucket === source.bucket && (isS3(path) || key.startsWith(source.folder));
}

const leadsUp = (path: string): boolean => path.split('/').some((part) => part === '..' || part === '.');

const outside: Refusal = {
  code: 'PATH_OUTSIDE_BASE',
  message:
    'the path leads out of the source; --allow-outside also takes objects of its other folders and of other buckets',
};

/** undefined when nothing is there. */
async function look(source: BucketSource, key: string): Promise<ResolvedFile | Refusal | undefined> {
  const { reader, bucket } = source;
  if (key === '' || key.endsWith('/')) return undefined;
  try {
    return bytesOf(source, await reader.head({ bucket, key }));
  } catch (error) {
    if (error instanceof FatalError || !(error instanceof SluiceError)) throw error;
    if (error instanceof RejectedItemError && error.code === 'INPUT_NOT_FOUND') return undefined;
    const { code, message } = error;
    return { code, message };
  }
}

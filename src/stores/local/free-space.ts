import { statfs } from 'node:fs/promises';
import { isS3 } from '../../io/s3/address.ts';
import { FatalError } from '../../model/errors.ts';

/** Room for the table commit, the ledger and the report after the last blob. */
export const RESERVE_BYTES = 64_000_000;

/** Throws FatalError STORE_FULL when fewer than `reserve` bytes are free on the disk of `path`. */
export async function assertFreeSpace(path: string, reserve: number): Promise<void> {
  // A bucket has no end.
  if (isS3(path)) return;
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free < reserve) {
    throw new FatalError(
      'STORE_FULL',
      `the disk of ${path} has ${megabytes(free)} MB free; the store keeps ${megabytes(reserve)} MB in reserve`,
      { measured: free, limit: reserve },
    );
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../../io/atomic.ts';
import { writeFailure } from '../../../io/disk-errors.ts';
import type { StorePaths } from '../layout.ts';

/**
 * The parts of a store's index. It has a database and a lock of its own, so that the writer of inputs and the writer
 * of vectors neither touch one table nor wait for each other.
 */
export interface IndexPaths {
  /** LanceDB tables: one of vectors for each fingerprint, and one of failures. */
  db: string;
  state: string;
  /** Held by who writes vectors. */
  lock: string;
  /** Held for the moment in which the state is replaced. */
  stateLock: string;
}

export const indexPaths = ({ index }: Pick<StorePaths, 'index'>): IndexPaths => ({
  db: join(index, 'db'),
  state: join(index, 'state.json'),
  lock: join(index, 'lock'),
  stateLock: join(index, 'state-lock'),
});

/** Throws FatalError STORE_FULL or STORE_WRITE_FAILED. */
export async function makeIndexFolders(paths: StorePaths): Promise<IndexPaths> {
  const parts = indexPaths(paths);
  try {
    for (const folder of [parts.db, parts.lock, parts.stateLock]) await mkdir(folder, { recursive: true });
    await syncFolder(paths.root);
  } catch (error) {
    throw writeFailure(error, paths.index);
  }
  return parts;
}

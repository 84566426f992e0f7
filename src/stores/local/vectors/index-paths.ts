import { joinPlace } from '../../../io/place.ts';
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
  db: joinPlace(index, 'db'),
  state: joinPlace(index, 'state.json'),
  lock: joinPlace(index, 'lock'),
  stateLock: joinPlace(index, 'state-lock'),
});

/** Throws FatalError STORE_FULL or STORE_WRITE_FAILED. */
export async function makeIndexFolders(paths: StorePaths): Promise<IndexPaths> {
  const parts = indexPaths(paths);
  await paths.files.makeFolders([parts.db, parts.lock, parts.stateLock]);
  await paths.files.sync([paths.root]);
  return parts;
}

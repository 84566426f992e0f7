import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, writeFailure } from './disk-errors.ts';

/** Systems on which a folder cannot be opened or synced (Windows, some network file systems). */
const NO_FOLDER_SYNC = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF']);

/**
 * Writes a file that is there whole or not at all, also after a power cut: `x.part`, sync, rename, sync of the folder.
 *
 * Throws FatalError STORE_FULL or STORE_WRITE_FAILED and leaves no `.part` behind.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const part = `${path}.part`;
  try {
    const file = await open(part, 'w');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(part, { force: true });
    throw writeFailure(error, path);
  }
}

/** Makes renames in a folder durable, where the platform allows that. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!NO_FOLDER_SYNC.has(errnoOf(error) ?? '')) throw error;
  }
}

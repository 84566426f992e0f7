import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../io/disk-errors.ts';

export interface BlobFile {
  /** Its name; what it holds is another question. */
  sha256: string;
  path: string;
  bytes: number;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

/** Every file below `blobs/`, streamed. */
export async function* walkBlobs(blobs: string): AsyncGenerator<BlobFile> {
  for await (const folder of await opendir(blobs)) {
    if (!folder.isDirectory()) continue;
    for await (const entry of await opendir(join(blobs, folder.name))) {
      const path = join(blobs, folder.name, entry.name);
      try {
        const { size, mtimeMs } = await stat(path);
        yield { sha256: entry.name, path, bytes: size, modifiedAt: mtimeMs };
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    }
  }
}

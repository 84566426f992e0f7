import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';

/** Neither a FIFO nor a link put in place of the file after `lstat` is read; the flags do not exist on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0);

/**
 * The first `maxBytes` bytes of a regular file; undefined where there is none: nothing, a link, a directory, a FIFO
 * or device. Rejects with the system's error where it may not be read.
 */
export async function readHead(path: string | Buffer, maxBytes: number): Promise<Buffer | undefined> {
  const size = await regularSize(path);
  if (size === undefined) return undefined;
  await using file = await open(path, OPEN_FLAGS);
  const head = Buffer.alloc(Math.min(size, maxBytes));
  return head.subarray(0, await fill(file, head));
}

/** Size in bytes of the regular file at `path`; undefined where there is none. */
async function regularSize(path: string | Buffer): Promise<number | undefined> {
  try {
    const stats = await lstat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function fill(file: FileHandle, into: Buffer): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

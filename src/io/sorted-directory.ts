import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { ExternalSort, type ExternalSortOptions } from './external-sort.ts';
import { joinRaw, nativePath, type RawPath, toRaw } from './raw-path.ts';

/** Entries that one system call fetches. */
const READ_AHEAD = 1024;

export interface SortedDirectoryOptions extends ExternalSortOptions {
  /** Sort links to directories as directories. */
  followLinks: boolean;
  signal: AbortSignal;
}

/** The names of one directory, held in memory or in a spill file until `close`. */
export interface SortedDirectory {
  /** In the byte order of the paths below them: a directory is, and sorts as, `name/`. */
  names: AsyncGenerator<RawPath, void, void>;
  close(): Promise<void>;
}

/** Reads a whole directory, in memory bounded by `spillAfter`. Rejects with the system's error. */
export async function sortedDirectory(
  path: RawPath,
  options: SortedDirectoryOptions,
): Promise<SortedDirectory> {
  const sort = new ExternalSort(options);
  try {
    const directory = await opendir(nativePath(path), {
      // Node's types know no `buffer` here; its documentation and opendir do.
      encoding: 'buffer' as BufferEncoding,
      bufferSize: READ_AHEAD,
    });
    for await (const entry of directory as AsyncIterable<Dirent<Buffer>>) {
      options.signal.throwIfAborted();
      const name = toRaw(entry.name);
      sort.add((await isFolder(entry, joinRaw(path, name), options)) ? `${name}/` : name);
      if (sort.full) await sort.spill();
    }
  } catch (error) {
    await sort.close();
    throw error;
  }
  return { names: sort.sorted() as AsyncGenerator<RawPath, void, void>, close: () => sort.close() };
}

async function isFolder(
  entry: Dirent<Buffer>,
  path: RawPath,
  options: SortedDirectoryOptions,
): Promise<boolean> {
  if (entry.isDirectory()) return true;
  if (!options.followLinks || !entry.isSymbolicLink()) return false;
  try {
    return (await stat(nativePath(path))).isDirectory();
  } catch {
    return false; // a broken link: whoever looks at it says so
  }
}

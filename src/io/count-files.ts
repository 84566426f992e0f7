import { opendir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Counts what is below a folder and is no folder, without a look at any of it: the size of a listing to come, for an
 * ETA. Folders that cannot be read count nothing. Undefined when aborted.
 */
export async function countFiles(
  root: string,
  recursive: boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  let files = 0;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const entry of await opendir(folder)) {
        if (signal.aborted) return undefined;
        if (!entry.isDirectory()) files++;
        else if (recursive) folders.push(join(folder, entry.name));
      }
    } catch {
      // The listing itself says what could not be read.
    }
  }
  return files;
}

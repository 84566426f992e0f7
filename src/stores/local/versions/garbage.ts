import type { KeyTable } from '../../../io/key-table.ts';
import type { StoredFile } from '../files/store-files.ts';
import type { StorePaths } from '../layout.ts';
import { CHUNK_EXTENSION, chunksFolder, readChunk } from './chunks.ts';
import { holdsBytes } from './line.ts';
import { allManifests, readManifestFile, unfinishedManifests } from './manifest.ts';

/**
 * The chunks that versions name, by hash; the blobs that are named in them are added to `blobs`. Each chunk is read
 * once, however many versions share it.
 *
 * Throws FatalError STORE_CORRUPT when a manifest or chunk cannot be read, for what it names is not known then.
 */
export async function nameOfVersions(
  paths: StorePaths,
  blobs: KeyTable,
  signal: AbortSignal,
): Promise<Set<string>> {
  const chunks = new Set<string>();
  for await (const path of allManifests(paths)) {
    const manifest = await readManifestFile(paths, path);
    for (const { sha256 } of manifest?.chunks ?? []) {
      if (chunks.has(sha256)) continue;
      signal.throwIfAborted();
      chunks.add(sha256);
      for (const line of await readChunk(paths, sha256)) {
        if (!holdsBytes(line) && line.source === undefined) blobs.set(line.sha256);
      }
    }
  }
  return chunks;
}

/** Files in the folder of chunks that no version names; what a killed process left unfinished is among them. */
export async function* orphanChunks(
  { files, versions }: StorePaths,
  named: ReadonlySet<string>,
): AsyncGenerator<StoredFile> {
  for await (const file of files.walk(chunksFolder(versions))) {
    const isNamed =
      file.path.endsWith(CHUNK_EXTENSION) && named.has(file.name.slice(0, -CHUNK_EXTENSION.length));
    if (!isNamed) yield file;
  }
}

/** Removes the manifests that killed processes did not finish. For the holder of the store's lock. */
export async function removeUnfinished(paths: StorePaths): Promise<void> {
  for await (const path of unfinishedManifests(paths)) await paths.files.remove(path);
}

import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { errnoOf } from '../../io/disk-errors.ts';
import type { ExportResult } from '../../model/export.ts';

/** What a finished export leaves in its folder, or beside its file: what it is of, and which files are its own. */
export interface Marker {
  schema: 1;
  type: 'export';
  dataset: string;
  version: string;
  contentHash: string;
  format: string;
  files: ExportResult['files'];
}

/** In a folder; beside a file the name of the file with this ending. */
export const FOLDER_MARKER = '.sluice-export.json';
export const FILE_MARKER = '.sluice.json';

/** Undefined where there is none, or one that is not ours. */
export async function readMarker(path: string): Promise<Marker | undefined> {
  try {
    return parseMarker(await readFile(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Undefined for no text, and for one that is no marker of ours. */
export function parseMarker(text: string | undefined): Marker | undefined {
  if (text === undefined) return undefined;
  try {
    const marker = JSON.parse(text) as Partial<Marker>;
    return marker.schema === 1 && marker.type === 'export' && Array.isArray(marker.files)
      ? (marker as Marker)
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A file in the folder of an export that the export did not write. */
export async function foreignFile(folder: string, { files }: Marker): Promise<string | undefined> {
  const own = new Set([FOLDER_MARKER, ...files.map(({ path }) => path)]);
  for (const path of await filesIn(folder)) if (!own.has(path)) return path;
  return undefined;
}

/** Size of a file in bytes; undefined where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Everything in a folder that is no folder, relative to it, with `/`. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    );
}

/** Removes what an export wrote, and the folders that are then empty; whether nothing else was left. */
export async function removeOwn(folder: string, { files }: Marker): Promise<boolean> {
  const paths = [...files.map(({ path }) => path), FOLDER_MARKER];
  const folders = new Set<string>();
  for (const path of paths) {
    await rm(join(folder, path), { force: true });
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) folders.add(parent);
  }
  const deepestFirst = [...folders].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const path of [...deepestFirst, '']) {
    try {
      await rmdir(join(folder, path));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOTEMPTY' || errno === 'EEXIST') return false;
      if (errno !== 'ENOENT') throw error;
    }
  }
  return true;
}

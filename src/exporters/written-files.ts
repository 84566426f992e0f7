import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { ExportResult } from '../model/export.ts';

/** Every file of a finished export, by its path below `folder` with `/`, sorted. */
export async function writtenFiles(folder: string): Promise<ExportResult['files']> {
  const files: ExportResult['files'] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.push({ path: relative(folder, path).replaceAll(sep, '/'), bytes: (await stat(path)).size });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

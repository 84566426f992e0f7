import type { BigIntStats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import { asError } from '../model/errors.ts';
import { nativePath, type RawPath, toRaw } from './raw-path.ts';

/**
 * What becomes of a symbolic link: `files` follows those to regular files inside the root, `follow` all, wherever
 * they lead, `skip` none.
 */
export const SYMLINK_POLICIES = ['files', 'follow', 'skip'] as const;
export type SymlinkPolicy = (typeof SYMLINK_POLICIES)[number];

/** What is at a path, found without opening it. `real` is absolute and, for a followed link, where it led. */
export type Look =
  | { type: 'file'; real: RawPath; stats: BigIntStats }
  | { type: 'folder'; real: RawPath; stats: BigIntStats; viaLink: boolean }
  /** A link that is not followed, and why. */
  | { type: 'link'; why: string }
  /** Neither a regular file, a directory nor a link. */
  | { type: 'special'; what: string }
  /** It, or what a link leads to, could not be looked at: gone, or no permission. */
  | { type: 'unknown'; error: Error; viaLink: boolean };

/** Never rejects. `path` is absolute; links are judged against `root`, absolute and without links. */
export async function look(path: RawPath, root: RawPath, policy: SymlinkPolicy): Promise<Look> {
  let viaLink = false;
  try {
    const stats = await lstat(nativePath(path), { bigint: true });
    if (stats.isFile()) return { type: 'file', real: path, stats };
    if (stats.isDirectory()) return { type: 'folder', real: path, stats, viaLink };
    if (!stats.isSymbolicLink()) return { type: 'special', what: kindOf(stats) };
    viaLink = true;
    return policy === 'skip'
      ? { type: 'link', why: 'links are skipped' }
      : await lookBehind(path, root, policy);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP')
      return { type: 'link', why: 'it leads back to itself' };
    return { type: 'unknown', error: asError(error), viaLink };
  }
}

async function lookBehind(path: RawPath, root: RawPath, policy: SymlinkPolicy): Promise<Look> {
  const real = toRaw(await realpath(nativePath(path), 'buffer'));
  const stats = await stat(nativePath(real), { bigint: true });
  if (policy === 'files' && stats.isDirectory()) return { type: 'link', why: 'it leads to a folder' };
  if (policy === 'files' && !isInside(real, root)) return { type: 'link', why: 'it leads out of the source' };
  if (stats.isDirectory()) return { type: 'folder', real, stats, viaLink: true };
  return stats.isFile() ? { type: 'file', real, stats } : { type: 'special', what: kindOf(stats) };
}

/** Whether a path is `folder` or lies below it; both absolute and without links. */
export function isInside(path: RawPath, folder: RawPath): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

function kindOf(stats: BigIntStats): string {
  if (stats.isFIFO()) return 'FIFO';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() ? 'character device' : 'block device';
}

import { realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import { errnoOf } from '../io/disk-errors.ts';
import { statFingerprint } from '../io/fingerprint.ts';
import { percentDecoded } from '../io/redact.ts';
import { asError } from '../model/errors.ts';
import type { Refusal, ResolvedFile } from './manifest-input.ts';

/**
 * Finds files that a file of rows names, relative to `base`, which is absolute.
 *
 * What lies outside `base` is refused, also behind symbolic links, unless `allowOutside`. Backslashes are taken for
 * separators, composed for decomposed characters and the other way round, and `%20` for a space, where the name as it
 * stands does not exist.
 */
export function localFiles(
  base: string,
  allowOutside: boolean,
): (path: string) => Promise<ResolvedFile | Refusal> {
  let realBase: Promise<string> | undefined;
  return async (path) => {
    realBase ??= realpath(base);
    for (const spelling of spellings(path)) {
      const found = await look(resolve(base, spelling), allowOutside ? undefined : await realBase, base);
      if (found !== undefined) return found;
    }
    return { code: 'INPUT_NOT_FOUND', message: 'no such file' };
  };
}

function spellings(path: string): Set<string> {
  const slashed = path.replaceAll('\\', '/');
  const plain = percentDecoded(slashed);
  const all = [slashed, plain].flatMap((each) => [each, each.normalize('NFC'), each.normalize('NFD')]);
  return new Set([path, ...all]);
}

/** undefined when nothing is there. */
async function look(
  path: string,
  realBase: string | undefined,
  base: string,
): Promise<ResolvedFile | Refusal | undefined> {
  // By its name first, so that nothing outside is even looked at.
  if (realBase !== undefined && !isInside(path, base) && !isInside(path, realBase)) return outside;
  try {
    const real = await realpath(path);
    if (realBase !== undefined && !isInside(real, realBase)) return outside;
    const stats = await stat(real, { bigint: true });
    if (!stats.isFile()) {
      const what = stats.isDirectory() ? 'a folder' : 'no regular file';
      return { code: 'NOT_A_REGULAR_FILE', message: `the path leads to ${what}` };
    }
    return {
      file: real,
      size: Number(stats.size),
      fingerprint: statFingerprint(stats),
      fileName: basename(path),
    };
  } catch (error) {
    return refusalOf(error);
  }
}

const outside: Refusal = {
  code: 'PATH_OUTSIDE_BASE',
  message: 'the path leads out of the folder of the file that names it',
};

function refusalOf(error: unknown): Refusal | undefined {
  switch (errnoOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return undefined;
    case 'ENAMETOOLONG':
      return {
        code: 'INPUT_NOT_FOUND',
        message: 'no such file: the name is longer than the file system allows',
      };
    case 'ERR_INVALID_ARG_VALUE':
      return { code: 'INPUT_INVALID_ARGUMENT', message: 'no path: it holds a NUL character' };
    case 'EACCES':
    case 'EPERM':
      return { code: 'INPUT_PERMISSION_DENIED', message: 'the file may not be looked at' };
    default:
      return { code: 'INPUT_READ_FAILED', message: asError(error).message };
  }
}

function isInside(path: string, folder: string): boolean {
  const from = relative(folder, path);
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from);
}

import picomatch from 'picomatch';
import { z } from 'zod';

const glob = z
  .string()
  .max(1000)
  .refine((pattern) => !pattern.startsWith('!'), 'a pattern cannot start with !: use the opposite option')
  .refine((pattern) => bareOf(pattern) !== '', 'a pattern must name something');

/** Options of every loader whose items have paths. */
export const globOptions = {
  include: z
    .array(glob)
    .default([])
    .describe(
      'Only files that match one of these patterns, such as *.jpg or train/**; case matters; repeatable',
    ),
  exclude: z
    .array(glob)
    .default([])
    .describe('No files or folders that match one of these patterns; stronger than include; repeatable'),
};

export interface GlobOptions {
  include: string[];
  exclude: string[];
}

interface Glob {
  readonly pattern: string;
  matches(path: string, isFolder: boolean): boolean;
}

/**
 * The include and exclude patterns of a listing: picomatch's syntax over paths relative to the source with `/`,
 * hidden names included, case-sensitive on every system, NFC and NFD alike.
 *
 * As in a .gitignore, a pattern without a slash matches a name at any depth, one that starts with `/` is anchored to
 * the source, and one that ends with `/` matches folders only.
 */
export class Globs {
  readonly #include: readonly Glob[];
  readonly #exclude: readonly Glob[];

  constructor({ include, exclude }: GlobOptions) {
    this.#include = include.map(compile);
    this.#exclude = exclude.map(compile);
  }

  /** Why a file is left out, naming the pattern; undefined when it is not. */
  fileExcluded(path: string): string | undefined {
    const name = path.normalize('NFC');
    const hit = this.#exclude.find((glob) => glob.matches(name, false));
    if (hit !== undefined) return `matches --exclude ${hit.pattern}`;
    if (this.#include.length === 0 || this.#include.some((glob) => glob.matches(name, false)))
      return undefined;
    return `matches no --include: ${this.#include.map((glob) => glob.pattern).join(', ')}`;
  }

  /** Why a folder or an archive is left out with all in it; undefined when it is not. */
  containerExcluded(path: string): string | undefined {
    const name = path.normalize('NFC');
    const hit = this.#exclude.find((glob) => glob.matches(name, true));
    return hit === undefined ? undefined : `matches --exclude ${hit.pattern}`;
  }
}

function compile(pattern: string): Glob {
  const foldersOnly = pattern.endsWith('/');
  const anchored = /^\.?\//.test(pattern);
  const bare = bareOf(pattern);
  const anyDepth = !anchored && !bare.includes('/');
  // The flag lets ** cross a newline in a name.
  const isMatch = picomatch(bare, { dot: true, windows: false, flags: 's' });
  return {
    pattern,
    matches: (path, isFolder) =>
      (isFolder || !foldersOnly) && isMatch(anyDepth ? path.slice(path.lastIndexOf('/') + 1) : path),
  };
}

/** A pattern without the slashes that say where and what it matches. */
function bareOf(pattern: string): string {
  return pattern
    .replace(/^\.?\//, '')
    .replace(/\/+$/, '')
    .normalize('NFC');
}

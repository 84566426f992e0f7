import { lstat } from 'node:fs/promises';
import { isInside } from '../io/look.ts';
import { joinRaw, nativePath, type RawPath, rawText } from '../io/raw-path.ts';
import { type GlobOptions, Globs } from './globs.ts';
import { junkRule } from './junk.ts';

/** The file that every store has at its root. */
const STORE_MARKER = 'sluice-store.json' as RawPath;

/** Why something is left out of a listing. */
export interface Skip {
  code: 'EXCLUDED' | 'JUNK_FILE';
  message: string;
}

export interface FolderRuleOptions extends GlobOptions {
  recursive: boolean;
}

/** What a listing leaves out by its path: stores, junk, and what the patterns exclude. */
export class FolderRules {
  readonly #globs: Globs;
  readonly #recursive: boolean;
  readonly #stores: readonly RawPath[];

  /** `stores` are absolute and without links. */
  constructor(options: FolderRuleOptions, stores: readonly RawPath[]) {
    this.#globs = new Globs(options);
    this.#recursive = options.recursive;
    this.#stores = stores;
  }

  /** Why a folder is left out with all below it. `path` is relative to the source, `real` absolute. */
  async folder(path: RawPath, real: RawPath): Promise<Skip | undefined> {
    if (path === '') return undefined;
    const skip = this.#byName(rawText(path), 'folder');
    if (skip !== undefined) return skip;
    if (!this.#recursive)
      return { code: 'EXCLUDED', message: 'a subfolder, and the listing is not recursive' };
    return this.#inStore(real) ?? ((await isStore(real)) ? inStore(path) : undefined);
  }

  /** Why a file is left out; `real` is unknown of what is not a file after all. */
  file(path: RawPath, real?: RawPath): Skip | undefined {
    return this.#byName(rawText(path), 'file') ?? (real === undefined ? undefined : this.#inStore(real));
  }

  /** Why an archive is left out with all in it: to be included is a matter of its entries. */
  archive(path: RawPath, real: RawPath): Skip | undefined {
    return this.#byName(rawText(path), 'archive') ?? this.#inStore(real);
  }

  /** Why an entry of an archive is left out, from the archive's path and the entry's name in it. */
  archiveEntry(archive: RawPath, name: string): string | undefined {
    return this.#globs.fileExcluded(`${rawText(archive)}!/${name}`);
  }

  #byName(path: string, what: 'folder' | 'archive' | 'file'): Skip | undefined {
    const junk = junkRule(what === 'folder' ? `${path}/` : path);
    if (junk !== undefined) return { code: 'JUNK_FILE', message: `the rule ${junk} leaves it out` };
    const why = what === 'file' ? this.#globs.fileExcluded(path) : this.#globs.containerExcluded(path);
    return why === undefined ? undefined : { code: 'EXCLUDED', message: why };
  }

  #inStore(real: RawPath): Skip | undefined {
    const store = this.#stores.find((folder) => isInside(real, folder));
    return store === undefined ? undefined : inStore(store);
  }
}

/** Whether a folder, absolute, is the root of a store. */
export async function isStore(folder: RawPath): Promise<boolean> {
  try {
    return (await lstat(nativePath(joinRaw(folder, STORE_MARKER)))).isFile();
  } catch {
    return false;
  }
}

const inStore = (store: RawPath): Skip => ({
  code: 'EXCLUDED',
  message: `${rawText(store)} is a sluice store, which is no source`,
});

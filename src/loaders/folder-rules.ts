import { lstat } from 'node:fs/promises';
import { isInside } from '../io/look.ts';
import { joinRaw, nativePath, type RawPath, rawText } from '../io/raw-path.ts';
import type { GlobOptions } from './globs.ts';
import { EXPORT_MARKER, inStore, PathRules, type Skip, STORE_MARKER } from './path-rules.ts';

/** The file that every store has at its root. */

export interface FolderRuleOptions extends GlobOptions {
  recursive: boolean;
}

/** What a listing leaves out by its path: stores, junk, and what the patterns exclude. */
export class FolderRules {
  readonly #names: PathRules;
  readonly #recursive: boolean;
  readonly #stores: readonly RawPath[];

  /** `stores` are absolute and without links; `isExport`: the source is the folder of an export. */
  constructor(options: FolderRuleOptions, stores: readonly RawPath[], isExport: boolean) {
    this.#names = new PathRules(options, isExport);
    this.#recursive = options.recursive;
    this.#stores = stores;
  }

  /** Why a folder is left out with all below it. `path` is relative to the source, `real` absolute. */
  async folder(path: RawPath, real: RawPath): Promise<Skip | undefined> {
    if (path === '') return undefined;
    const skip = this.#names.skip(rawText(path), 'folder');
    if (skip !== undefined) return skip;
    if (!this.#recursive)
      return { code: 'EXCLUDED', message: 'a subfolder, and the listing is not recursive' };
    return this.#inStore(real) ?? ((await isStore(real)) ? inStore(rawText(path)) : undefined);
  }

  /** Why a file is left out; `real` is unknown of what is not a file after all. */
  file(path: RawPath, real?: RawPath): Skip | undefined {
    return this.#names.skip(rawText(path), 'file') ?? (real === undefined ? undefined : this.#inStore(real));
  }

  /** Why an archive is left out with all in it: to be included is a matter of its entries. */
  archive(path: RawPath, real: RawPath): Skip | undefined {
    return this.#names.skip(rawText(path), 'archive') ?? this.#inStore(real);
  }

  /** Why an entry of an archive is left out, from the archive's path and the entry's name in it. */
  archiveEntry(archive: RawPath, name: string): string | undefined {
    return this.#names.archiveEntry(rawText(archive), name);
  }

  #inStore(real: RawPath): Skip | undefined {
    const store = this.#stores.find((folder) => isInside(real, folder));
    return store === undefined ? undefined : inStore(rawText(store));
  }
}

/** Whether a folder, absolute, is the root of a store. */
export const isStore = (folder: RawPath): Promise<boolean> => hasFile(folder, STORE_MARKER as RawPath);

/** Whether a folder, absolute, is an export of ours. */
export const isExport = (folder: RawPath): Promise<boolean> => hasFile(folder, EXPORT_MARKER as RawPath);

async function hasFile(folder: RawPath, name: RawPath): Promise<boolean> {
  try {
    return (await lstat(nativePath(joinRaw(folder, name)))).isFile();
  } catch {
    return false;
  }
}

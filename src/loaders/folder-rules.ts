import { lstat } from 'node:fs/promises';
import { isInside } from '../io/look.ts';
import { joinRaw, nativePath, type RawPath, rawText } from '../io/raw-path.ts';
import { type GlobOptions, Globs } from './globs.ts';
import { junkRule } from './junk.ts';

/** The file that every store has at its root. */
const STORE_MARKER = 'sluice-store.json' as RawPath;

/** What an export of ours has at its root beside its media (src/pipeline/export/companions.ts). */
const EXPORT_MARKER = '.sluice-export.json' as RawPath;
const OF_AN_EXPORT = /^(?:\.sluice-export\.json|README\.md|croissant\.json|\.assets(?:\/.*)?)$/;

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
  readonly #isExport: boolean;

  /** `stores` are absolute and without links; `isExport`: the source is the folder of an export. */
  constructor(options: FolderRuleOptions, stores: readonly RawPath[], isExport: boolean) {
    this.#globs = new Globs(options);
    this.#recursive = options.recursive;
    this.#stores = stores;
    this.#isExport = isExport;
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
    if (this.#isExport && OF_AN_EXPORT.test(path))
      return { code: 'JUNK_FILE', message: 'an export has it beside its inputs' };
    const why = what === 'file' ? this.#globs.fileExcluded(path) : this.#globs.containerExcluded(path);
    return why === undefined ? undefined : { code: 'EXCLUDED', message: why };
  }

  #inStore(real: RawPath): Skip | undefined {
    const store = this.#stores.find((folder) => isInside(real, folder));
    return store === undefined ? undefined : inStore(store);
  }
}

/** Whether a folder, absolute, is the root of a store. */
export const isStore = (folder: RawPath): Promise<boolean> => hasFile(folder, STORE_MARKER);

/** Whether a folder, absolute, is an export of ours. */
export const isExport = (folder: RawPath): Promise<boolean> => hasFile(folder, EXPORT_MARKER);

async function hasFile(folder: RawPath, name: RawPath): Promise<boolean> {
  try {
    return (await lstat(nativePath(joinRaw(folder, name)))).isFile();
  } catch {
    return false;
  }
}

const inStore = (store: RawPath): Skip => ({
  code: 'EXCLUDED',
  message: `${rawText(store)} is a sluice store, which is no source`,
});

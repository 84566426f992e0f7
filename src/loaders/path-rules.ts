import { type GlobOptions, Globs } from './globs.ts';
import { junkRule } from './junk.ts';

/** What an export of ours has at its root beside its media (src/pipeline/export/companions.ts). */
export const EXPORT_MARKER = '.sluice-export.json';
/** What a store has at its root (src/stores/local/layout.ts). */
export const STORE_MARKER = 'sluice-store.json';
const OF_AN_EXPORT = /^(?:\.sluice-export\.json|README\.md|croissant\.json|\.assets(?:\/.*)?)$/;

/** Why something is left out of a listing. */
export interface Skip {
  code: 'EXCLUDED' | 'JUNK_FILE';
  message: string;
}

/** What a listing leaves out by its name alone: junk, what lies beside an export, and what the patterns exclude. */
export class PathRules {
  readonly #globs: Globs;
  readonly #isExport: boolean;

  /** `isExport`: the source is the folder of an export. */
  constructor(options: GlobOptions, isExport: boolean) {
    this.#globs = new Globs(options);
    this.#isExport = isExport;
  }

  /** Why something is left out; `path` is relative to the source. To be included is a matter of what is in a folder or archive. */
  skip(path: string, what: 'folder' | 'archive' | 'file'): Skip | undefined {
    const junk = junkRule(what === 'folder' ? `${path}/` : path);
    if (junk !== undefined) return { code: 'JUNK_FILE', message: `the rule ${junk} leaves it out` };
    if (this.#isExport && OF_AN_EXPORT.test(path))
      return { code: 'JUNK_FILE', message: 'an export has it beside its inputs' };
    const why = what === 'file' ? this.#globs.fileExcluded(path) : this.#globs.containerExcluded(path);
    return why === undefined ? undefined : { code: 'EXCLUDED', message: why };
  }

  /** Why an entry of an archive is left out, from the archive's path and the entry's name in it. */
  archiveEntry(archive: string, name: string): string | undefined {
    return this.#globs.fileExcluded(`${archive}!/${name}`);
  }
}

export const inStore = (store: string): Skip => ({
  code: 'EXCLUDED',
  message: `${store} is a sluice store, which is no source`,
});

import { statFingerprint } from '../io/fingerprint.ts';
import { nativePath, type RawPath, rawBytes, rawText, rawUri, toRaw } from '../io/raw-path.ts';
import { readFailure } from '../io/read-contract.ts';
import { readHead } from '../io/small-file.ts';
import { type WalkEntry, walk } from '../io/walk.ts';
import { LocalFile } from '../io/zip/local-file.ts';
import { strongMagic } from '../media/magic.ts';
import type { Context, Listed, ListingProof, SourceItem } from '../model/contracts.ts';
import { deriveId } from '../model/ids.ts';
import type { Concept } from '../model/labels.ts';
import { outcomeOf } from '../model/outcome.ts';
import { listArchive } from './archive.ts';
import type { FolderManifest } from './folder-manifest.ts';
import type { FolderOptions } from './folder-options.ts';
import { FolderRules } from './folder-rules.ts';
import { folderLabels } from './labels.ts';
import { ListingGaps } from './listing-gaps.ts';
import { NamedFiles } from './named-files.ts';
import type { Skip } from './path-rules.ts';
import { type FoundFile, pairSidecars, type Sidecar } from './sidecar-pairing.ts';

const ARCHIVE_NAME = /\.zip$/i;
/** Enough for the signature of a ZIP. */
const SIGNATURE_BYTES = 16;

/** A folder to be listed, its paths absolute and without links. */
export interface FolderSource {
  root: string;
  stores: readonly RawPath[];
  /** Whether it is the folder of an export of ours. */
  isExport: boolean;
  manifest: FolderManifest | undefined;
}

/** One listing of a folder. */
export class FolderListing {
  readonly #source: FolderSource;
  readonly #options: FolderOptions;
  readonly #ctx: Context;
  readonly #rules: FolderRules;
  readonly #gaps = new ListingGaps();
  /** What the manifest listed already. */
  readonly #named = new NamedFiles();
  #folders = 0;
  #files = 0;
  #others = 0;

  constructor(source: FolderSource, options: FolderOptions, ctx: Context) {
    this.#source = source;
    this.#options = options;
    this.#ctx = ctx;
    this.#rules = new FolderRules(options, source.stores, source.isExport);
  }

  /** Entries met so far that are no folder. */
  get found(): number {
    return this.#files + this.#others;
  }

  async *list(): AsyncGenerator<Listed, ListingProof, void> {
    const { manifest } = this.#source;
    if (manifest !== undefined) {
      this.#gaps.addPart('manifest', yield* manifest.list(this.#named, this.#ctx));
    }
    for await (const { entry, sidecar } of this.#entries()) yield* this.#entry(entry, sidecar);
    return this.#gaps.proof(`folders read to their end: ${this.#folders}, files found: ${this.#files}`);
  }

  async *#entries(): AsyncGenerator<{ entry: WalkEntry<Skip>; sidecar?: Sidecar }, void, void> {
    const { root } = this.#source;
    const entries = walk(root, {
      symlinks: this.#options.symlinks,
      signal: this.#ctx.signal,
      prune: (path, real) => this.#rules.folder(path, real),
    });
    if (this.#options.sidecar) {
      yield* pairSidecars(toRaw(root), entries, (file) => this.#mayHaveSidecar(file));
    } else {
      for await (const entry of entries) yield { entry };
    }
  }

  #mayHaveSidecar({ path, real }: FoundFile): boolean {
    return !this.#named.has(real) && !ARCHIVE_NAME.test(path) && this.#rules.file(path, real) === undefined;
  }

  async *#entry(entry: WalkEntry<Skip>, sidecar: Sidecar | undefined): AsyncGenerator<Listed, void, void> {
    switch (entry.type) {
      case 'entered':
        this.#folders++;
        if (entry.changed)
          this.#gaps.add('folders that changed while they were listed', folderUri(entry.path));
        return;
      case 'pruned':
        yield skipped(folderUri(entry.path), entry.by);
        return;
      case 'unreadable':
        this.#gaps.add('folders that could not be read', folderUri(entry.path));
        yield outcomeOf(folderUri(entry.path), 'list', 'SOURCE_DIRECTORY_UNREADABLE', {
          message: entry.error.message,
        });
        return;
      case 'file':
        this.#files++;
        yield* this.#file(entry, sidecar);
        return;
      default:
        this.#others++;
        yield this.#noFile(entry);
    }
  }

  /** What is neither a folder nor a file. */
  #noFile(entry: Extract<WalkEntry<Skip>, { type: 'link' | 'special' | 'unknown' }>): Listed {
    const uri = rawUri(entry.path);
    const skip = this.#rules.file(entry.path);
    if (skip !== undefined) return skipped(uri, skip);
    switch (entry.type) {
      case 'link':
        return outcomeOf(uri, 'list', 'SYMLINK_SKIPPED', { message: `a symbolic link: ${entry.why}` });
      case 'special':
        return outcomeOf(uri, 'list', 'NOT_A_REGULAR_FILE', {
          message: `a ${entry.what}, which is never opened`,
        });
      case 'unknown': {
        const { code, message } = readFailure(
          entry.error,
          entry.viaLink ? `what the link ${uri} leads to` : uri,
        );
        return outcomeOf(uri, 'list', code, { message });
      }
    }
  }

  async *#file(file: FoundFile, sidecar: Sidecar | undefined): AsyncGenerator<Listed, void, void> {
    if (this.#named.has(file.real)) return;
    if (ARCHIVE_NAME.test(file.path) && (yield* this.#archive(file))) return;
    const skip = this.#rules.file(file.path, file.real);
    yield skip === undefined ? this.#item(file, sidecar) : skipped(rawUri(file.path), skip);
  }

  /** Lists what is in an archive; false when it is none, whatever its name says. */
  async *#archive({ path, real, stats }: FoundFile): AsyncGenerator<Listed, boolean, void> {
    const uri = rawUri(path);
    const skip = this.#rules.archive(path, real);
    if (skip !== undefined) {
      yield skipped(uri, skip);
      return true;
    }
    const native = nativePath(real);
    try {
      const head = await readHead(native, SIGNATURE_BYTES);
      if (head !== undefined && strongMagic(head) !== 'zip') return false;
    } catch {
      // Listing the archive says what is wrong with it.
    }
    if (typeof native !== 'string') {
      const message = `${uri}: the path of an archive must be valid UTF-8`;
      yield outcomeOf(uri, 'list', 'ARCHIVE_UNREADABLE', { message });
      return true;
    }
    const archive = { open: () => LocalFile.open(native), uri, fingerprint: statFingerprint(stats) };
    const excluded = (name: string) => this.#rules.archiveEntry(path, name);
    this.#gaps.addPart('archives', yield* listArchive(archive, { ...this.#options, excluded }, this.#ctx));
    return true;
  }

  #item(file: FoundFile, sidecar: Sidecar | undefined): Listed {
    const text = rawText(file.path);
    const uri = rawUri(file.path);
    const fileName = text.slice(text.lastIndexOf('/') + 1);
    const id = deriveId(rawBytes(file.path), fileName, this.#options.idPrefix);
    const fingerprint = statFingerprint(file.stats);
    if (sidecar !== undefined && 'error' in sidecar) {
      const { code, message } = sidecar.error;
      return outcomeOf(uri, 'list', code, { inputId: id, fingerprint, message });
    }
    const item: SourceItem = {
      id,
      uri,
      size: Number(file.stats.size),
      fingerprint,
      file: nativePath(file.real),
      fileName,
    };
    const { concepts: own, ...labels } = sidecar?.values ?? {};
    const concepts = merged(folderLabels(text, this.#options), own);
    if (concepts.length > 0) item.concepts = concepts;
    return Object.assign(item, labels);
  }
}

const folderUri = (path: RawPath): string => (path === '' ? './' : `${rawUri(path)}/`);

const skipped = (uri: string, { code, message }: Skip): Listed => outcomeOf(uri, 'list', code, { message });

/** The folder's concepts and the file's own, which win. */
function merged(labels: Concept[], own: Concept[] = []): Concept[] {
  const ids = new Set(own.map((concept) => concept.id));
  return [...labels.filter((concept) => !ids.has(concept.id)), ...own];
}

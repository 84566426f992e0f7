import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { Bitset } from '../io/bitset.ts';
import { urlFetcher } from '../io/fetch.ts';
import type { ZipArchive } from '../io/zip/archive.ts';
import { RECORD_SIZE } from '../io/zip/central-directory.ts';
import type { PlacedEntry } from '../io/zip/entry.ts';
import type { EntryProblem } from '../io/zip/guards.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import type { ArchiveEntries } from './archive-entries.ts';
import {
  listManifest,
  looksLikeManifest,
  type ManifestOptions,
  PREFACE_BYTES,
  type Refusal,
  type ResolvedFile,
} from './manifest.ts';
import { readLayout } from './manifest-plan.ts';

export interface ArchiveManifestOptions extends ManifestOptions {
  allowPrivateAddresses: boolean;
}

/** Whether an entry may be the manifest of its archive, by its name: a CSV or TSV at the root. */
export const isTable = (name: string): boolean => /^[^/]+\.[ct]sv$/i.test(name);

/** The CSVs in an archive that say what its entries are, and which entries they named. */
export class ArchiveManifests {
  readonly #zip: ZipArchive;
  readonly #entries: ArchiveEntries;
  readonly #options: ArchiveManifestOptions;
  readonly #ctx: Context;
  readonly #named: Bitset;

  constructor(zip: ZipArchive, entries: ArchiveEntries, options: ArchiveManifestOptions, ctx: Context) {
    this.#zip = zip;
    this.#entries = entries;
    this.#options = options;
    this.#ctx = ctx;
    const { start, end } = zip.location;
    this.#named = new Bitset(Math.ceil((end - start) / RECORD_SIZE));
  }

  /** Whether an entry was listed already, by a row, or is a manifest. */
  isListed(entry: PlacedEntry): boolean {
    return this.#named.has(bitOf(entry));
  }

  /** Lists the rows of those of the tables that are manifests; the others stay ordinary entries. */
  async *list(tables: readonly string[]): AsyncGenerator<Listed, ListingProof, void> {
    for (const name of tables) {
      const entry = await this.#zip.find(name);
      if (entry === undefined || !(await this.#isManifest(entry))) continue;
      this.#name(entry);
      const uri = this.#entries.uriOf(name);
      this.#ctx.logger.info({ uri }, `${uri} is read as the manifest of its archive`);
      const proof = yield* listManifest(this.#input(entry, uri), this.#options, this.#ctx);
      if (!proof.complete) return proof;
    }
    return { complete: true, evidence: 'all manifests were read' };
  }

  /** By its header, and only when it can be read to its end: a corrupt one is an item, whose outcome says so. */
  async #isManifest(entry: PlacedEntry): Promise<boolean> {
    if (this.#entries.refusal(entry) !== undefined) return false;
    try {
      const head = await this.#entries.head(entry, PREFACE_BYTES);
      if (!looksLikeManifest(head, entry.name) || !this.#isReadable(head, entry)) return false;
      for await (const _ of this.#open(entry));
      return true;
    } catch (error) {
      this.#ctx.signal.throwIfAborted();
      if (error instanceof FatalError) throw error;
      this.#ctx.logger.warn({ uri: this.#entries.uriOf(entry.name) }, asError(error).message);
      return false;
    }
  }

  /** Whether it is a manifest also with the options of the run, which were made for other files perhaps. */
  #isReadable(head: Buffer, entry: PlacedEntry): boolean {
    const uri = this.#entries.uriOf(entry.name);
    try {
      readLayout(head, head.length === entry.size, uri, this.#options);
      return true;
    } catch (error) {
      if (!(error instanceof FatalError)) throw error;
      this.#ctx.logger.warn({ uri }, `${uri} is not read as a manifest: ${error.message}`);
      return false;
    }
  }

  #input(entry: PlacedEntry, uri: string) {
    const { allowPrivateAddresses } = this.#options;
    return {
      uri,
      size: entry.size,
      open: async () => this.#open(entry),
      resolveFile: (path: string) => this.#resolve(path),
      fetchUrl: urlFetcher({ allowPrivateAddresses }, this.#ctx.clock),
    };
  }

  #open(entry: PlacedEntry): Readable {
    return this.#entries.open(entry, this.#ctx.signal);
  }

  async #resolve(path: string): Promise<ResolvedFile | Refusal> {
    const names = spellings(path);
    if (names === undefined) {
      return { code: 'PATH_OUTSIDE_BASE', message: 'the path leads out of the archive' };
    }
    for (const name of names) {
      const entry = await this.#zip.find(name);
      if (entry === undefined) continue;
      this.#name(entry);
      const problem = this.#entries.readingProblem(entry);
      return problem === undefined ? this.#entries.bytesOf(entry) : refusalOf(problem);
    }
    return { code: 'INPUT_NOT_FOUND', message: 'the archive has no such entry' };
  }

  #name(entry: PlacedEntry): void {
    this.#named.add(bitOf(entry));
  }
}

/** Records are never closer together than this, so each has a bit of its own. */
const bitOf = (entry: PlacedEntry): number => Math.floor(entry.record / RECORD_SIZE);

/** The names that a path in a cell may stand for; undefined when it leads out of the archive. */
function spellings(path: string): Set<string> | undefined {
  const plain = posix.normalize(path.replaceAll('\\', '/'));
  if (plain.startsWith('/') || /^[a-z]:/i.test(plain) || /^\.\.(?:\/|$)/.test(plain)) return undefined;
  return new Set([path, plain, plain.normalize('NFC'), plain.normalize('NFD')]);
}

function refusalOf({ code, message, measured, limit }: EntryProblem): Refusal {
  return {
    code,
    message,
    ...(measured === undefined ? {} : { measured }),
    ...(limit === undefined ? {} : { limit }),
  };
}

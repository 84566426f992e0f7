import { errnoOf } from '../io/disk-errors.ts';
import { readFailure } from '../io/read-contract.ts';
import { ZipArchive } from '../io/zip/archive.ts';
import type { RandomAccess } from '../io/zip/random-access.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { FatalError, RetryableError, type SluiceError } from '../model/errors.ts';
import { ArchiveEntries, problemOutcome } from './archive-entries.ts';
import { type ArchiveManifestOptions, ArchiveManifests, isTable } from './archive-manifest.ts';
import type { ArchiveFields } from './archive-options.ts';
import type { LabelOptions } from './labels.ts';

const MB = 1_000_000;
/** Tables at the root of an archive that are looked at for a header. */
const MAX_TABLES = 16;

/** A ZIP, wherever its bytes are. */
export interface ArchiveFile {
  /** Gives the bytes, held for the listing; throws what reading an item of them would. */
  open(): Promise<RandomAccess>;
  /** Relative to the source; entries are `<uri>!/<name>`. */
  uri: string;
  /** As the listing that found it saw it, if one did. */
  fingerprint?: string;
}

export interface ArchiveOptions extends ArchiveFields, LabelOptions, ArchiveManifestOptions {
  /** Why an entry is left out by a pattern, from its name in the archive. */
  excluded?(name: string): string | undefined;
  /** Called with the number of entries that were gone through, and how many there are. */
  onProgress?(done: number, total: number): void;
}

/**
 * Lists the entries of an archive, in the order of its directory, and proves that it saw them all.
 *
 * An archive that cannot be opened is one outcome under its own uri. Entries are opened late: their `open` works
 * after the listing has ended, as long as the archive has not changed.
 */
export async function* listArchive(
  archive: ArchiveFile,
  options: ArchiveOptions,
  ctx: Context,
): AsyncGenerator<Listed, ListingProof, void> {
  let source: RandomAccess;
  try {
    source = await archive.open();
  } catch (error) {
    return yield* unopened(archive, readFailure(error, archive.uri));
  }
  try {
    return yield* listOpened(archive, source, options, ctx);
  } finally {
    await source.release();
  }
}

async function* listOpened(
  archive: ArchiveFile,
  source: RandomAccess,
  options: ArchiveOptions,
  ctx: Context,
): AsyncGenerator<Listed, ListingProof, void> {
  if (archive.fingerprint !== undefined && archive.fingerprint !== source.fingerprint) {
    return yield* unopened(archive, changedWhileListed(archive));
  }
  const tables: string[] = [];
  let zip: ZipArchive;
  try {
    zip = await ZipArchive.open(source, {
      maxEntries: options.maxEntries,
      visit: ({ name }) => {
        if (isTable(name) && tables.length < MAX_TABLES) tables.push(name);
      },
    });
  } catch (error) {
    return yield* unopened(archive, await readingFailure(error, archive, source, ctx));
  }
  const entries = new ArchiveEntries(source, archive.uri, entryOptions(options), ctx.signal);
  const manifests = new ArchiveManifests(zip, entries, options, ctx);
  let done = 0;
  try {
    const proof = yield* manifests.list(tables);
    if (!proof.complete) return proof;
    for await (const entry of zip.entries()) {
      ctx.signal.throwIfAborted();
      done++;
      options.onProgress?.(done, zip.entryCount);
      if (manifests.isListed(entry)) continue;
      const listed = await entries.list(entry);
      if (listed !== undefined) yield listed;
    }
  } catch (error) {
    return { complete: false, reason: (await readingFailure(error, archive, source, ctx)).message };
  }
  if (await source.changed()) return { complete: false, reason: changedWhileListed(archive).message };
  return done === zip.entryCount
    ? { complete: true, evidence: `${done} entries, all that the central directory of ${archive.uri} holds` }
    : { complete: false, reason: `${archive.uri}: ${done} of ${zip.entryCount} entries were listed` };
}

/** An archive that cannot be opened is one item with one outcome (DESIGN.md §4), and the listing of it is complete. */
async function* unopened(
  archive: ArchiveFile,
  failure: SluiceError,
): AsyncGenerator<Listed, ListingProof, void> {
  const { code, message, measured, limit } = failure;
  yield problemOutcome(archive.uri, { code, message: `${archive.uri}: ${message}`, measured, limit });
  return { complete: true, evidence: `${archive.uri} could not be opened, which is its outcome` };
}

/** What a failed read of the archive means; throws on what is none: an abort, a fatal error or a bug. */
async function readingFailure(
  error: unknown,
  archive: ArchiveFile,
  source: RandomAccess,
  ctx: Context,
): Promise<SluiceError> {
  ctx.signal.throwIfAborted();
  if (error instanceof FatalError || errnoOf(error) === undefined) throw error;
  return (await source.changed()) ? changedWhileListed(archive, error) : readFailure(error, archive.uri);
}

const changedWhileListed = ({ uri }: ArchiveFile, cause?: unknown): RetryableError =>
  new RetryableError('INPUT_CHANGED_WHILE_READ', `${uri} changed while it was listed`, { cause });

const entryOptions = (options: ArchiveOptions) => ({
  ...options,
  limits: {
    entryBytes: options.maxEntryMegabytes * MB,
    totalBytes: options.maxArchiveMegabytes * MB,
    ratio: options.maxRatio,
  },
});

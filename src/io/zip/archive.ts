import { RejectedItemError } from '../../model/errors.ts';
import { KeyTable } from '../key-table.ts';
import { readRecord, scanDirectory } from './central-directory.ts';
import { type DirectoryLocation, findDirectory, unreadable } from './end-record.ts';
import type { PlacedEntry, ZipEntry } from './entry.ts';
import { Extents, LOCAL_HEADER_SIZE, leastEnd } from './extents.ts';
import { isLocalHeader } from './local-header.ts';
import type { RandomAccess } from './random-access.ts';

/**
 * A ZIP whose directory was read through once and found whole.
 *
 * It keeps no entries: a table of name hashes (about 26 bytes an entry) tells repeated names and finds an entry by
 * name, and the directory is read again for each listing. All else needs memory only where the archive is odd.
 */
export class ZipArchive {
  readonly source: RandomAccess;
  readonly location: DirectoryLocation;
  /** Entries in the directory, folders included. */
  readonly entryCount: number;
  /** Hash of a name → record of its first entry. */
  readonly #names: KeyTable;
  /** Only where the directory's order is not that of the file. */
  readonly #extents: Extents | undefined;

  private constructor(
    source: RandomAccess,
    location: DirectoryLocation,
    found: { entryCount: number; names: KeyTable; extents: Extents | undefined },
  ) {
    this.source = source;
    this.location = location;
    this.entryCount = found.entryCount;
    this.#names = found.names;
    this.#extents = found.extents;
  }

  /**
   * Reads the whole directory of a source that the caller holds. Throws RejectedItemError ARCHIVE_UNREADABLE, or
   * ZIP_ENTRY_BOMB when it has more than `maxEntries`. `visit` sees every entry of the directory.
   */
  static async open(
    source: RandomAccess,
    options: { maxEntries: number; visit?: (entry: ZipEntry) => void },
  ): Promise<ZipArchive> {
    const location = await findDirectory(source);
    const names = new KeyTable();
    let entryCount = 0;
    let first: ZipEntry | undefined;
    let inOrder = true;
    let lastEnd = location.base;
    for await (const entries of scanDirectory(source, location)) {
      entryCount += entries.length;
      if (entryCount > options.maxEntries) {
        throw new RejectedItemError('ZIP_ENTRY_BOMB', `the archive has over ${options.maxEntries} entries`, {
          measured: Math.max(entryCount, location.declaredEntries),
          limit: options.maxEntries,
        });
      }
      first ??= entries[0];
      for (const entry of entries) {
        if (names.get(entry.name) === undefined) names.set(entry.name, entry.record);
        inOrder &&= entry.offset >= lastEnd;
        lastEnd = leastEnd(entry);
        options.visit?.(entry);
      }
    }
    inOrder &&= lastEnd <= location.start;
    checkCount(entryCount, location);
    if (first !== undefined && location.base > 0) await checkBase(source, first, location);
    const extents = inOrder ? undefined : await collectExtents(source, location, entryCount);
    return new ZipArchive(source, location, { entryCount, names, extents });
  }

  /** All entries in the order of the directory. */
  async *entries(): AsyncGenerator<PlacedEntry> {
    let waiting: ZipEntry | undefined;
    for await (const entries of scanDirectory(this.source, this.location)) {
      for (const entry of entries) {
        if (waiting !== undefined) yield await this.#place(waiting, entry.offset);
        waiting = entry;
      }
    }
    if (waiting !== undefined) yield await this.#place(waiting, this.location.start);
  }

  /** The first entry with this very name. */
  async find(name: string): Promise<PlacedEntry | undefined> {
    const record = this.#names.get(name);
    if (record === undefined) return undefined;
    const entry = await readRecord(this.source, this.location, record);
    if (entry.name !== name) return undefined;
    const after = record + entry.recordSize;
    const needsNext = this.#extents === undefined && this.location.start + after < this.location.end;
    const next = needsNext ? await readRecord(this.source, this.location, after) : undefined;
    return this.#place(entry, next?.offset ?? this.location.start);
  }

  async #place(entry: ZipEntry, following: number): Promise<PlacedEntry> {
    const { start } = this.location;
    const limit = this.#extents === undefined ? following : (this.#extents.nextStart(entry.offset) ?? start);
    const end = leastEnd(entry);
    return {
      ...entry,
      limit: Math.min(limit, start),
      overlaps: end > start || (this.#extents?.overlaps(entry.offset, end) ?? false),
      repeated: await this.#isRepeat(entry),
    };
  }

  async #isRepeat(entry: ZipEntry): Promise<boolean> {
    const first = this.#names.get(entry.name);
    if (first === undefined || first === entry.record) return false;
    // Two names may share a hash; the names themselves decide.
    return (await readRecord(this.source, this.location, first)).name === entry.name;
  }
}

function checkCount(entryCount: number, location: DirectoryLocation): void {
  const counted = location.countBits === 16 ? entryCount % 0x1_0000 : entryCount;
  if (counted === location.declaredEntries) return;
  throw unreadable(
    `its central directory is invalid: it holds ${entryCount} entries where ${location.declaredEntries} are declared`,
  );
}

/** Bytes before an archive are a program only if the entries lie behind it; else the offsets are simply wrong. */
async function checkBase(source: RandomAccess, first: ZipEntry, location: DirectoryLocation): Promise<void> {
  const end = first.offset + LOCAL_HEADER_SIZE;
  if (end <= location.start && isLocalHeader(await source.read(first.offset, LOCAL_HEADER_SIZE))) return;
  throw unreadable(`its central directory is invalid: no entry starts at byte ${first.offset}`);
}

async function collectExtents(
  source: RandomAccess,
  location: DirectoryLocation,
  entryCount: number,
): Promise<Extents> {
  const extents = new Extents(entryCount);
  for await (const entries of scanDirectory(source, location)) {
    for (const entry of entries) extents.add(entry.offset, leastEnd(entry));
  }
  extents.sort();
  return extents;
}

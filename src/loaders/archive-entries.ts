import type { Readable } from 'node:stream';
import { KeyCounter } from '../io/key-counter.ts';
import { hex } from '../io/zip/corrupt.ts';
import type { PlacedEntry } from '../io/zip/entry.ts';
import { quoted } from '../io/zip/entry-name.ts';
import { openEntry } from '../io/zip/entry-stream.ts';
import { dataProblem, type EntryProblem, namingProblem, type ZipLimits } from '../io/zip/guards.ts';
import type { RandomAccess } from '../io/zip/random-access.ts';
import { formatInfo } from '../media/formats.ts';
import { strongMagic } from '../media/magic.ts';
import { SNIFF_BYTES, sniff } from '../media/sniff.ts';
import type { Listed, SourceItem } from '../model/contracts.ts';
import { RejectedItemError } from '../model/errors.ts';
import { deriveId } from '../model/ids.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { junkRule } from './junk.ts';
import { folderLabels, type LabelOptions } from './labels.ts';

/** Names behind which an archive is expected; the content is looked at before one is skipped for its name. */
const ARCHIVE_NAME = /\.(?:zip|tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst|7z|rar)$/i;

export interface EntryOptions extends LabelOptions {
  idPrefix: string;
  limits: ZipLimits;
  /** Why an entry is left out by a pattern, from its name in the archive. */
  excluded?(name: string): string | undefined;
}

/** Says of each entry of one archive what it is in the listing: an item, an outcome, or nothing (a folder). */
export class ArchiveEntries {
  readonly #source: RandomAccess;
  /** Of the archive, relative to the source. */
  readonly #uri: string;
  readonly #options: EntryOptions;
  readonly #signal: AbortSignal;
  /** Of names that came before. */
  readonly #repeats = new KeyCounter();
  #totalBytes = 0;

  constructor(source: RandomAccess, uri: string, options: EntryOptions, signal: AbortSignal) {
    this.#source = source;
    this.#uri = uri;
    this.#options = options;
    this.#signal = signal;
  }

  async list(entry: PlacedEntry): Promise<Listed | undefined> {
    if (isFolder(entry)) return undefined;
    const uri = this.#uniqueUri(entry);
    const problem = await this.#problem(entry);
    if (problem !== undefined) return problemOutcome(uri, problem, { fingerprint: fingerprintOf(entry) });
    const labels = folderLabels(`${this.#uri}!/${entry.name}`, this.#options);
    return {
      id: deriveId(`${this.#uri}!/${entry.name}`, entry.name, this.#options.idPrefix),
      uri,
      ...(labels.length > 0 ? { concepts: labels } : {}),
      ...this.bytesOf(entry),
    };
  }

  /** What an item reads when its bytes are this entry's. */
  bytesOf(entry: PlacedEntry): Required<Pick<SourceItem, 'size' | 'fingerprint' | 'fileName' | 'open'>> {
    const source = this.#source;
    return {
      size: entry.size,
      fingerprint: fingerprintOf(entry),
      fileName: entry.name.slice(entry.name.lastIndexOf('/') + 1),
      open: async (signal) =>
        openEntry(source, entry, { signal, inspect: (head) => refuseArchive(entry.name, head) }),
    };
  }

  /** Why the entry is not to be read, whoever asks for it; undefined when it may be. */
  refusal(entry: PlacedEntry): EntryProblem | undefined {
    return namingProblem(entry) ?? dataProblem(entry, this.#options.limits);
  }

  /** Why the entry's bytes cannot be read, its use counted against the archive's limit; undefined when they can. */
  readingProblem(entry: PlacedEntry): EntryProblem | undefined {
    const refusal = this.refusal(entry);
    if (refusal !== undefined) return refusal;
    const limit = this.#options.limits.totalBytes;
    if (this.#totalBytes + entry.size > limit) {
      const measured = this.#totalBytes + entry.size;
      const message = `with the entry ${quoted(entry.name)} the archive unpacks to ${measured} bytes; the limit is ${limit}`;
      return { code: 'ZIP_ENTRY_BOMB', message, measured, limit };
    }
    this.#totalBytes += entry.size;
    return undefined;
  }

  open(entry: PlacedEntry, signal: AbortSignal): Readable {
    return openEntry(this.#source, entry, { signal });
  }

  /** The first `wanted` bytes of an entry, or all of a smaller one. Throws as its stream does. */
  async head(entry: PlacedEntry, wanted: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.open(entry, this.#signal) as AsyncIterable<Buffer>) {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes >= wanted) break;
    }
    return Buffer.concat(parts).subarray(0, wanted);
  }

  uriOf(name: string): string {
    return `${this.#uri}!/${entryPath(name)}`;
  }

  async #problem(entry: PlacedEntry): Promise<EntryProblem | undefined> {
    const naming = namingProblem(entry);
    if (naming !== undefined) return naming;
    const junk = junkRule(entry.name);
    if (junk !== undefined) return { code: 'JUNK_FILE', message: `the rule ${junk} leaves this file out` };
    const excluded = this.#options.excluded?.(entry.name);
    if (excluded !== undefined) return { code: 'EXCLUDED', message: excluded };
    if (entry.repeated) {
      return {
        code: 'ZIP_ENTRY_DUPLICATE',
        message: `an entry before this one is named ${quoted(entry.name)}, too`,
      };
    }
    return this.readingProblem(entry) ?? (await this.#nestedArchive(entry));
  }

  async #nestedArchive(entry: PlacedEntry): Promise<EntryProblem | undefined> {
    if (!ARCHIVE_NAME.test(entry.name)) return undefined;
    try {
      await refuseArchive(entry.name, await this.head(entry, SNIFF_BYTES));
    } catch (error) {
      this.#signal.throwIfAborted();
      if (error instanceof RejectedItemError && error.code === 'NESTED_ARCHIVE') return error;
      // It cannot be read: that is said when it is read as an item.
    }
    return undefined;
  }

  #uniqueUri(entry: PlacedEntry): string {
    const uri = this.uriOf(entry.name);
    return entry.repeated ? `${uri}#${this.#repeats.next(entry.name) + 1}` : uri;
  }
}

/** Any name as the last part of a uri; `./` marks the escaped ones, whose end would read as a row or a repeat. */
function entryPath(name: string): string {
  if (!/^\.\/|#L?\d+$/.test(name)) return name;
  return `./${name
    .replaceAll('%', '%25')
    .replace(/^\.(?=\/)/, '%2E')
    .replace(/#(?=L?\d+$)/, '%23')}`;
}

/** An outcome of the stage `list` with a problem's code, message and numbers. */
export function problemOutcome(uri: string, problem: EntryProblem, rest: Partial<Outcome> = {}): Outcome {
  const { code, message, measured, limit } = problem;
  return outcomeOf(uri, 'list', code, {
    message,
    ...(measured === undefined ? {} : { measured }),
    ...(limit === undefined ? {} : { limit }),
    ...rest,
  });
}

/** A folder's own entry is no item; one that carries data is not let pass as one. */
const isFolder = (entry: PlacedEntry): boolean => entry.name.endsWith('/') && entry.size === 0;

const fingerprintOf = (entry: PlacedEntry): string => `${hex(entry.crc32)}-${entry.size}`;

async function refuseArchive(name: string, head: Buffer): Promise<void> {
  const format = strongMagic(head);
  if (format === undefined || !formatInfo(format)?.archive) return;
  // Office documents and the like are ZIPs as well, but nobody would unpack them.
  const { archive, format: exact } = await sniff(head.subarray(0, SNIFF_BYTES));
  if (archive)
    throw new RejectedItemError(
      'NESTED_ARCHIVE',
      `the entry ${quoted(name)} is an archive (${exact}) inside an archive`,
    );
}

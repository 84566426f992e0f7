import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { errnoOf } from '../io/disk-errors.ts';
import { statFingerprint } from '../io/fingerprint.ts';
import { cutLines, type Line } from '../io/lines.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { asError, FatalError, SluiceError } from '../model/errors.ts';
import { CountedSource } from './counted-source.ts';

/** How many entries ahead are looked up; their order is kept. */
const AHEAD = 64;
/** What a file in UTF-16 begins with, in either byte order. */
const UTF16_MARKS: ReadonlySet<string> = new Set(['fffe', 'feff']);

/** What a line is: an entry of the listing, or none where it says nothing. */
export type ListLine = (line: Line) => Listed | Promise<Listed> | undefined;

/** A local file each of whose lines is an entry of a listing, as it was when it was opened. */
export class LineFile {
  readonly path: string;
  /** Of the file; lines are `<uri>#L<line>`. */
  readonly uri: string;
  readonly #size: number;
  readonly #fingerprint: string;
  #stream: ReadStream | undefined;

  private constructor(path: string, size: number, fingerprint: string) {
    this.path = path;
    this.uri = rawUri(toRaw(basename(path)));
    this.#size = size;
    this.#fingerprint = fingerprint;
  }

  /** `path` is absolute. Throws FatalError SOURCE_NOT_FOUND, or SOURCE_UNRECOGNISED for what is no regular file. */
  static async open(path: string): Promise<LineFile> {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    const stats = await stat(path, { bigint: true }).catch((error: unknown) => {
      throw new FatalError('SOURCE_NOT_FOUND', `${path} cannot be opened: ${asError(error).message}`, {
        cause: error,
      });
    });
    if (!stats.isFile()) throw new FatalError('SOURCE_UNRECOGNISED', `${path} is not a regular file`);
    return new LineFile(path, Number(stats.size), statFingerprint(stats));
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.path, { bigint: true }));
  }

  progress(): { done: number; total: number } {
    return { done: this.#stream?.bytesRead ?? 0, total: this.#size };
  }

  /** Lists the lines in order, in bounded memory. `maxLineBytes`: of a longer line so many bytes are handed on. */
  async *list(
    listLine: ListLine,
    maxLineBytes: number,
    ctx: Context,
  ): AsyncGenerator<Listed, ListingProof, void> {
    const stream = createReadStream(this.path, { highWaterMark: 256 * 1024 });
    this.#stream = stream;
    addAbortSignal(ctx.signal, stream);
    const source = new CountedSource(stream, this.#size);
    let lines = 0;
    try {
      await this.#assertReadable(source);
      const ahead = new Lookahead();
      for await (const block of cutLines(source, maxLineBytes)) {
        ctx.signal.throwIfAborted();
        lines += block.length;
        for (const line of block) {
          const listed = listLine(line);
          if (listed !== undefined) ahead.push(listed);
          if (ahead.isDue) yield await ahead.take();
        }
      }
      while (!ahead.isEmpty) yield await ahead.take();
    } catch (error) {
      ctx.signal.throwIfAborted();
      // A stream that breaks has a system error code or one of ours; everything else is a bug and must be seen.
      if (error instanceof FatalError || (errnoOf(error) === undefined && !(error instanceof SluiceError)))
        throw error;
      const reason = `reading ${this.uri} failed after ${source.bytes} bytes: ${asError(error).message}`;
      return { complete: false, reason };
    } finally {
      stream.destroy();
    }
    if ((await this.fingerprint()) !== this.#fingerprint)
      return { complete: false, reason: `${this.uri} was changed while it was read` };
    return {
      complete: true,
      evidence: `all ${source.bytes} bytes of ${this.uri} were read: ${lines} lines`,
    };
  }

  async #assertReadable(source: CountedSource): Promise<void> {
    const head = await source.peek(2);
    if (!UTF16_MARKS.has(head.subarray(0, 2).toString('hex'))) return;
    throw new FatalError('SOURCE_UNRECOGNISED', `${this.uri} is in UTF-16; write it in UTF-8`);
  }
}

/** Entries in order, of which some are still being looked up. */
class Lookahead {
  readonly #entries: (Listed | Promise<Listed>)[] = [];

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Whether the first entry is there, or enough wait behind it. */
  get isDue(): boolean {
    return this.#entries.length >= AHEAD || (!this.isEmpty && !(this.#entries[0] instanceof Promise));
  }

  push(entry: Listed | Promise<Listed>): void {
    // It is awaited in its turn; until then a rejection must not count as unhandled.
    if (entry instanceof Promise) entry.catch(() => {});
    this.#entries.push(entry);
  }

  take(): Listed | Promise<Listed> {
    return this.#entries.shift()!;
  }
}

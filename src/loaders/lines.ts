import { addAbortSignal, type Readable } from 'node:stream';
import { errnoOf } from '../io/disk-errors.ts';
import { cutLines, type Line } from '../io/lines.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { asError, FatalError, SluiceError } from '../model/errors.ts';
import { CountedSource } from './counted-source.ts';

/** How many entries ahead are looked up; their order is kept. */
const AHEAD = 64;
/** What a file in UTF-16 begins with, in either byte order. */
const UTF16_MARKS: ReadonlySet<string> = new Set(['fffe', 'feff']);

/** What a line is: an entry of the listing, or none where it says nothing. */
export type ListLine = (line: Line) => Listed | Promise<Listed> | undefined;

/** A text of which each line is an entry of a listing. */
export interface LinesInput {
  /** Relative to the source; lines are `<uri>#L<line>`. */
  uri: string;
  /** Bytes; reading more or fewer makes the listing incomplete. */
  size: number;
  open(): Promise<Readable>;
}

/** Lists the lines in order, in bounded memory. `maxLineBytes`: of a longer line so many bytes are handed on. */
export async function* listLines(
  { uri, size, open }: LinesInput,
  listLine: ListLine,
  maxLineBytes: number,
  ctx: Context,
): AsyncGenerator<Listed, ListingProof, void> {
  const stream = await open();
  addAbortSignal(ctx.signal, stream);
  const source = new CountedSource(stream, size);
  let lines = 0;
  try {
    await assertReadable(source, uri);
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
    const reason = `reading ${uri} failed after ${source.bytes} bytes: ${asError(error).message}`;
    return { complete: false, reason };
  } finally {
    stream.destroy();
  }
  return { complete: true, evidence: `all ${source.bytes} bytes of ${uri} were read: ${lines} lines` };
}

async function assertReadable(source: CountedSource, uri: string): Promise<void> {
  const head = await source.peek(2);
  if (!UTF16_MARKS.has(head.subarray(0, 2).toString('hex'))) return;
  throw new FatalError('SOURCE_UNRECOGNISED', `${uri} is in UTF-16; write it in UTF-8`);
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

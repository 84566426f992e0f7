import {
  closeSync,
  constants,
  createReadStream,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { asError, FatalError } from '../model/errors.ts';
import { writeFailure } from './disk-errors.ts';

const NEWLINE = 10;
/** Lines go to the file in blocks of about this many characters. */
const WRITE_BLOCK = 64 * 1024;
/** Read at once, in bytes. */
const READ_BLOCK = 256 * 1024;
/** A line beyond this is no line of ours. */
const MAX_LINE = 256 * 1024 * 1024;
const SCHEMA = 1;
/** Not 'a+': Windows can neither cut a file that is open for appending nor write at a position. */
const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT;

const sync = promisify(fdatasync);

/**
 * Appends to a JSON Lines file that starts with `{ "schema": 1, "type": … }`.
 *
 * Lines wait in memory until a block is full or `flush` is called. A block is written synchronously: it goes to the
 * page cache in tens of microseconds, and the order of lines, errors and callers stays plain. Throws FatalError
 * STORE_FULL or STORE_WRITE_FAILED; the lines of a block that failed are kept and written by the next call.
 */
export class JsonlWriter {
  readonly path: string;
  readonly #fd: number;
  /** Where the next block goes; what a failed write left beyond it is overwritten. */
  #end: number;
  #lines: string[] = [];
  #chars = 0;
  #closed = false;

  /**
   * Opens or creates the file. Of an existing one a torn last line (a crash in the middle of a write) is cut.
   * Throws FatalError STORE_CORRUPT when the file has another type.
   */
  constructor(path: string, type: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, OPEN_FLAGS, 0o644);
    } catch (error) {
      throw writeFailure(error, path);
    }
    try {
      this.#end = cutTornTail(this.#fd);
      if (this.#end === 0) this.append({ schema: SCHEMA, type });
      else checkHeader(firstLine(this.#fd), path, type);
      this.#writeOut();
    } catch (error) {
      closeSync(this.#fd);
      this.#closed = true;
      throw writeFailure(error, path);
    }
  }

  append(value: object): void {
    const line = JSON.stringify(value);
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#chars >= WRITE_BLOCK) this.#writeOut();
  }

  /** Hands every line to the system; with `sync` it also waits until they are on the disk. */
  async flush({ sync: durable = false } = {}): Promise<void> {
    this.#writeOut();
    if (!durable || this.#closed) return;
    try {
      await sync(this.#fd);
    } catch (error) {
      throw writeFailure(error, this.path);
    }
  }

  /** Writes what waits and closes the file; closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    try {
      this.#writeOut();
    } finally {
      this.#closed = true;
      closeSync(this.#fd);
    }
  }

  #writeOut(): void {
    if (this.#lines.length === 0) return;
    const block = Buffer.from(`${this.#lines.join('\n')}\n`);
    try {
      writeWhole(this.#fd, block, this.#end);
    } catch (error) {
      throw writeFailure(error, this.path);
    }
    this.#end += block.length;
    this.#lines = [];
    this.#chars = 0;
  }
}

/** A write may be short without an error, on a disk that is nearly full. */
function writeWhole(fd: number, data: Buffer, position: number): void {
  for (let done = 0; done < data.length; ) {
    done += writeSync(fd, data, done, data.length - done, position + done);
  }
}

/** Cuts what follows the last newline, unless it is a whole line that only lacks it; gives the size left. */
function cutTornTail(fd: number): number {
  const { size } = fstatSync(fd);
  const tail = readTail(fd, size);
  if (tail.length === 0) return size;
  if (isWhole(tail)) {
    writeWhole(fd, Buffer.from('\n'), size);
    return size + 1;
  }
  ftruncateSync(fd, size - tail.length);
  return size - tail.length;
}

/** What follows the last newline. */
function readTail(fd: number, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - WRITE_BLOCK);
    const part = Buffer.alloc(end - start);
    readSync(fd, part, 0, part.length, start);
    const newline = part.lastIndexOf(NEWLINE);
    parts.unshift(part.subarray(newline + 1));
    if (newline !== -1) break;
    end = start;
  }
  return Buffer.concat(parts);
}

function firstLine(fd: number): string {
  const head = Buffer.alloc(4096);
  const text = head.toString('utf8', 0, readSync(fd, head, 0, head.length, 0));
  return text.slice(0, text.indexOf('\n'));
}

/** No beginning of a JSON object is a JSON object, so a line that parses is whole. */
function isWhole(line: Buffer): boolean {
  try {
    JSON.parse(line.toString());
    return true;
  } catch {
    return false;
  }
}

function checkHeader(line: string, path: string, type: string): void {
  let header: { schema?: unknown; type?: unknown } | undefined;
  try {
    header = JSON.parse(line);
  } catch {
    // Reported below, with what was expected.
  }
  if (header?.schema !== SCHEMA || header.type !== type) {
    const expected = JSON.stringify({ schema: SCHEMA, type });
    throw new FatalError(
      'STORE_CORRUPT',
      `${path}:1: expected the header ${expected}, found ${line.slice(0, 200)}`,
    );
  }
}

export interface ReadJsonlOptions {
  /** The type that the header must state. */
  type: string;
  /** Called with the bytes of a torn last line, which is left out. */
  onTorn?: (bytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Reads a JSON Lines file in blocks of parsed lines, the header left out.
 *
 * Blocks, because awaiting each of a million lines costs more than parsing them. A line that cannot be parsed is a
 * FatalError STORE_CORRUPT with its number; only the last one may be torn.
 */
export async function* readJsonlBlocks<T>(path: string, options: ReadJsonlOptions): AsyncGenerator<T[]> {
  let lineNumber = 0;
  const parse = (block: Buffer): T[] => {
    const values: T[] = [];
    for (const line of block.toString().split('\n')) {
      lineNumber++;
      if (lineNumber === 1) checkHeader(line, path, options.type);
      else if (line !== '' && line !== '\r') values.push(parseLine<T>(line, path, lineNumber));
    }
    return values;
  };
  let parts: Buffer[] = [];
  let held = 0;
  const hold = (part: Buffer) => {
    if (part.length === 0) return;
    parts.push(part);
    held += part.length;
  };
  options.signal?.throwIfAborted();
  // A stream, because it reads ahead while lines are parsed.
  const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: READ_BLOCK });
  for await (const chunk of stream) {
    options.signal?.throwIfAborted();
    const end = chunk.lastIndexOf(NEWLINE);
    if (end === -1) {
      hold(chunk);
      if (held > MAX_LINE) throw new FatalError('STORE_CORRUPT', `${path}:${lineNumber + 1}: no end of line`);
      continue;
    }
    hold(chunk.subarray(0, end));
    const values = parse(Buffer.concat(parts));
    parts = [];
    held = 0;
    hold(chunk.subarray(end + 1));
    if (values.length > 0) yield values;
  }
  if (held === 0) return;
  const last = Buffer.concat(parts);
  if (isWhole(last)) yield parse(last);
  else options.onTorn?.(held);
}

function parseLine<T>(line: string, path: string, lineNumber: number): T {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new FatalError('STORE_CORRUPT', `${path}:${lineNumber}: not JSON: ${asError(error).message}`, {
      cause: error,
    });
  }
}

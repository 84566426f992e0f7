import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { errnoOf, writeFailure } from '../disk-errors.ts';
import {
  CRC_AT,
  directoryOf,
  LOCAL_SIZE,
  localHeader,
  readLocalHeader,
  type StoredEntry,
} from './records.ts';

/** Written to the file in one call. */
const BLOCK_BYTES = 2_000_000;
const MAX_NAME_BYTES = 0xffff;

/**
 * A ZIP that is written entry after entry, stored and with fixed times, so that the same entries give the same bytes.
 *
 * What was synced can be gone on from: the local headers say all that the directory needs, so the offset is enough. All
 * methods throw FatalError STORE_FULL or STORE_WRITE_FAILED when the file cannot be written.
 */
export class ZipFile {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #entries: StoredEntry[];
  #offset: number;

  private constructor(path: string, file: FileHandle, entries: StoredEntry[], offset: number) {
    this.path = path;
    this.#file = file;
    this.#entries = entries;
    this.#offset = offset;
  }

  static async create(path: string): Promise<ZipFile> {
    const file = await open(path, 'w+').catch((error: unknown) => {
      throw writeFailure(error, path);
    });
    return new ZipFile(path, file, [], 0);
  }

  /** Goes on behind the entries up to `offset`; undefined when the file does not have them, or is not there. */
  static async resume(path: string, offset: number): Promise<ZipFile | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, 'r+');
      const entries = await entriesUpTo(file, offset);
      if (entries !== undefined) {
        await file.truncate(offset);
        return new ZipFile(path, file, entries, offset);
      }
      await file.close();
      return undefined;
    } catch (error) {
      await file?.close();
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw writeFailure(error, path);
    }
  }

  /** Behind the last entry, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  get entryCount(): number {
    return this.#entries.length;
  }

  /** Writes an entry of `size` bytes; throws RangeError when the chunks have more or less. Holds 4 MB at most. */
  async add(name: string, size: number, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      throw new RangeError(`the entry name has more than ${MAX_NAME_BYTES} bytes`);
    const entry: StoredEntry = { name, size, crc32: 0, offset: this.#offset };
    const header = localHeader(entry);
    const start = this.#offset + header.length;
    const blocks = new Blocks(this.#file, this.path, this.#offset);
    try {
      await blocks.push(header);
      for await (const chunk of chunks) {
        entry.crc32 = crc32(chunk, entry.crc32);
        await blocks.push(chunk);
      }
    } finally {
      // Also after an error: a write that is under way must not outlive the file's handle.
      await blocks.flush();
    }
    const written = blocks.offset - start;
    if (written !== size) throw new RangeError(`the entry ${name} has ${written} bytes, not ${size}`);
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(entry.crc32);
    await this.#write(() => this.#file.write(crc, 0, crc.length, entry.offset + CRC_AT));
    this.#entries.push(entry);
    this.#offset = blocks.offset;
  }

  /** Makes all entries so far durable. */
  async sync(): Promise<void> {
    await this.#write(() => this.#file.datasync());
  }

  /** Writes the directory; the file is then complete and durable. Its size in bytes. */
  async finish(): Promise<number> {
    const directory = directoryOf(this.#entries, this.#offset);
    await this.#write(() => this.#file.write(directory, 0, directory.length, this.#offset));
    await this.#write(() => this.#file.sync());
    return this.#offset + directory.length;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #write(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw writeFailure(error, this.path);
    }
  }
}

/** Gathers chunks and writes them in large blocks, one while the next is gathered. */
class Blocks {
  readonly #file: FileHandle;
  readonly #path: string;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Behind the last chunk. */
  offset: number;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(file: FileHandle, path: string, offset: number) {
    this.#file = file;
    this.#path = path;
    this.offset = offset;
  }

  async push(chunk: Buffer): Promise<void> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.offset += chunk.length;
    if (this.#bytes >= BLOCK_BYTES) await this.#send();
  }

  async flush(): Promise<void> {
    await this.#send();
    await this.#writing;
  }

  async #send(): Promise<void> {
    await this.#writing;
    const chunks = this.#chunks;
    const at = this.offset - this.#bytes;
    this.#chunks = [];
    this.#bytes = 0;
    this.#writing = writeAll(this.#file, chunks, at).catch((error: unknown) => {
      throw writeFailure(error, this.#path);
    });
    // Awaited with the next block; until then a failure must not count as unhandled.
    this.#writing.catch(() => {});
  }
}

/** The system takes at most 1024 buffers at once, and may write less than it is given. */
async function writeAll(file: FileHandle, chunks: Buffer[], position: number): Promise<void> {
  let at = position;
  for (let rest = chunks; rest.length > 0; ) {
    let { bytesWritten } = await file.writev(rest.slice(0, 1024), at);
    at += bytesWritten;
    let whole = 0;
    while (whole < rest.length && bytesWritten >= rest[whole]!.length) bytesWritten -= rest[whole++]!.length;
    rest = rest.slice(whole);
    if (bytesWritten > 0) rest = [rest[0]!.subarray(bytesWritten), ...rest.slice(1)];
  }
}

/** The entries that fill the file up to `offset`, by their local headers; undefined when they do not. */
async function entriesUpTo(file: FileHandle, offset: number): Promise<StoredEntry[] | undefined> {
  if ((await file.stat()).size < offset) return undefined;
  const entries: StoredEntry[] = [];
  const bytes = Buffer.alloc(LOCAL_SIZE + 2 * MAX_NAME_BYTES);
  let at = 0;
  while (at < offset) {
    const { bytesRead } = await file.read(bytes, 0, Math.min(bytes.length, offset - at), at);
    const found = readLocalHeader(bytes.subarray(0, bytesRead), at);
    if (found === undefined) return undefined;
    entries.push(found.entry);
    at += found.length + found.entry.size;
  }
  return at === offset ? entries : undefined;
}

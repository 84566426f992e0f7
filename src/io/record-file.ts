import { readSync } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutLines } from './lines.ts';

/** Records are joined into writes of about so many bytes. */
const WRITE_BYTES = 256 * 1024;
const READ_BYTES = 4096;
const NEWLINE = 10;

/**
 * Records of JSON in a temporary file, to be read back by their offsets: what is needed of a table once at a time need
 * not be in memory, whatever the table's own encoding is.
 *
 * The file is unlinked as soon as it is open, so that no kill leaves it behind.
 */
export class RecordFile {
  readonly #file: FileHandle;
  /** Undefined once it is gone. */
  #folder: string | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #written = 0;

  private constructor(file: FileHandle, folder: string) {
    this.#file = file;
    this.#folder = folder;
  }

  static async create(): Promise<RecordFile> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-records-'));
    const file = new RecordFile(await open(join(folder, 'records'), 'wx+'), folder);
    // Where an open file cannot be unlinked, close() removes it.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    return file;
  }

  /** Gives the offset that `at` takes. */
  async add(record: object): Promise<number> {
    const offset = this.#written + this.#waitingBytes;
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.#flush();
    return offset;
  }

  async at<T>(offset: number): Promise<T> {
    await this.#flush();
    const parts: Buffer[] = [];
    for (let position = offset; ; ) {
      const part = this.#read(position, READ_BYTES * 2 ** Math.min(8, parts.length));
      const end = part.indexOf(NEWLINE);
      parts.push(end === -1 ? part : part.subarray(0, end));
      if (end !== -1 || part.length === 0) return JSON.parse(Buffer.concat(parts).toString());
      position += part.length;
    }
  }

  /** All records, in order. */
  async *all<T>(): AsyncGenerator<{ offset: number; record: T }, void, void> {
    await this.#flush();
    let offset = 0;
    for await (const lines of cutLines(this.#chunks(), Number.MAX_SAFE_INTEGER)) {
      for (const { bytes } of lines) {
        yield { offset, record: JSON.parse(bytes.toString()) };
        offset += bytes.length + 1;
      }
    }
  }

  async close(): Promise<void> {
    this.#waiting = [];
    const folder = this.#folder;
    if (folder === undefined) return;
    this.#folder = undefined;
    await this.#file.close();
    await rm(folder, { recursive: true, force: true });
  }

  async *#chunks(): AsyncGenerator<Buffer, void, void> {
    for (let position = 0; position < this.#written; ) {
      const chunk = this.#read(position, WRITE_BYTES);
      position += chunk.length;
      yield chunk;
    }
  }

  /** Synchronous: the page cache answers in microseconds, handing the read to a thread and back costs twenty times that. */
  #read(position: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.#written - position)));
    const bytesRead = readSync(this.#file.fd, buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new Error(`the temporary file of records ends before byte ${position}`);
    return buffer.subarray(0, bytesRead);
  }

  async #flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const bytes = Buffer.concat(this.#waiting.splice(0));
    this.#waitingBytes = 0;
    await this.#file.appendFile(bytes);
    this.#written += bytes.length;
  }
}

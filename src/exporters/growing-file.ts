import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, writeFailure } from '../io/disk-errors.ts';

/** Small pieces are gathered to writes of this many bytes. */
const WRITE_BYTES = 1_000_000;

/**
 * A file that only grows, so that an export that was cut off goes on at a size it remembers. Errors are FatalError
 * STORE_FULL or STORE_WRITE_FAILED.
 */
export class GrowingFile {
  readonly path: string;
  readonly #file: FileHandle;
  #written: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  private constructor(path: string, file: FileHandle, size: number) {
    this.path = path;
    this.#file = file;
    this.#written = size;
  }

  /** Makes the file, and its folder, or cuts what an earlier attempt left beyond `size`. */
  static async open(path: string, size = 0): Promise<GrowingFile> {
    try {
      const file = await openOrMake(path);
      try {
        await file.truncate(size);
        return new GrowingFile(path, file, size);
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw writeFailure(error, path);
    }
  }

  /** In bytes, with what still waits to be written. */
  get size(): number {
    return this.#written + this.#waitingBytes;
  }

  /** `data` must not be changed afterwards. */
  async append(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= WRITE_BYTES) await this.flush();
  }

  /** Hands everything to the system. */
  async flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    try {
      await this.#write(this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting));
    } catch (error) {
      throw writeFailure(error, this.path);
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Resolves when everything is on the disk. */
  async sync(): Promise<void> {
    await this.flush();
    try {
      await this.#file.datasync();
    } catch (error) {
      throw writeFailure(error, this.path);
    }
  }

  /** Takes back what was appended after the file had `size` bytes. */
  async cut(size: number): Promise<void> {
    await this.flush();
    try {
      await this.#file.truncate(size);
    } catch (error) {
      throw writeFailure(error, this.path);
    }
    this.#written = size;
  }

  /** Lets go of the file; what was not flushed is lost. */
  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    // A write may be short without an error, on a disk that is nearly full.
    for (let done = 0; done < bytes.length; ) {
      const position = this.#written + done;
      done += (await this.#file.write(bytes, done, bytes.length - done, position)).bytesWritten;
    }
    this.#written += bytes.length;
  }
}

async function openOrMake(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true });
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return open(path, 'w');
  }
}

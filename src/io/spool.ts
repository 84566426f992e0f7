import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFailure } from './disk-errors.ts';

/** A payload on its way to a file of its own, `<spoolDir>/<random>.part`. */
export class Spool implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  #kept = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Throws FatalError STORE_FULL or STORE_WRITE_FAILED, as every call here does. */
  static async create(spoolDir: string): Promise<Spool> {
    const path = join(spoolDir, `${randomUUID()}.part`);
    try {
      return new Spool(path, await open(path, 'wx'));
    } catch (error) {
      throw writeFailure(error, path);
    }
  }

  /** Resolves when the bytes are written; the caller may then use the buffer again. */
  async write(data: Buffer): Promise<void> {
    try {
      for (let done = 0; done < data.length; ) {
        done += (await this.#file.write(data, done, data.length - done)).bytesWritten;
      }
    } catch (error) {
      throw writeFailure(error, this.path);
    }
  }

  /** Keeps the file: it is the caller's from now on. */
  keep(): string {
    this.#kept = true;
    return this.path;
  }

  /** Closes the file, and removes it unless it was kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (!this.#kept) await rm(this.path, { force: true });
  }
}

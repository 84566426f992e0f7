import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { asError, RetryableError } from '../../model/errors.ts';
import { statFingerprint } from '../fingerprint.ts';
import type { RandomAccess } from './random-access.ts';

const CHUNK = 256 * 1024;

/** A local file under one descriptor, shared by all who read it and closed when the last lets go. */
export class LocalFile implements RandomAccess {
  readonly name: string;
  readonly size: number;
  readonly fingerprint: string;
  #handle: Promise<FileHandle> | undefined;
  #holders = 1;

  private constructor(path: string, handle: FileHandle, stats: BigIntStats) {
    this.name = path;
    this.#handle = Promise.resolve(handle);
    this.size = Number(stats.size);
    this.fingerprint = statFingerprint(stats);
  }

  /** Opens and holds the file; throws the file system's own error. */
  static async open(path: string): Promise<LocalFile> {
    const handle = await open(path, 'r');
    try {
      return new LocalFile(path, handle, await handle.stat({ bigint: true }));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async acquire(): Promise<void> {
    this.#holders++;
    this.#handle ??= this.#reopen();
    try {
      await this.#handle;
    } catch (error) {
      this.#holders--;
      if (this.#holders === 0) this.#handle = undefined;
      throw error;
    }
  }

  async release(): Promise<void> {
    this.#holders--;
    if (this.#holders > 0) return;
    const handle = this.#handle;
    this.#handle = undefined;
    await (await handle)?.close();
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const handle = await this.#handle;
    if (handle === undefined) throw new Error(`${this.name} is read without being held`);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
      if (bytesRead === 0) {
        throw new RetryableError('INPUT_READ_FAILED', `${this.name} ends before byte ${offset + length}`, {
          measured: offset + done,
          limit: offset + length,
        });
      }
      done += bytesRead;
    }
    return buffer;
  }

  async *stream(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const chunk = await this.read(at, Math.min(CHUNK, end - at));
      at += chunk.length;
      yield chunk;
    }
  }

  async changed(): Promise<boolean> {
    // By path, not by descriptor: a file put in the place of this one is a change as well.
    const stats = await stat(this.name, { bigint: true }).catch(() => undefined);
    return stats === undefined || statFingerprint(stats) !== this.fingerprint;
  }

  async #reopen(): Promise<FileHandle> {
    const handle = await open(this.name, 'r').catch((error: unknown) => {
      throw new RetryableError(
        'INPUT_CHANGED_WHILE_READ',
        `${this.name} can no longer be opened: ${asError(error).message}`,
        {
          cause: error,
        },
      );
    });
    try {
      const now = statFingerprint(await handle.stat({ bigint: true }));
      if (now === this.fingerprint) return handle;
      throw new RetryableError('INPUT_CHANGED_WHILE_READ', `${this.name} changed since it was listed`, {
        measured: now,
        limit: this.fingerprint,
      });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
}

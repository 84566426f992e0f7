import { createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { writeFailure } from '../../../io/disk-errors.ts';

/** So many bytes of copies are kept, and so many copies in any case, for several are read at once. */
const KEPT_BYTES = 4_000_000_000;
const KEPT_COPIES = 32;

/** Copies of objects in a temporary folder, the oldest removed when they are too many. */
export class LocalCopies {
  /** By path in the store, the one used last at the end. */
  readonly #copies = new Map<string, Promise<{ file: string; bytes: number } | undefined>>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;
  #count = 0;
  #folder: Promise<string> | undefined;

  /** The file that has the bytes of `path`, which `open` gives; undefined where there are none. */
  async of(path: string, open: () => Promise<Readable | undefined>): Promise<string | undefined> {
    const known = this.#copies.get(path);
    const made = known ?? this.#make(open);
    this.#copies.delete(path);
    this.#copies.set(path, made);
    const copy = await made.catch((error: unknown) => {
      this.#copies.delete(path);
      throw error;
    });
    if (copy === undefined) {
      this.#copies.delete(path);
      return undefined;
    }
    if (known === undefined) {
      this.#sizes.set(path, copy.bytes);
      this.#bytes += copy.bytes;
      await this.#trim();
    }
    return copy.file;
  }

  close(): void {
    void this.#folder?.then((folder) => rmSync(folder, { recursive: true, force: true })).catch(() => {});
  }

  async #make(
    open: () => Promise<Readable | undefined>,
  ): Promise<{ file: string; bytes: number } | undefined> {
    const stream = await open();
    if (stream === undefined) return undefined;
    this.#folder ??= mkdtemp(join(tmpdir(), 'sluice-copies-'));
    const file = join(await this.#folder, String(this.#count++));
    const to = createWriteStream(file, { flags: 'wx' });
    let broken: unknown;
    to.on('error', (error) => {
      broken = error;
    });
    try {
      await pipeline(stream, to);
    } catch (error) {
      await rm(file, { force: true });
      throw error === broken ? writeFailure(error, file) : error;
    }
    return { file, bytes: (await stat(file)).size };
  }

  async #trim(): Promise<void> {
    for (const [path, bytes] of this.#sizes) {
      if (this.#bytes <= KEPT_BYTES || this.#sizes.size <= KEPT_COPIES) return;
      const copy = await this.#copies.get(path)?.catch(() => undefined);
      this.#copies.delete(path);
      this.#sizes.delete(path);
      this.#bytes -= bytes;
      if (copy !== undefined) await rm(copy.file, { force: true });
    }
  }
}

import { type Pack, pack } from 'tar-stream';
import { GrowingFile } from '../growing-file.ts';

/** Of tar: a header takes one, contents are filled up to whole ones. */
const BLOCK = 512;

/** Bytes that an entry takes. */
export const entryBytes = (size: number): number => BLOCK + Math.ceil(size / BLOCK) * BLOCK;
/** What every entry has, so that equal contents make equal archives. */
const FIXED = { mode: 0o644, uid: 0, gid: 0, mtime: new Date(0), type: 'file' } as const;

/** A tar archive that grows entry by entry, and that can go on where it was synced. */
export class TarFile {
  readonly #file: GrowingFile;
  #pack: Pack;
  /** Ends when the archive does. */
  #pumped: Promise<void>;
  /** Of all entries that were added, in bytes. */
  #size: number;
  #onWritten: (() => void) | undefined;

  private constructor(file: GrowingFile) {
    this.#file = file;
    this.#size = file.size;
    this.#pack = pack();
    this.#pumped = this.#pump();
  }

  /** Makes the archive, or cuts what an earlier attempt left beyond `size`. */
  static async open(path: string, size = 0): Promise<TarFile> {
    return new TarFile(await GrowingFile.open(path, size));
  }

  /** In bytes, as it is on the disk after `sync`. */
  get size(): number {
    return this.#size;
  }

  /**
   * `name` has at most 100 bytes of ASCII; the pieces have `size` bytes together. Throws what the pieces throw, and then
   * there is no such entry.
   */
  async add(name: string, size: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const end = this.#size + entryBytes(size);
    try {
      await this.#write(name, size, pieces);
      await this.#reached(end);
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
    this.#size = end;
  }

  /** Resolves when all entries are on the disk. */
  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** Writes the end of the archive, waits until all is on the disk, and closes. */
  async finish(): Promise<void> {
    this.#pack.finalize();
    await this.#pumped;
    await this.#file.sync();
    await this.#file.close();
  }

  /** Closes an archive that is not to be finished. */
  async abandon(): Promise<void> {
    await this.#stop();
    await this.#file.close();
  }

  async #write(name: string, size: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const done = Promise.withResolvers<void>();
    // Of an entry that breaks off, the pieces' own error tells more.
    done.promise.catch(() => {});
    const entry = this.#pack.entry({ ...FIXED, name, size }, (error) => {
      if (error) done.reject(error);
      else done.resolve();
    });
    entry.on('error', done.reject);
    for await (const piece of pieces) {
      if (entry.write(piece)) continue;
      const drained = new Promise<void>((resolve) => entry.once('drain', resolve));
      await Promise.race([drained, this.#pumped, done.promise]);
    }
    entry.end(undefined);
    await Promise.race([done.promise, this.#pumped]);
  }

  async #pump(): Promise<void> {
    for await (const chunk of this.#pack) {
      await this.#file.append(chunk as Buffer);
      this.#onWritten?.();
    }
  }

  /** Resolves when all of the archive up to there was handed to the file. */
  async #reached(end: number): Promise<void> {
    if (this.#file.size === end) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onWritten = () => {
      if (this.#file.size === end) resolve();
    };
    await Promise.race([promise, this.#pumped]);
    this.#onWritten = undefined;
  }

  async #takeBack(): Promise<void> {
    await this.#stop();
    await this.#file.cut(this.#size);
    this.#pack = pack();
    this.#pumped = this.#pump();
  }

  async #stop(): Promise<void> {
    this.#pack.on('error', () => {});
    this.#pack.destroy();
    await this.#pumped.catch(() => {});
  }
}

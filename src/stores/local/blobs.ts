import { constants } from 'node:fs';
import { copyFile, link, mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import PQueue from 'p-queue';
import { errnoOf } from '../../io/disk-errors.ts';
import { statFingerprint } from '../../io/fingerprint.ts';
import { joinPlace } from '../../io/place.ts';
import type { ReadyItem } from '../../model/contracts.ts';
import type { StoreFiles } from './files/store-files.ts';
import type { StorePaths } from './layout.ts';

/** Blobs that are written at once; many, for each step waits in libuv's queue behind the images being decoded. */
const WRITES = 64;

export type MediaPolicy = 'copy' | 'hardlink' | 'reference';

export const blobPath = (blobs: string, sha256: string): string =>
  joinPlace(blobs, sha256.slice(0, 2), sha256);

/** Bytes on their way to be a blob: there already, or in a file that waits to be renamed. */
export interface StagedBlob {
  sha256: string;
  bytes: number;
  /** Undefined when a blob with this hash and size is there already. */
  part: string | undefined;
}

/**
 * Brings payloads into `blobs/`, content-addressed.
 *
 * Bytes are written as soon as they come, into as many folders as the blobs have: one folder for all made creating
 * 3 000 files of 100 kB three times slower on ext4. They are synced and renamed as a group, before the rows that
 * name them are committed; into a bucket they are uploaded then.
 */
export class BlobWriter {
  readonly #blobs: string;
  readonly #files: StoreFiles;
  readonly #staging: string;
  readonly #policy: MediaPolicy;
  readonly #folders = new Map<string, Promise<unknown>>();
  readonly #writing = new PQueue({ concurrency: WRITES });
  #count = 0;
  /** False once this file system has refused to clone. */
  #clones = true;

  /** `staging` is this writer's own folder on this machine, on the file system of `blobs` if that is one. */
  constructor({ blobs, files }: StorePaths, staging: string, policy: MediaPolicy) {
    this.#blobs = blobs;
    this.#files = files;
    this.#staging = staging;
    this.#policy = policy;
  }

  /** In the order of the calls, so that the first batches are complete while later ones are written. */
  stage(ready: ReadyItem): Promise<StagedBlob> {
    return this.#writing.add(() => this.#stage(ready));
  }

  async #stage(ready: ReadyItem): Promise<StagedBlob> {
    const { sha256, bytes, payload } = ready;
    const present = (await this.#files.sizeOf(blobPath(this.#blobs, sha256))) === bytes;
    if (present || 'unchanged' in payload) return { sha256, bytes, part: undefined };
    const part = join(this.#staging, sha256.slice(0, 2), `${sha256}.${this.#count++}`);
    await this.#folder(dirname(part));
    if (this.#policy === 'hardlink' && (await this.#linked(ready, part))) return { sha256, bytes, part };
    if ('spool' in payload) return { sha256, bytes, part: payload.spool };
    if (!(await this.#cloned(ready, part))) await writeFile(part, payload.buffer, { flag: 'wx' });
    return { sha256, bytes, part };
  }

  /** Makes staged blobs durable under their names. */
  async publish(staged: readonly StagedBlob[]): Promise<void> {
    const parts = new Map<string, string>();
    const twins: string[] = [];
    for (const { sha256, part } of staged) {
      if (part === undefined) continue;
      if (parts.has(sha256)) twins.push(part);
      else parts.set(sha256, part);
    }
    const moves = [...parts].map(([sha256, from]) => ({ from, to: blobPath(this.#blobs, sha256) }));
    await this.#files.adopt(moves);
    // A blob that was there may be the work of a process killed before it synced the name.
    const found = staged.filter(({ part }) => part === undefined);
    await this.#files.sync(found.map(({ sha256 }) => dirname(blobPath(this.#blobs, sha256))));
    await this.#files.sync([this.#blobs]);
    for (const twin of twins) await rm(twin, { force: true });
  }

  /** Removes what was staged and is not needed. */
  async discard(staged: readonly StagedBlob[]): Promise<void> {
    for (const { part } of staged) if (part !== undefined) await rm(part, { force: true });
  }

  #folder(path: string): Promise<unknown> {
    const made = this.#folders.get(path) ?? mkdir(path, { recursive: true });
    this.#folders.set(path, made);
    return made;
  }

  /** A link to the source file; false where that cannot be, or where the file is no longer the one that was read. */
  async #linked(ready: ReadyItem, part: string): Promise<boolean> {
    const { file } = ready.item;
    if (file === undefined) return false;
    try {
      // link(2) would link a symbolic link itself.
      await link(await realpath(file), part);
    } catch {
      return false;
    }
    if (await isAsRead(part, ready)) return true;
    await rm(part);
    return false;
  }

  /** A copy-on-write clone of the source file, where the file system has that. */
  async #cloned(ready: ReadyItem, part: string): Promise<boolean> {
    const { file } = ready.item;
    if (!this.#clones || file === undefined) return false;
    try {
      await copyFile(file, part, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    } catch (error) {
      // The source may have gone, or lie elsewhere; the bytes are in memory.
      if (errnoOf(error) !== 'ENOENT') this.#clones = false;
      return false;
    }
    if (await isAsRead(file, ready)) return true;
    await rm(part);
    return false;
  }
}

/** Whether a source file still has the size and time that it had when its bytes were read and hashed. */
async function isAsRead(path: string | Buffer, { bytes, item }: ReadyItem): Promise<boolean> {
  const stats = await stat(path, { bigint: true });
  return Number(stats.size) === bytes && item.fingerprint === statFingerprint(stats);
}

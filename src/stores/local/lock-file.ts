import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';

/** File systems without hard links answer one of these (FAT, some network file systems). */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EISDIR', 'UNKNOWN']);

/** Who holds, or last held, the lock. */
export interface LockOwner {
  pid: number;
  /** Where the process id counts; see `processSpace`. */
  space: string;
  host: string;
  /** When the process began, in the platform's own words. */
  processStart?: string;
  runId: string;
  acquiredAt: string;
  /** Set when the owner let go. */
  released?: true;
}

export interface LockEntry {
  generation: number;
  /** Undefined while the file is being written, on file systems without hard links. */
  owner: LockOwner | undefined;
  /** Milliseconds since the epoch. */
  heartbeat: number;
}

/** Where the numbered owners of a lock are kept; see `LockFiles`. */
export interface LockPlace {
  /** In order; none where nobody ever held it. */
  generations(): Promise<number[]>;
  newest(): Promise<LockEntry | undefined>;
  /** Returns false when another process took this number first. */
  take(generation: number, owner: LockOwner): Promise<boolean>;
  /** Of a number that is not the newest. */
  remove(generation: number): Promise<void>;
  beat(generation: number, now: number): Promise<void>;
  /** Marks the lock as free; the number stays taken. */
  release(generation: number, owner: LockOwner): Promise<void>;
}

/** The name of a numbered owner. */
export const lockName = (generation: number): string => `${String(generation).padStart(12, '0')}.json`;

/**
 * The numbered owners of a lock, one file each, `<generation>.json`.
 *
 * The newest file is never deleted, only followed by the next number, so a number once taken is never taken again by
 * somebody who looked too early: whoever takes number n + 1 and then sees none above it is the owner.
 */
export class LockFiles implements LockPlace {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #path(generation: number): string {
    return join(this.#folder, lockName(generation));
  }

  async generations(): Promise<number[]> {
    const names = await readdir(this.#folder);
    return names
      .filter((name) => /^\d{12}\.json$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  }

  async newest(): Promise<LockEntry | undefined> {
    const generation = (await this.generations()).at(-1);
    if (generation === undefined) return undefined;
    const path = this.#path(generation);
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
      return { generation, owner: parseOwner(text), heartbeat: mtimeMs };
    } catch (error) {
      // A newer owner has cleared it away meanwhile.
      if (errnoOf(error) === 'ENOENT') return this.newest();
      throw error;
    }
  }

  /** Returns false when another process took this number first. Throws FatalError STORE_FULL or STORE_WRITE_FAILED. */
  async take(generation: number, owner: LockOwner): Promise<boolean> {
    const path = this.#path(generation);
    const text = JSON.stringify(owner);
    const draft = join(this.#folder, `${randomUUID()}.draft`);
    try {
      // Linked, not written in place, so that nobody ever reads half an owner.
      await writeFile(draft, text);
      try {
        await link(draft, path);
      } catch (error) {
        if (!NO_LINKS.has(errnoOf(error) ?? '')) throw error;
        await using file = await open(path, 'wx');
        await file.writeFile(text);
      }
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw writeFailure(error, path);
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** Of a number that is not the newest. */
  async remove(generation: number): Promise<void> {
    await rm(this.#path(generation), { force: true });
  }

  async beat(generation: number, now: number): Promise<void> {
    await utimes(this.#path(generation), now / 1000, now / 1000);
  }

  /** Marks the lock as free; the file stays, for its number. */
  async release(generation: number, owner: LockOwner): Promise<void> {
    await writeFileAtomic(this.#path(generation), JSON.stringify({ ...owner, released: true }));
  }
}

/** Undefined for what is no owner. */
export function parseOwner(text: string): LockOwner | undefined {
  try {
    return JSON.parse(text) as LockOwner;
  } catch {
    return undefined;
  }
}

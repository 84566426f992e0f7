import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { asError } from '../model/errors.ts';
import type { ExternalSortOptions } from './external-sort.ts';
import { type Look, look, type SymlinkPolicy } from './look.ts';
import { joinRaw, nativePath, type RawPath, toRaw } from './raw-path.ts';
import { type SortedDirectory, sortedDirectory } from './sorted-directory.ts';

/** Entries looked at together. A directory ends the group, so that no `stats` is older than its group. */
const LOOK_AT_ONCE = 128;

export interface WalkOptions<Reason> extends ExternalSortOptions {
  symlinks: SymlinkPolicy;
  signal: AbortSignal;
  /**
   * Why a directory is left out with all below it; undefined to read it. `path` is relative to the root, `real`
   * absolute and without links.
   */
  prune(path: RawPath, real: RawPath): Promise<Reason | undefined>;
}

/** What was found at `path`, relative to the root. */
export type WalkEntry<Reason> = { path: RawPath } & (
  | Exclude<Look, { type: 'folder' }>
  | { type: 'pruned'; by: Reason }
  /** A directory whose names could not be read. */
  | { type: 'unreadable'; error: Error }
  /** The names of a directory were read. */
  | {
      type: 'entered';
      /** Whether it changed meanwhile, so that names may be missing. */
      changed: boolean;
    }
);

type Found = { path: RawPath } & (Look | { type: 'unreadable'; error: Error });
type FoundFolder = Extract<Found, { type: 'folder' }>;

/**
 * Everything below `root` (absolute, without links) in the byte order of the full relative paths.
 *
 * Opens nothing but directories, and holds at most `spillAfter` names for each level of depth. Throws the signal's
 * reason; what the file system refuses is an entry.
 */
export async function* walk<Reason>(
  root: string,
  options: WalkOptions<Reason>,
): AsyncGenerator<WalkEntry<Reason>, void, void> {
  const walker = new Walker(toRaw(root), options);
  try {
    yield await walker.start();
    for (;;) {
      const found = await walker.next();
      options.signal.throwIfAborted();
      if (found === undefined) return;
      yield found.type === 'folder' ? await walker.enter(found) : found;
    }
  } finally {
    await walker.close();
  }
}

/** The directories from the root down to where the walk is. */
class Walker<Reason> {
  readonly #root: RawPath;
  readonly #options: WalkOptions<Reason>;
  readonly #open: {
    identity: string;
    directory: SortedDirectory;
    found: AsyncGenerator<Found, void, void>;
  }[] = [];
  readonly #followed = new Set<string>();

  constructor(root: RawPath, options: WalkOptions<Reason>) {
    this.#root = root;
    this.#options = options;
  }

  async start(): Promise<WalkEntry<Reason>> {
    const path = '' as RawPath;
    const top = await look(this.#root, this.#root, this.#options.symlinks);
    if (top.type === 'folder') return this.enter({ ...top, path });
    const error = top.type === 'unknown' ? top.error : new Error('it is no longer a folder');
    return { path, type: 'unreadable', error };
  }

  /** What comes next in the deepest open directory; undefined when all are done. */
  async next(): Promise<Found | undefined> {
    for (;;) {
      const deepest = this.#open.at(-1);
      if (deepest === undefined) return undefined;
      const { done, value } = await deepest.found.next();
      if (!done) return value;
      this.#open.pop();
      await deepest.directory.close();
    }
  }

  /** Reads the names of a directory, which are then what comes next. */
  async enter(folder: FoundFolder): Promise<WalkEntry<Reason>> {
    const { path, real, stats } = folder;
    const identity = `${stats.dev}:${stats.ino}`;
    const why = folder.viaLink ? this.#whyNotFollowed(identity) : undefined;
    if (why !== undefined) return { path, type: 'link', why };
    const by = await this.#options.prune(path, real);
    if (by !== undefined) return { path, type: 'pruned', by };
    let directory: SortedDirectory;
    try {
      directory = await sortedDirectory(real, {
        ...this.#options,
        followLinks: this.#options.symlinks === 'follow',
      });
    } catch (error) {
      this.#options.signal.throwIfAborted();
      return { path, type: 'unreadable', error: asError(error) };
    }
    this.#open.push({ identity, directory, found: this.#lookAhead(folder, directory) });
    if (folder.viaLink) this.#followed.add(identity);
    return { path, type: 'entered', changed: await changedSince(real, stats) };
  }

  async close(): Promise<void> {
    for (const { directory } of this.#open) await directory.close();
  }

  #whyNotFollowed(identity: string): string | undefined {
    if (this.#open.some((above) => above.identity === identity)) return 'it leads back to a folder above it';
    // Each folder once: those that link to each other would otherwise be listed along every path between them.
    return this.#followed.has(identity) ? 'another link to the same folder was followed' : undefined;
  }

  async *#lookAhead(folder: FoundFolder, directory: SortedDirectory): AsyncGenerator<Found, void, void> {
    let group: Promise<Found>[] = [];
    for await (const name of directory.names) {
      const isFolder = name.endsWith('/');
      const bare = (isFolder ? name.slice(0, -1) : name) as RawPath;
      group.push(this.#look(joinRaw(folder.real, bare), joinRaw(folder.path, bare), isFolder));
      if (!isFolder && group.length < LOOK_AT_ONCE) continue;
      yield* await Promise.all(group);
      group = [];
    }
    yield* await Promise.all(group);
  }

  async #look(absolute: RawPath, path: RawPath, isFolder: boolean): Promise<Found> {
    const found = await look(absolute, this.#root, this.#options.symlinks);
    if (isFolder && found.type === 'unknown') return { path, type: 'unreadable', error: found.error };
    return { ...found, path };
  }
}

async function changedSince(folder: RawPath, before: BigIntStats): Promise<boolean> {
  try {
    return (await stat(nativePath(folder), { bigint: true })).mtimeNs !== before.mtimeNs;
  } catch {
    return true;
  }
}

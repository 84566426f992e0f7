import { opendir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyTable } from '../io/key-table.ts';
import { look } from '../io/look.ts';
import { joinRaw, nativePath, type RawPath, rawUri, toRaw } from '../io/raw-path.ts';
import { walk } from '../io/walk.ts';
import type { Context, SourceItem } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import { itemPath, spellings } from './item-path.ts';
import type { PathPattern } from './path-pattern.ts';
import { isAnotherFile } from './same-file.ts';

/** The label file of one item. */
export interface Companion {
  uri: string;
  /** Absolute. */
  file: string | Buffer;
  /** Another item was given it before, so that nobody can tell whose it is. */
  contested: boolean;
}

/**
 * Files that hold the labels of one item each, found by a pattern of their paths. Which were taken is known in flat
 * memory.
 */
export class CompanionFiles {
  readonly #base: string;
  readonly #pattern: PathPattern;
  readonly #taken = new KeyTable({ values: false });
  #root = '' as RawPath;

  constructor(base: string, pattern: PathPattern) {
    this.#base = base;
    this.#pattern = pattern;
  }

  /** Throws FatalError SOURCE_NOT_FOUND, also where the folder that all of them lie in is not there. */
  async open(): Promise<void> {
    const { folder, text } = this.#pattern;
    try {
      this.#root = toRaw(await realpath(this.#base));
      await (await opendir(join(this.#base, folder))).close();
    } catch (error) {
      const what = folder === '' ? this.#base : `${folder}, where ${text} would be,`;
      throw new FatalError('SOURCE_NOT_FOUND', `the folder ${what} cannot be opened`, { cause: error });
    }
  }

  owns(uri: string): boolean {
    return this.#pattern.matches(uri.startsWith('./') ? uri.slice(2) : uri);
  }

  /** The file of an item, which is thereby taken. */
  async find(item: SourceItem): Promise<Companion | undefined> {
    const own = itemPath(item, this.#base);
    if (own === undefined) return undefined;
    for (const spelling of spellings(own)) {
      const path = this.#pattern.expand(spelling);
      const real = path === undefined ? undefined : await this.#fileAt(path);
      if (path === undefined || real === undefined) continue;
      // In another spelling it may be for an item whose name is just that.
      if (spelling !== own && (await isAnotherFile(this.#root, spelling, own))) continue;
      return { uri: rawUri(toRaw(path)), file: nativePath(real), contested: !this.#taken.set(path) };
    }
    return undefined;
  }

  /** The files of the pattern that no item took. */
  async *untaken(ctx: Context): AsyncGenerator<string, void, void> {
    const folder = toRaw(this.#pattern.folder);
    const below = folder === '' ? this.#root : joinRaw(this.#root, folder);
    if ((await look(below, this.#root, 'skip')).type !== 'folder') return;
    const entries = walk(nativePath(below).toString(), {
      symlinks: 'files',
      signal: ctx.signal,
      prune: async () => undefined,
    });
    for await (const entry of entries) {
      if (entry.type !== 'file') continue;
      const raw = folder === '' ? entry.path : joinRaw(folder, entry.path);
      const path = nativePath(raw);
      const isOne = this.#pattern.matches(path.toString());
      if (isOne && (typeof path !== 'string' || !(await this.#isTaken(path)))) yield rawUri(raw);
    }
  }

  async #isTaken(path: string): Promise<boolean> {
    for (const spelling of spellings(path)) {
      if (
        this.#taken.has(spelling) &&
        (spelling === path || !(await isAnotherFile(this.#root, spelling, path)))
      )
        return true;
    }
    return false;
  }

  /** Without links, and inside the source. */
  async #fileAt(path: string): Promise<RawPath | undefined> {
    const found = await look(joinRaw(this.#root, toRaw(path)), this.#root, 'files');
    return found.type === 'file' ? found.real : undefined;
  }
}

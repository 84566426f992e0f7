import { createReadStream } from 'node:fs';
import { mkdir, open, opendir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { syncFolder, writeFileAtomic } from '../../../io/atomic.ts';
import { errnoOf, writeFailure } from '../../../io/disk-errors.ts';
import { moveDurably, sizeOf, syncFiles, syncFolders } from '../durability.ts';
import { LockFiles } from '../lock-file.ts';
import type { Move, StoredFile, StoreFiles } from './store-files.ts';

/** The files of a store in a folder, all on one file system. */
export class FolderFiles implements StoreFiles {
  readonly #made = new Map<string, Promise<unknown>>();

  async read(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(path);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async write(path: string, data: string | Uint8Array): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, data);
  }

  async create(path: string, data: string): Promise<boolean> {
    try {
      await using file = await open(path, 'wx');
      await file.writeFile(data);
      await file.sync();
      await syncFolder(dirname(path));
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw writeFailure(error, path);
    }
  }

  remove(path: string): Promise<void> {
    return rm(path, { force: true });
  }

  sizeOf(path: string): Promise<number | undefined> {
    return sizeOf(path);
  }

  async open(path: string): Promise<Readable | undefined> {
    try {
      // Opened here, so that what is wrong is thrown and not only emitted.
      const file = await open(path, 'r');
      return createReadStream('', { fd: file });
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async names(folder: string): Promise<string[]> {
    try {
      return (await readdir(folder)).sort();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
      throw error;
    }
  }

  async *walk(top: string): AsyncGenerator<StoredFile> {
    if ((await sizeOf(top)) === undefined) return;
    for await (const folder of await opendir(top)) {
      if (!folder.isDirectory()) continue;
      for await (const entry of await opendir(join(top, folder.name))) {
        const path = join(top, folder.name, entry.name);
        try {
          const { size, mtimeMs } = await stat(path);
          yield { name: entry.name, path, bytes: size, modifiedAt: mtimeMs };
        } catch (error) {
          if (errnoOf(error) !== 'ENOENT') throw error;
        }
      }
    }
  }

  async adopt(moves: readonly Move[]): Promise<void> {
    await syncFiles(moves.map(({ from }) => from));
    for (const { to } of moves) await this.#folder(dirname(to));
    await moveDurably(moves);
  }

  sync(folders: Iterable<string>): Promise<void> {
    return syncFolders(folders);
  }

  async makeFolders(folders: readonly string[]): Promise<void> {
    for (const folder of folders) {
      try {
        await mkdir(folder, { recursive: true });
      } catch (error) {
        throw writeFailure(error, folder);
      }
    }
  }

  async localCopy(path: string): Promise<string> {
    return path;
  }

  lock(folder: string): LockFiles {
    return new LockFiles(folder);
  }

  async tableOptions(): Promise<object> {
    return {};
  }

  close(): void {}

  #folder(path: string): Promise<unknown> {
    const made = this.#made.get(path) ?? mkdir(path, { recursive: true });
    this.#made.set(path, made);
    return made;
  }
}

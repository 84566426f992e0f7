import type { Readable } from 'node:stream';
import type { Clock } from '../../../model/contracts.ts';
import type { LockPlace } from '../lock-file.ts';

/** A file of a store. */
export interface StoredFile {
  name: string;
  path: string;
  bytes: number;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

export interface Move {
  /** A file of this machine. */
  from: string;
  /** In the store. */
  to: string;
}

/**
 * The files of a store, in a folder or in a bucket. Paths are those of `StorePaths` and what is joined to them. What is
 * written is there whole or not at all, and durable when the call returns.
 *
 * Writes throw FatalError STORE_FULL or STORE_WRITE_FAILED; of a bucket every call may throw STORE_NOT_FOUND,
 * STORE_ACCESS_DENIED or STORE_UNREACHABLE.
 */
export interface StoreFiles {
  /** Undefined where there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  write(path: string, data: string | Uint8Array): Promise<void>;
  /** False where there is such a file, which stays as it is: of several that try at once, one succeeds. */
  create(path: string, data: string): Promise<boolean>;
  /** Also where there is none. */
  remove(path: string): Promise<void>;
  /** In bytes; undefined where there is no such file. */
  sizeOf(path: string): Promise<number | undefined>;
  /** Undefined where there is no such file. */
  open(path: string): Promise<Readable | undefined>;
  /** Names directly below a folder, sorted; none where there is no such folder. */
  names(folder: string): Promise<string[]>;
  /** Files one folder below this one, streamed; none where there is no such folder. */
  walk(folder: string): AsyncGenerator<StoredFile>;
  /** Brings files of this machine to their places; nothing is left of them where they were. */
  adopt(moves: readonly Move[]): Promise<void>;
  /** Makes the names in folders durable. */
  sync(folders: Iterable<string>): Promise<void>;
  makeFolders(folders: readonly string[]): Promise<void>;
  /** A file of this machine with the same bytes, to be read soon; undefined where it is known that there is none. */
  localCopy(path: string): Promise<string | undefined>;
  lock(folder: string, clock: Clock): LockPlace;
  /** Beside the address, what LanceDB needs to reach the tables. */
  tableOptions(): Promise<{ storageOptions?: Record<string, string> }>;
  /** Local copies go. */
  close(): void;
}

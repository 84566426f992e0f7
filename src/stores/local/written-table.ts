import type { Context } from '../../model/contracts.ts';
import { asError } from '../../model/errors.ts';
import { AUTOMATIC_BYTES, type Fragmentation, isFragmented, readFragmentation } from './compaction.ts';
import { TableSync } from './durability.ts';
import { storeFailure, type Table } from './lance.ts';

/**
 * Old versions stay readable for so long after they were replaced; a listing that takes longer goes on with the
 * newest version (see `listing.ts`).
 */
const RETAIN_MS = 10 * 60_000;

/**
 * The writing side of a table: one write at a time, each one durable when it returns.
 *
 * What throws is a SluiceError: FatalError STORE_FULL or STORE_WRITE_FAILED, or RetryableError.
 */
export class WrittenTable {
  readonly table: Table;
  readonly #root: string;
  readonly #sync: TableSync;
  readonly #ctx: Context;
  readonly #automaticBytes: number;
  #writing: Promise<unknown> = Promise.resolve();
  #fragmentation: Fragmentation;
  #saidTooWide = false;

  private constructor(
    table: Table,
    root: string,
    folder: string,
    fragmentation: Fragmentation,
    ctx: Context,
    automaticBytes: number,
  ) {
    this.#automaticBytes = automaticBytes;
    this.table = table;
    this.#root = root;
    this.#sync = new TableSync(folder);
    this.#fragmentation = fragmentation;
    this.#ctx = ctx;
  }

  /** `root` is the store, for messages; `folder` is the table's. Above `automaticBytes` it is compacted only on request. */
  static async open(
    table: Table,
    root: string,
    folder: string,
    ctx: Context,
    automaticBytes: number = AUTOMATIC_BYTES,
  ): Promise<WrittenTable> {
    return new WrittenTable(table, root, folder, await readFragmentation(table), ctx, automaticBytes);
  }

  /** Runs one write that adds a fragment of so many rows and bytes. */
  async add(added: { rows: number; bytes: number }, work: () => Promise<unknown>): Promise<void> {
    await this.write(work);
    const { fragments, rows, bytes } = this.#fragmentation;
    this.#fragmentation = { fragments: fragments + 1, rows: rows + added.rows, bytes: bytes + added.bytes };
  }

  /** Compacts when small commits have left many more fragments than full ones would. Returns whether it did. */
  async compactIfFragmented(): Promise<boolean> {
    if (!isFragmented(this.#fragmentation)) return false;
    this.#fragmentation = await readFragmentation(this.table);
    if (!isFragmented(this.#fragmentation)) return false;
    if (this.#fragmentation.bytes > this.#automaticBytes) {
      if (!this.#saidTooWide) {
        this.#ctx.logger.info(
          this.#fragmentation,
          'the store has many small fragments; sluice store compact joins them',
        );
      }
      this.#saidTooWide = true;
      return false;
    }
    await this.compact();
    return true;
  }

  /** Joins fragments, brings indexes up to date, and removes versions older than `retainMs`. */
  async compact(retainMs: number = RETAIN_MS): Promise<void> {
    const began = this.#ctx.clock.now();
    await this.write(() =>
      // Nobody but the holder of the lock writes, so a file that no version names is not being written.
      this.table.optimize({ cleanupOlderThan: new Date(began - retainMs), deleteUnverified: retainMs > 0 }),
    );
    const before = this.#fragmentation.fragments;
    this.#fragmentation = await readFragmentation(this.table);
    this.#ctx.logger.debug(
      { before, ...this.#fragmentation, ms: this.#ctx.clock.now() - began },
      'compacted the store',
    );
  }

  write<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#writing.then(async () => {
      try {
        const value = await work();
        await this.#sync.run();
        return value;
      } catch (error) {
        throw storeFailure(asError(error), this.#root);
      }
    });
    this.#writing = result.catch(() => {});
    return result;
  }
}

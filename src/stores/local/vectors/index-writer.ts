import type { Context } from '../../../model/contracts.ts';
import { FatalError, type SluiceError } from '../../../model/errors.ts';
import type { IndexWriter, VectorFailure, VectorRow } from '../../../model/vector-index.ts';
import type { IndexedModel } from '../../../model/workflow.ts';
import type { StoreFiles } from '../files/store-files.ts';
import { assertFreeSpace, RESERVE_BYTES } from '../free-space.ts';
import { type Connection, connectTables, storeFailure } from '../lance.ts';
import { makeStore, type StorePaths } from '../layout.ts';
import { StoreLock } from '../lock.ts';
import { FailureTable } from './failure-table.ts';
import { makeIndexFolders } from './index-paths.ts';
import type { Pair } from './tables.ts';
import { VectorTable } from './vector-table.ts';

export interface IndexWriterOptions {
  runId: string;
  /** Wait for another writer of the index to end, instead of STORE_LOCKED. */
  wait: boolean;
  /** Free bytes that the disk must keep; 64 MB unless given. */
  reserveBytes?: number;
}

/**
 * The one writer of a store's index; the store's own lock stays free, so that inputs can be ingested meanwhile.
 *
 * What throws is a SluiceError; after a fatal one, every later call throws it again.
 */
export class LocalIndexWriter implements IndexWriter {
  readonly #root: string;
  readonly #files: StoreFiles;
  readonly #ctx: Context;
  readonly #lock: StoreLock;
  readonly #connection: Connection;
  readonly #reserve: number;
  /** By fingerprint. */
  readonly #tables = new Map<string, VectorTable>();
  #failures!: FailureTable;
  #failure: SluiceError | undefined;

  private constructor(
    store: StorePaths,
    reserve: number,
    ctx: Context,
    lock: StoreLock,
    connection: Connection,
  ) {
    this.#root = store.root;
    this.#files = store.files;
    this.#reserve = reserve;
    this.#ctx = ctx;
    this.#lock = lock;
    this.#connection = connection;
  }

  /**
   * Throws FatalError STORE_LOCKED naming the run that writes the index, MODEL_INVALID for a table of vectors of
   * another length, and what `openWriter` throws.
   */
  static async open(
    root: string,
    models: readonly IndexedModel[],
    options: IndexWriterOptions,
    ctx: Context,
  ): Promise<LocalIndexWriter> {
    const store = await makeStore(root, ctx.clock, ctx.signal);
    const paths = await makeIndexFolders(store);
    const place = store.files.lock(paths.lock, ctx.clock);
    const lock = await StoreLock.acquire(place, { ...options, what: 'the index' }, ctx);
    let connection: Connection | undefined;
    try {
      const reserve = options.reserveBytes ?? RESERVE_BYTES;
      await assertFreeSpace(root, reserve);
      connection = await connectTables(paths.db, store.files);
      const writer = new LocalIndexWriter(store, reserve, ctx, lock, connection);
      await writer.#openTables(models, { root, db: paths.db, runId: options.runId });
      ctx.signal.addEventListener('abort', writer.#onAbort, { once: true });
      return writer;
    } catch (error) {
      connection?.close();
      await lock.release();
      throw storeFailure(error, root);
    }
  }

  has(fingerprint: string, inputId: string, content: string): boolean {
    return this.#table(fingerprint).has(inputId, content);
  }

  hasContent(fingerprint: string, content: string): boolean {
    return this.#table(fingerprint).hasContent(content);
  }

  copy(fingerprint: string, inputs: readonly Pair[]): Promise<Map<string, number>> {
    return this.#run(() => this.#table(fingerprint).copy(inputs));
  }

  append(fingerprint: string, rows: readonly VectorRow[]): Promise<void> {
    return this.#run(() => this.#table(fingerprint).append(rows));
  }

  fail(fingerprint: string, failures: readonly VectorFailure[]): Promise<void> {
    return this.#run(() => this.#failures.add(fingerprint, failures));
  }

  async flush(): Promise<void> {
    for (const part of this.#parts()) await part.flush();
  }

  removeStale(isCurrent: (inputId: string, content: string) => boolean): Promise<number> {
    return this.#run(async () => {
      let removed = 0;
      for (const [fingerprint, table] of this.#tables) {
        removed += await table.removeStale(isCurrent);
        await this.#failures.removeStale(fingerprint, isCurrent);
      }
      return removed;
    });
  }

  /** Commits what waits, and lets go of the index. */
  async close(): Promise<void> {
    this.#ctx.signal.removeEventListener('abort', this.#onAbort);
    try {
      await this.flush();
    } finally {
      for (const part of this.#parts()) part.close();
      this.#connection.close();
      await this.#lock.release();
      this.#files.close();
    }
  }

  readonly #onAbort = (): void => {
    for (const part of this.#parts()) part.abandon(this.#ctx.signal.reason);
  };

  async #openTables(
    models: readonly IndexedModel[],
    place: { root: string; db: string; runId: string },
  ): Promise<void> {
    const guard = () => this.#guard();
    this.#failures = await FailureTable.open(this.#connection, { ...place, guard }, this.#ctx);
    const embedded = (fingerprint: string, inputIds: readonly string[]) =>
      this.#failures.forget(fingerprint, inputIds);
    for (const model of models) {
      if (this.#tables.has(model.fingerprint)) continue;
      const options = { ...place, guard, embedded };
      this.#tables.set(
        model.fingerprint,
        await VectorTable.open(this.#connection, model, options, this.#ctx),
      );
    }
  }

  #parts(): (VectorTable | FailureTable)[] {
    return [...this.#tables.values(), this.#failures];
  }

  #table(fingerprint: string): VectorTable {
    const table = this.#tables.get(fingerprint);
    if (table === undefined) throw new TypeError(`the index was not opened for ${fingerprint}`);
    return table;
  }

  async #guard(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#lock.assertHeld();
    await assertFreeSpace(this.#root, this.#reserve);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#ctx.signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await work();
    } catch (thrown) {
      this.#ctx.signal.throwIfAborted();
      if (thrown instanceof TypeError) throw thrown;
      const error = storeFailure(thrown, this.#root);
      if (error instanceof FatalError) this.#failure ??= error;
      throw error;
    }
  }
}

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeInfo } from '../../model/codes.ts';
import type { Context, ExistingInput, ReadyItem, Sink, SinkResult } from '../../model/contracts.ts';
import { asError, FatalError, type SluiceError } from '../../model/errors.ts';
import { BlobWriter, type MediaPolicy, type StagedBlob } from './blobs.ts';
import { COMMIT_ROWS, COMMIT_TEXT_BYTES } from './compaction.ts';
import { ensureDataset } from './datasets.ts';
import { candidateIds, Decider, type Policy } from './decide.ts';
import { assertFreeSpace, RESERVE_BYTES } from './free-space.ts';
import { GroupCommit, type Size } from './group-commit.ts';
import { nameSome, scanIds } from './ids.ts';
import { INLINE_TEXT_BYTES, incomingOf, type Staged, stage } from './incoming.ts';
import { InputTable } from './input-table.ts';
import { type Connection, connectTables, makeTable, readFailure, storeFailure } from './lance.ts';
import { makeStore, type StorePaths } from './layout.ts';
import { StoreLock } from './lock.ts';
import { Lookup } from './lookup.ts';
import { encodeRows, type InputRow, inputSchema, toExisting } from './rows.ts';

/** Blob bytes that one commit syncs at most (soft: a batch is never divided). */
const COMMIT_BLOB_BYTES = 64_000_000;
const TEXT_WEIGHT = COMMIT_BLOB_BYTES / COMMIT_TEXT_BYTES;
const COMMIT_AGE_MS = 1_000;
/** Batches in flight: enough small ones to fill a commit while another is being written. */
const BATCHES = 512;

export interface WriterOptions extends Policy {
  runId: string;
  media: MediaPolicy;
  /** Wait for another writer to end, instead of STORE_LOCKED. */
  wait: boolean;
  /** Free bytes that the disk must keep; 64 MB unless given. */
  reserveBytes?: number;
}

interface StagedBatch {
  batch: readonly ReadyItem[];
  /** One for each item. */
  staged: readonly Staged[];
}

/**
 * The one writer of a store.
 *
 * An item is answered when its bytes are synced and renamed to their blob and the commit with its row is synced:
 * blob, sync, rename, commit, answer. Ids are made unique before each commit.
 */
export class LocalWriter implements Sink {
  readonly name = 'local';
  readonly concurrency = BATCHES;
  readonly spoolDir: string;
  readonly #paths: StorePaths;
  readonly #options: WriterOptions;
  readonly #ctx: Context;
  readonly #lock: StoreLock;
  readonly #connection: Connection;
  readonly #inputs: InputTable;
  readonly #lookup: Lookup;
  readonly #blobs: BlobWriter;
  readonly #group: GroupCommit<StagedBatch, SinkResult[]>;
  readonly #staging = new Set<Promise<unknown>>();
  #failure: SluiceError | undefined;
  /** Ids that have a row. */
  #distinct: number;

  private constructor(
    paths: StorePaths,
    options: WriterOptions,
    ctx: Context,
    lock: StoreLock,
    connection: Connection,
    inputs: InputTable,
    lookup: Lookup,
    distinct: number,
  ) {
    this.#paths = paths;
    this.#options = options;
    this.#ctx = ctx;
    this.#lock = lock;
    this.#connection = connection;
    this.#inputs = inputs;
    this.#lookup = lookup;
    this.#distinct = distinct;
    const own = join(paths.tmp, options.runId);
    this.spoolDir = join(own, 'spool');
    this.#blobs = new BlobWriter(paths.blobs, join(own, 'blobs'), options.media);
    this.#group = new GroupCommit({
      limits: { rows: COMMIT_ROWS, bytes: COMMIT_BLOB_BYTES, ageMs: COMMIT_AGE_MS },
      clock: ctx.clock,
      commit: (batches) => this.#commit(batches),
      afterwards: () => this.#tidy(),
    });
    ctx.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Throws FatalError STORE_LOCKED, STORE_FULL, STORE_SCHEMA_NEWER, STORE_CORRUPT, CONFIG_INVALID or STORE_WRITE_FAILED. */
  static async open(root: string, options: WriterOptions, ctx: Context): Promise<LocalWriter> {
    const paths = await makeStore(root, ctx.clock);
    const lock = await StoreLock.acquire(paths.lock, options, ctx);
    try {
      await assertFreeSpace(root, options.reserveBytes ?? RESERVE_BYTES);
      const connection = await connectTables(paths.db);
      await ensureDataset(connection, options.dataset, ctx.clock.now());
      const table = await makeTable(connection, 'inputs', inputSchema);
      const inputs = await InputTable.open(table, root, join(paths.db, 'inputs.lance'), ctx);
      const { ids, rows, doubled } = await scanIds(table);
      const lookup = await Lookup.open(table, { ids, rows, buildIndex: () => inputs.indexIds() });
      const distinct = rows - doubled.length;
      const writer = new LocalWriter(paths, options, ctx, lock, connection, inputs, lookup, distinct);
      // The lock is ours, so whatever lies there was left by killed runs, this one perhaps among them.
      await rm(paths.tmp, { recursive: true, force: true });
      await mkdir(writer.spoolDir, { recursive: true });
      return writer;
    } catch (error) {
      await lock.release();
      throw storeFailure(error, root);
    }
  }

  async existing(ids: readonly string[]): Promise<Map<string, ExistingInput>> {
    try {
      const rows = await this.#lookup.rows(ids.map((id) => id.toWellFormed()));
      return new Map(rows.map((row) => [row.id, toExisting(row)]));
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  async write(batch: readonly ReadyItem[]): Promise<SinkResult[]> {
    this.#ctx.signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
    const staged = await this.#stage(batch);
    this.#ctx.signal.throwIfAborted();
    return this.#group.add({ batch, staged }, sizeOf(batch, staged));
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#staging);
    await this.#group.flush();
  }

  /**
   * Counts rows against distinct ids. Throws FatalError STORE_CORRUPT when an id has two rows, or rows are missing.
   *
   * The ids were distinct when the writer opened, and every one added since was new, so equal counts prove it; only
   * otherwise are all ids looked at.
   */
  async recount(): Promise<void> {
    const { table } = this.#inputs;
    if ((await table.countRows()) === this.#distinct) return;
    const { rows, doubled } = await scanIds(table);
    if (doubled.length > 0) {
      throw new FatalError('STORE_CORRUPT', `of ${rows} rows, some share an id: ${nameSome(doubled)}`);
    }
    if (rows < this.#distinct) {
      throw new FatalError(
        'STORE_CORRUPT',
        `${rows} rows are left of ${this.#distinct} that were committed`,
        {
          measured: rows,
          limit: this.#distinct,
        },
      );
    }
  }

  /** Commits what waits, counts, and lets go of the store. Throws what `recount` throws. */
  async close(): Promise<void> {
    this.#ctx.signal.removeEventListener('abort', this.#onAbort);
    try {
      await this.flush();
      if (this.#failure === undefined) await this.recount();
    } finally {
      this.#inputs.table.close();
      this.#connection.close();
      await rm(join(this.#paths.tmp, this.#options.runId), { recursive: true, force: true });
      await this.#lock.release();
    }
  }

  readonly #onAbort = (): void => {
    this.#group.abandon(this.#ctx.signal.reason);
  };

  async #stage(batch: readonly ReadyItem[]): Promise<Staged[]> {
    const pending = batch.map((ready) => stage(ready, this.#blobs, this.#options.media));
    if (!pending.some((item) => item instanceof Promise)) return pending as Staged[];
    // All, not the first error: a file that is still being written must not outlive the batch's answer.
    const staging = Promise.allSettled(pending);
    this.#staging.add(staging);
    try {
      const settled = await staging;
      const failed = settled.find((item) => item.status === 'rejected');
      const staged = settled.flatMap((item) => (item.status === 'fulfilled' ? [item.value] : []));
      if (failed === undefined) return staged;
      await this.#blobs.discard(blobsOf(staged));
      throw this.#failed(failed.reason);
    } finally {
      this.#staging.delete(staging);
    }
  }

  async #commit(batches: readonly StagedBatch[]): Promise<SinkResult[][]> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#lock.assertHeld();
      await assertFreeSpace(this.#paths.root, this.#options.reserveBytes ?? RESERVE_BYTES);
      return await this.#commitItems(batches);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #commitItems(batches: readonly StagedBatch[]): Promise<SinkResult[][]> {
    const stored = await this.#lookup.rows(this.#candidates(batches));
    const { results, needed, unneeded, appended, replaced } = this.#decide(batches, stored);
    await this.#blobs.publish(needed);
    if (replaced.length > 0) await this.#inputs.replace(encodeRows(await this.#withTexts(replaced)));
    if (appended !== undefined) await this.#inputs.append(appended);
    this.#distinct += appended?.table.numRows ?? 0;
    await this.#blobs.discard(unneeded);
    return results;
  }

  *#candidates(batches: readonly StagedBatch[]): Generator<string> {
    for (const { batch } of batches) {
      for (const { item, sha256 } of batch)
        yield* candidateIds(item.id.toWellFormed(), sha256, this.#options);
    }
  }

  /** Synchronous, and new rows are encoded here, so that thousands of them die young and not during the commit. */
  #decide(batches: readonly StagedBatch[], stored: readonly InputRow[]) {
    const decider = new Decider(this.#options, { runId: this.#options.runId, now: this.#ctx.clock.now() });
    for (const row of stored) decider.know(row);
    const needed: StagedBlob[] = [];
    const unneeded: StagedBlob[] = [];
    const results = batches.map(({ batch, staged }) =>
      batch.map((ready, i) => {
        const { result, needsBytes } = decider.decide(incomingOf(ready, staged[i]));
        const blob = staged[i]!.blob;
        // What a row already had and was staged all the same has lost its blob; here it comes back.
        const heals = blob?.part !== undefined && codeInfo(result.code).class !== 'rejected';
        if (blob !== undefined) (needsBytes || heals ? needed : unneeded).push(blob);
        return result;
      }),
    );
    const { appended, replaced } = decider;
    // Noted before the commit: should one that seems to fail have happened, its ids are looked up and not doubled.
    for (const row of appended) this.#lookup.noteStored(row.id);
    return {
      results,
      needed,
      unneeded,
      replaced,
      appended: appended.length === 0 ? undefined : encodeRows(appended),
    };
  }

  /** Rows are replaced whole, so a stored text that was not looked up is put back in. */
  async #withTexts(rows: readonly InputRow[]): Promise<InputRow[]> {
    const lacking = rows.filter(
      ({ kind, bytes, text }) => kind === 'text' && bytes <= INLINE_TEXT_BYTES && text === undefined,
    );
    const texts = await this.#lookup.texts(lacking);
    return rows.map((row) => {
      const text = row.text ?? texts.get(row.id);
      return text === undefined ? row : { ...row, text };
    });
  }

  async #tidy(): Promise<void> {
    if (this.#failure !== undefined || this.#ctx.signal.aborted) return;
    try {
      if (await this.#inputs.compactIfFragmented()) this.#lookup.noteCompacted();
    } catch (error) {
      this.#ctx.logger.warn(
        { error: asError(error).message },
        'the store could not be compacted; the run goes on',
      );
    }
  }

  #failed(thrown: unknown): SluiceError {
    const error = storeFailure(thrown, this.#paths.root);
    if (error instanceof FatalError && this.#failure === undefined) {
      this.#failure = error;
      this.#group.abandon(error);
    }
    return error;
  }
}

const blobsOf = (staged: readonly Staged[]): StagedBlob[] =>
  staged.flatMap(({ blob }) => (blob === undefined ? [] : [blob]));

/** Texts kept in rows weigh more than blobs, for a commit holds them in memory: those it adds and those it puts back. */
function sizeOf(batch: readonly ReadyItem[], staged: readonly Staged[]): Size {
  let bytes = 0;
  for (let i = 0; i < batch.length; i++) {
    const ready = batch[i]!;
    if (staged[i]!.blob?.part !== undefined) bytes += ready.bytes;
    else if (ready.kind === 'text') bytes += Math.min(ready.bytes, INLINE_TEXT_BYTES) * TEXT_WEIGHT;
  }
  return { rows: batch.length, bytes };
}

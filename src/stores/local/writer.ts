import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { joinPlace } from '../../io/place.ts';
import { isS3 } from '../../io/s3/address.ts';
import type { ConceptDefinition } from '../../model/annotation.ts';
import type { Context, ExistingInput, ReadyItem, Sink, SinkResult } from '../../model/contracts.ts';
import { asError, FatalError, type SluiceError } from '../../model/errors.ts';
import { BlobWriter, type MediaPolicy, type StagedBlob } from './blobs.ts';
import { Committer, type StagedBatch } from './commit.ts';
import { COMMIT_ROWS, COMMIT_TEXT_BYTES } from './compaction.ts';
import { ConceptTable } from './concepts.ts';
import { ensureDataset } from './dataset-table.ts';
import type { Policy } from './decide.ts';
import { assertFreeSpace, RESERVE_BYTES } from './free-space.ts';
import { GroupCommit, type Size } from './group-commit.ts';
import { nameSome, scanIds } from './ids.ts';
import { type Staged, stage } from './incoming.ts';
import { InputTable } from './input-table.ts';
import { type Connection, connectTables, makeTable, readFailure, storeFailure } from './lance.ts';
import { makeStore, raiseSchema, type StorePaths } from './layout.ts';
import { StoreLock } from './lock.ts';
import { Lookup } from './lookup.ts';
import { addMissingColumns } from './migrate.ts';
import { INLINE_TEXT_BYTES, inputSchema, toExisting } from './rows.ts';

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
  /**
   * Folder of this machine for what is on its way into a bucket, of this store alone; a temporary one unless given. A
   * store in a folder needs none.
   */
  localDir?: string;
  /** Free bytes that the disk must keep; 64 MB unless given. */
  reserveBytes?: number;
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
  /** This writer's own, on this machine. */
  readonly #own: string;
  readonly #ctx: Context;
  readonly #lock: StoreLock;
  readonly #connection: Connection;
  readonly #inputs: InputTable;
  readonly #lookup: Lookup;
  readonly #blobs: BlobWriter;
  readonly #committer: Committer;
  readonly #concepts: ConceptTable;
  readonly #group: GroupCommit<StagedBatch, SinkResult[]>;
  readonly #queuing = new Set<Promise<unknown>>();
  #failure: SluiceError | undefined;

  private constructor(
    paths: StorePaths,
    own: string,
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
    this.#own = own;
    this.spoolDir = join(own, 'spool');
    this.#blobs = new BlobWriter(paths, join(own, 'blobs'), options.media);
    const parts = { inputs, lookup, blobs: this.#blobs };
    this.#committer = new Committer(options, parts, distinct, ctx.clock);
    this.#concepts = new ConceptTable(connection, joinPlace(paths.db, 'concepts.lance'), lock, ctx.logger);
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
    if (isS3(root) && options.media === 'hardlink') {
      const message = `${root} cannot hold hard links; leave media out, or take copy or reference`;
      throw new FatalError('CONFIG_INVALID', message);
    }
    const paths = await makeStore(root, ctx.clock, ctx.signal);
    const place = paths.files.lock(paths.lock, ctx.clock);
    const lock = await StoreLock.acquire(place, options, ctx).catch((error: unknown) => {
      paths.files.close();
      throw error;
    });
    try {
      await assertFreeSpace(root, options.reserveBytes ?? RESERVE_BYTES);
      const connection = await connectTables(paths.db, paths.files);
      await raiseSchema(paths);
      await ensureDataset(connection, paths.db, options.dataset, ctx.clock.now());
      const table = await makeTable(connection, 'inputs', inputSchema);
      const folder = joinPlace(paths.db, 'inputs.lance');
      await addMissingColumns(table, folder);
      const inputs = await InputTable.open(table, root, folder, ctx);
      const { ids, rows, doubled } = await scanIds(table);
      const lookup = await Lookup.open(table, { ids, rows, buildIndex: () => inputs.indexIds() });
      const distinct = rows - doubled.length;
      const tmp = await localFolder(paths, options);
      const own = join(tmp, options.runId);
      const writer = new LocalWriter(paths, own, options, ctx, lock, connection, inputs, lookup, distinct);
      // The lock is ours, so whatever lies there was left by killed runs, this one perhaps among them.
      await rm(tmp, { recursive: true, force: true });
      await mkdir(writer.spoolDir, { recursive: true });
      return writer;
    } catch (error) {
      await lock.release();
      paths.files.close();
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
    const queued = this.#queue(batch);
    this.#queuing.add(queued);
    const { answer } = await queued.finally(() => this.#queuing.delete(queued));
    return answer;
  }

  async defineConcepts(concepts: readonly ConceptDefinition[]): Promise<void> {
    try {
      await this.#concepts.define(concepts);
    } catch (error) {
      throw storeFailure(error, this.#paths.root);
    }
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#queuing);
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
    if ((await table.countRows()) === this.#committer.distinct) return;
    const { rows, doubled } = await scanIds(table);
    if (doubled.length > 0) {
      throw new FatalError('STORE_CORRUPT', `of ${rows} rows, some share an id: ${nameSome(doubled)}`);
    }
    if (rows < this.#committer.distinct) {
      throw new FatalError(
        'STORE_CORRUPT',
        `${rows} rows are left of ${this.#committer.distinct} that were committed`,
        {
          measured: rows,
          limit: this.#committer.distinct,
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
      try {
        this.#inputs.table.close();
        this.#connection.close();
        const left = isS3(this.#paths.root) ? dirname(this.#own) : this.#own;
        await rm(left, { recursive: true, force: true });
      } finally {
        await this.#lock.release();
        this.#paths.files.close();
      }
    }
  }

  readonly #onAbort = (): void => {
    this.#group.abandon(this.#ctx.signal.reason);
  };

  /** The answer is wrapped, for a promise of a promise would be waited for here. */
  async #queue(batch: readonly ReadyItem[]): Promise<{ answer: Promise<SinkResult[]> }> {
    const staged = await this.#stage(batch);
    this.#ctx.signal.throwIfAborted();
    return { answer: this.#group.add({ batch, staged }, sizeOf(batch, staged)) };
  }

  async #stage(batch: readonly ReadyItem[]): Promise<Staged[]> {
    const pending = batch.map((ready) => stage(ready, this.#blobs, this.#options.media));
    if (!pending.some((item) => item instanceof Promise)) return pending as Staged[];
    // All, not the first error: a file that is still being written must not outlive the batch's answer.
    const settled = await Promise.allSettled(pending);
    const failed = settled.find((item) => item.status === 'rejected');
    const staged = settled.flatMap((item) => (item.status === 'fulfilled' ? [item.value] : []));
    if (failed === undefined) return staged;
    await this.#blobs.discard(blobsOf(staged));
    throw this.#failed(failed.reason);
  }

  async #commit(batches: readonly StagedBatch[]): Promise<SinkResult[][]> {
    try {
      if (this.#failure !== undefined) throw this.#failure;
      await this.#lock.assertHeld();
      await assertFreeSpace(this.#paths.root, this.#options.reserveBytes ?? RESERVE_BYTES);
      return await this.#committer.commit(batches);
    } catch (error) {
      throw this.#failed(error);
    }
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

/** Where payloads wait for their commit. */
async function localFolder({ root, tmp }: StorePaths, { localDir }: WriterOptions): Promise<string> {
  if (!isS3(root)) return tmp;
  return localDir === undefined ? mkdtemp(join(tmpdir(), 'sluice-writer-')) : join(localDir, 'tmp');
}

const blobsOf = (staged: readonly Staged[]): StagedBlob[] =>
  staged.flatMap(({ blob }) => (blob === undefined ? [] : [blob]));

/**
 * Texts and annotations, which are kept in rows, weigh more than blobs, for a commit holds them in memory: those it
 * adds and those it puts back.
 */
function sizeOf(batch: readonly ReadyItem[], staged: readonly Staged[]): Size {
  let bytes = 0;
  for (let i = 0; i < batch.length; i++) {
    const ready = batch[i]!;
    const { blob, text, annotations } = staged[i]!;
    if (annotations !== undefined) bytes += annotations.length * TEXT_WEIGHT;
    if (text !== undefined && ready.kind !== 'text') bytes += text.length * TEXT_WEIGHT;
    if (blob?.part !== undefined) bytes += ready.bytes;
    else if (ready.kind === 'text') bytes += Math.min(ready.bytes, INLINE_TEXT_BYTES) * TEXT_WEIGHT;
  }
  return { rows: batch.length, bytes };
}

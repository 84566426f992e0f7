import type { Context } from '../../../model/contracts.ts';
import { FatalError } from '../../../model/errors.ts';
import type { VectorRow } from '../../../model/vector-index.ts';
import type { IndexedModel } from '../../../model/workflow.ts';
import { COMMIT_ROWS, COMMIT_TEXT_BYTES } from '../compaction.ts';
import { GroupCommit } from '../group-commit.ts';
import type { Connection } from '../lance.ts';
import { WrittenTable } from '../written-table.ts';
import { Donors } from './donors.ts';
import { EmbeddedKeys } from './embedded-keys.ts';
import { READ_AT_ONCE } from './embeddings.ts';
import { RecentCommits } from './recent-commits.ts';
import { findStale, type IsCurrent } from './stale.ts';
import {
  contentIn,
  indexKeys,
  makeVectors,
  type Pair,
  pairIn,
  pairKey,
  SCANNED_ROWS,
  tableFolder,
  tableName,
} from './tables.ts';
import { encodeVectors, readVectors } from './vector-rows.ts';

/** Larger tables are compacted only on request; what is added to them is joined as it comes. */
const AUTOMATIC_BYTES = 64_000_000;
/** Longer than for inputs: at the pace of a large model, a commit a second would leave ten thousands of fragments. */
export const COMMIT_AGE_MS = 5_000;

export interface VectorTableOptions {
  root: string;
  db: string;
  runId: string;
  /** Runs before each write; throws what must end the writer. */
  guard(): Promise<void>;
  /** Runs when vectors of inputs are durable. */
  embedded(fingerprint: string, inputIds: readonly string[]): Promise<void>;
}

/** The writing side of the vectors of one model. */
export class VectorTable {
  readonly #model: IndexedModel;
  readonly #options: VectorTableOptions;
  readonly #ctx: Context;
  readonly #written: WrittenTable;
  readonly #keys: EmbeddedKeys;
  readonly #group: GroupCommit<readonly VectorRow[], undefined>;
  readonly #recent = new RecentCommits();
  readonly #donors = new Donors();
  #reading: Promise<unknown> = Promise.resolve();
  /** Rows that were added since the indexes on ids and contents were looked at. */
  #unindexed = Number.POSITIVE_INFINITY;

  private constructor(
    model: IndexedModel,
    written: WrittenTable,
    keys: EmbeddedKeys,
    options: VectorTableOptions,
    ctx: Context,
  ) {
    this.#model = model;
    this.#options = options;
    this.#ctx = ctx;
    this.#written = written;
    this.#keys = keys;
    this.#group = new GroupCommit({
      limits: { rows: COMMIT_ROWS, bytes: COMMIT_TEXT_BYTES, ageMs: COMMIT_AGE_MS },
      clock: ctx.clock,
      commit: (entries) => this.#commit(entries),
      afterwards: () => this.#tidy(),
    });
  }

  /** For the holder of the index’s lock. Throws FatalError MODEL_INVALID. */
  static async open(
    connection: Connection,
    model: IndexedModel,
    options: VectorTableOptions,
    ctx: Context,
  ): Promise<VectorTable> {
    const table = await makeVectors(connection, model);
    const folder = tableFolder(options.db, tableName(model.fingerprint));
    const written = await WrittenTable.open(table, options.root, folder, ctx, AUTOMATIC_BYTES);
    return new VectorTable(model, written, await EmbeddedKeys.read(table), options, ctx);
  }

  has(inputId: string, content: string): boolean {
    return this.#keys.has(inputId, content);
  }

  hasContent(content: string): boolean {
    return this.#keys.hasContent(content);
  }

  /** All rows of an input must be in one call. Pairs that are there already are left as they are. */
  async append(rows: readonly VectorRow[]): Promise<void> {
    const { dimensions, node } = this.#model;
    const wrong = rows.find(({ vector }) => vector.length !== dimensions);
    if (wrong !== undefined) {
      throw new FatalError(
        'MODEL_INVALID',
        `the model ${node.model} gave a vector of ${wrong.vector.length} numbers for input ${wrong.inputId}; the index has ${dimensions}`,
        { measured: wrong.vector.length, limit: dimensions },
      );
    }
    if (rows.length === 0) return;
    await this.#group.add(rows, { rows: rows.length, bytes: rows.length * dimensions * 4 });
  }

  async copy(inputs: readonly Pair[]): Promise<Map<string, number>> {
    const wanted = Map.groupBy(
      inputs.filter(({ inputId, content }) => this.hasContent(content) && !this.has(inputId, content)),
      ({ content }) => content,
    );
    const contents = [...wanted.keys()];
    const copied = new Map<string, number>();
    const step = READ_AT_ONCE[this.#model.kind];
    let rows: VectorRow[] = [];
    const write = async () => {
      await Promise.all([this.append(rows), this.flush()]);
      for (const { inputId } of rows) copied.set(inputId, (copied.get(inputId) ?? 0) + 1);
      rows = [];
    };
    for (let at = 0; at < contents.length; at += step) {
      for (const [content, donor] of await this.#rowsOf(contents.slice(at, at + step))) {
        for (const { inputId } of wanted.get(content) ?? []) {
          for (const row of donor) rows.push({ ...row, inputId });
          if (rows.length >= COMMIT_ROWS) await write();
        }
      }
      await write();
    }
    return copied;
  }

  flush(): Promise<void> {
    return this.#group.flush();
  }

  abandon(reason: unknown): void {
    this.#group.abandon(reason);
  }

  async removeStale(isCurrent: IsCurrent): Promise<number> {
    await this.flush();
    await this.#indexKeys();
    const { signal } = this.#ctx;
    const removed = await findStale(this.#written.table, isCurrent, (pairs) => this.#remove(pairs), signal);
    await this.#tidy();
    return removed;
  }

  close(): void {
    this.#written.table.close();
  }

  async #commit(entries: readonly (readonly VectorRow[])[]): Promise<undefined[]> {
    await this.#options.guard();
    const rows: VectorRow[] = [];
    const pairs = new Map<string, Pair>();
    for (const entry of entries) {
      const fresh = entry.filter(
        ({ inputId, content }) => !this.has(inputId, content) && !pairs.has(pairKey(inputId, content)),
      );
      for (const row of fresh) rows.push(row);
      for (const { inputId, content } of fresh) pairs.set(pairKey(inputId, content), { inputId, content });
    }
    const { dimensions, fingerprint } = this.#model;
    if (rows.length > 0) {
      const { runId } = this.#options;
      const now = this.#ctx.clock.now();
      const encoded = encodeVectors(rows, dimensions, { runId, now });
      const size = { rows: rows.length, bytes: rows.length * dimensions * 4 };
      await this.#written.add(size, () => this.#written.table.add(encoded));
      this.#recent.note({ ...size, at: now });
      this.#unindexed += rows.length;
    }
    for (const { inputId, content } of pairs.values()) this.#keys.add(inputId, content);
    await this.#options.embedded(
      fingerprint,
      entries.flatMap((entry) => entry.map(({ inputId }) => inputId)),
    );
    return entries.map(() => undefined);
  }

  async #remove(pairs: readonly Pair[]): Promise<void> {
    await this.#options.guard();
    await this.#written.write(() => this.#written.table.delete(pairIn(pairs)));
    for (const { inputId, content } of pairs) this.#keys.remove(inputId, content);
  }

  async #indexKeys(): Promise<void> {
    if (this.#unindexed <= SCANNED_ROWS) return;
    await this.#written.write(() => indexKeys(this.#written.table));
    this.#unindexed = 0;
  }

  /** The vectors of one input with each content; one call after the other, for the next one mostly asks for the same. */
  #rowsOf(contents: readonly string[]): Promise<Map<string, readonly VectorRow[]>> {
    const rows = this.#reading.then(() => this.#readRows(contents));
    this.#reading = rows.catch(() => {});
    return rows;
  }

  async #readRows(contents: readonly string[]): Promise<Map<string, readonly VectorRow[]>> {
    const { found, missing } = this.#donors.find(contents);
    if (missing.length === 0) return found;
    await this.#indexKeys();
    const read = new Map<string, VectorRow[]>();
    for await (const batch of this.#written.table.query().where(contentIn(missing))) {
      for (const row of readVectors(batch)) {
        const rows = read.get(row.content);
        if (rows !== undefined && rows[0]!.inputId !== row.inputId) continue;
        // A view would keep its whole batch.
        const own = { ...row, vector: row.vector.slice() };
        if (rows === undefined) read.set(row.content, [own]);
        else rows.push(own);
      }
    }
    for (const [content, rows] of read) {
      this.#donors.keep(content, rows);
      found.set(content, rows);
    }
    return found;
  }

  async #tidy(): Promise<void> {
    if (this.#ctx.signal.aborted) return;
    try {
      await this.#recent.joinIfMany(this.#written);
      await this.#written.compactIfFragmented();
    } catch (error) {
      this.#ctx.logger.warn({ error: String(error) }, 'the index could not be compacted; the run goes on');
    }
  }
}

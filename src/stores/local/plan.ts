import type { ExistingInput, ReadyItem, Sink, SinkResult } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import { comparedParts } from './compared.ts';
import { candidateIds, Decider, type Policy } from './decide.ts';
import { scanIds } from './ids.ts';
import { incomingOf, stagedLabels } from './incoming.ts';
import { type Connection, connectTables, findTable, readFailure } from './lance.ts';
import { findStore } from './layout.ts';
import { Lookup } from './lookup.ts';
import { type KnownRow, toExisting } from './rows.ts';

export interface PlanOptions extends Policy {
  /** Where payloads are spooled while they are probed; the caller's. */
  spoolDir: string;
}

const BATCHES = 512;

/**
 * Answers what a writer would answer, and writes nothing; needs no lock and no store.
 *
 * Each batch is held against the store as it is now, not against earlier batches of the plan.
 */
export class PlanSink implements Sink {
  readonly name = 'plan';
  readonly concurrency = BATCHES;
  readonly spoolDir: string;
  readonly #root: string;
  readonly #policy: Policy;
  readonly #connection: Connection | undefined;
  readonly #lookup: Lookup | undefined;

  private constructor(root: string, options: PlanOptions, connection?: Connection, lookup?: Lookup) {
    this.#root = root;
    this.#policy = options;
    this.spoolDir = options.spoolDir;
    this.#connection = connection;
    this.#lookup = lookup;
  }

  /** Throws FatalError STORE_SCHEMA_NEWER or STORE_CORRUPT. */
  static async open(root: string, options: PlanOptions): Promise<PlanSink> {
    try {
      const paths = await findStore(root);
      const connection = await connectTables(paths.db, paths.files);
      const table = await findTable(connection, 'inputs');
      if (table === undefined) return new PlanSink(root, options, connection);
      const { ids, rows } = await scanIds(table);
      return new PlanSink(root, options, connection, await Lookup.open(table, { ids, rows }));
    } catch (error) {
      if (error instanceof FatalError && error.code === 'STORE_NOT_FOUND') return new PlanSink(root, options);
      throw readFailure(error, root);
    }
  }

  async existing(ids: readonly string[]): Promise<Map<string, ExistingInput>> {
    const rows = await this.#read((lookup) => lookup.rows(ids.map((id) => id.toWellFormed())));
    return new Map(rows.map((row) => [row.id, toExisting(row)]));
  }

  async write(batch: readonly ReadyItem[]): Promise<SinkResult[]> {
    const decider = new Decider(this.#policy, { runId: 'plan', now: 0 });
    const items = batch.map((ready) => incomingOf(ready, stagedLabels(ready)));
    const ids = items.flatMap(({ id, sha256 }) => candidateIds(id, sha256, this.#policy));
    const rows = await this.#read(async (lookup) => {
      const found = await lookup.rows(ids);
      return lookup.read(found, comparedParts(items, found, this.#policy));
    });
    for (const row of rows) decider.know(row);
    return items.map((item, i) => {
      batch[i]!.release();
      return decider.decide(item).result;
    });
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#connection?.close();
  }

  async #read(read: (lookup: Lookup) => Promise<KnownRow[]>): Promise<KnownRow[]> {
    try {
      return this.#lookup === undefined ? [] : await read(this.#lookup);
    } catch (error) {
      throw readFailure(error, this.#root);
    }
  }
}

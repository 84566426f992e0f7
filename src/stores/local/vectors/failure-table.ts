import { Field, Schema, TimestampMillisecond, Utf8 } from 'apache-arrow';
import { KeyTable } from '../../../io/key-table.ts';
import type { Context } from '../../../model/contracts.ts';
import type { VectorFailure } from '../../../model/vector-index.ts';
import { timeColumn, utf8Column } from '../columns.ts';
import { COMMIT_ROWS, COMMIT_TEXT_BYTES } from '../compaction.ts';
import { GroupCommit } from '../group-commit.ts';
import { LOOKUP_CHUNK } from '../ids.ts';
import { type Connection, findTable, makeTable, sqlText, type Table } from '../lance.ts';
import { stringColumn } from '../result.ts';
import { tableOf } from '../rows.ts';
import { WrittenTable } from '../written-table.ts';
import type { IsCurrent } from './stale.ts';
import { inputIn, tableFolder } from './tables.ts';
import { COMMIT_AGE_MS, type VectorTableOptions } from './vector-table.ts';

export const FAILURES = 'failures';

const schema = new Schema([
  new Field('fingerprint', new Utf8(), false),
  new Field('inputId', new Utf8(), false),
  new Field('content', new Utf8(), false),
  new Field('code', new Utf8(), false),
  new Field('message', new Utf8(), false),
  new Field('runId', new Utf8(), false),
  new Field('at', new TimestampMillisecond(), false),
]);

type Failure = VectorFailure & { fingerprint: string };

/** Fingerprints have no colon. */
const keyOf = (fingerprint: string, inputId: string): string => `${fingerprint}:${inputId.toWellFormed()}`;

/** Undefined where nothing was ever embedded. */
export const findFailures = (connection: Connection): Promise<Table | undefined> =>
  findTable(connection, FAILURES);

/** Inputs that could not be embedded under a model, with what they were then, in no order. */
export async function* scanFailures(
  table: Table,
  fingerprint: string,
): AsyncGenerator<{ inputIds: string[]; contents: string[] }> {
  const query = table.query().where(`fingerprint = ${sqlText(fingerprint)}`);
  for await (const batch of query.select(['inputId', 'content'])) {
    yield {
      inputIds: stringColumn(batch, 'inputId') as string[],
      contents: stringColumn(batch, 'content') as string[],
    };
  }
}

/** The writing side of what could not be embedded: at most one row for an input and a model. */
export class FailureTable {
  readonly #options: Omit<VectorTableOptions, 'embedded'>;
  readonly #ctx: Context;
  readonly #written: WrittenTable;
  /** 1 where there is a row, 0 where there was one. */
  readonly #known = new KeyTable();
  readonly #group: GroupCommit<readonly Failure[], undefined>;

  private constructor(written: WrittenTable, options: Omit<VectorTableOptions, 'embedded'>, ctx: Context) {
    this.#options = options;
    this.#ctx = ctx;
    this.#written = written;
    this.#group = new GroupCommit({
      limits: { rows: COMMIT_ROWS, bytes: COMMIT_TEXT_BYTES, ageMs: COMMIT_AGE_MS },
      clock: ctx.clock,
      commit: (entries) => this.#commit(entries),
    });
  }

  /** For the holder of the index’s lock. */
  static async open(
    connection: Connection,
    options: Omit<VectorTableOptions, 'embedded'>,
    ctx: Context,
  ): Promise<FailureTable> {
    const table = await makeTable(connection, FAILURES, schema);
    const written = await WrittenTable.open(table, options.root, tableFolder(options.db, FAILURES), ctx);
    const opened = new FailureTable(written, options, ctx);
    for await (const batch of table.query().select(['fingerprint', 'inputId'])) {
      const fingerprints = stringColumn(batch, 'fingerprint') as string[];
      stringColumn(batch, 'inputId').forEach((inputId, i) => {
        opened.#known.set(keyOf(fingerprints[i]!, inputId!), 1);
      });
    }
    return opened;
  }

  async add(fingerprint: string, failures: readonly VectorFailure[]): Promise<void> {
    if (failures.length === 0) return;
    const rows = failures.map((failure) => ({ ...failure, fingerprint }));
    const bytes = rows.reduce((sum, { message }) => sum + 200 + message.length, 0);
    await this.#group.add(rows, { rows: rows.length, bytes });
  }

  /** Inputs that were embedded after all. */
  async forget(fingerprint: string, inputIds: readonly string[]): Promise<void> {
    const known = [...new Set(inputIds)].filter((id) => this.#known.get(keyOf(fingerprint, id)) === 1);
    for (let at = 0; at < known.length; at += LOOKUP_CHUNK) {
      const ids = known.slice(at, at + LOOKUP_CHUNK);
      const where = `fingerprint = ${sqlText(fingerprint)} AND ${inputIn(ids)}`;
      await this.#written.write(() => this.#written.table.delete(where));
      for (const id of ids) this.#known.set(keyOf(fingerprint, id), 0);
    }
  }

  async removeStale(fingerprint: string, isCurrent: IsCurrent): Promise<void> {
    await this.flush();
    for await (const { inputIds, contents } of scanFailures(this.#written.table, fingerprint)) {
      await this.forget(
        fingerprint,
        inputIds.filter((id, i) => !isCurrent(id, contents[i]!)),
      );
    }
    await this.#written.compactIfFragmented();
  }

  flush(): Promise<void> {
    return this.#group.flush();
  }

  abandon(reason: unknown): void {
    this.#group.abandon(reason);
  }

  close(): void {
    this.#written.table.close();
  }

  async #commit(entries: readonly (readonly Failure[])[]): Promise<undefined[]> {
    await this.#options.guard();
    // The last one of an input stays; a merge-insert that holds a key twice would store it twice.
    const rows = new Map<string, Failure>();
    for (const entry of entries) {
      for (const row of entry) rows.set(keyOf(row.fingerprint, row.inputId), row);
    }
    const encoded = this.#encode([...rows.values()]);
    const isNew = [...rows.keys()].every((key) => this.#known.get(key) !== 1);
    const { table } = this.#written;
    await this.#written.add({ rows: rows.size, bytes: 0 }, () =>
      isNew
        ? table.add(encoded)
        : table
            .mergeInsert(['fingerprint', 'inputId'])
            .whenMatchedUpdateAll()
            .whenNotMatchedInsertAll()
            .execute(encoded),
    );
    for (const key of rows.keys()) this.#known.set(key, 1);
    return entries.map(() => undefined);
  }

  #encode(rows: readonly Failure[]) {
    const column = (name: Exclude<keyof Failure, 'retryable'>) => utf8Column(rows.map((row) => row[name]));
    const now = this.#ctx.clock.now();
    return tableOf(schema, rows.length, [
      column('fingerprint'),
      column('inputId'),
      column('content'),
      column('code'),
      column('message'),
      utf8Column(rows.map(() => this.#options.runId)),
      timeColumn(rows.map(() => now)),
    ]);
  }
}

import type { KeyTable } from '../../io/key-table.ts';
import { LOOKUP_CHUNK } from './ids.ts';
import { columnNames, ID_INDEX, idIn, type Table } from './lance.ts';
import { stringColumn } from './result.ts';
import {
  type InputRow,
  type KnownRow,
  type LargePart,
  NO_ANNOTATIONS,
  readKnownRows,
  smallColumns,
  Unread,
} from './rows.ts';

/** Rows that a lookup may scan without the index; more, and more than a quarter of the indexed ones, are indexed first. */
const SCANNED_ROWS = 20_000;

export interface LookupOptions {
  /** Every id of the table. */
  ids: KeyTable;
  rows: number;
  /** Builds the index on `id`; who only reads has none. */
  buildIndex?(): Promise<void>;
}

interface Coverage {
  indexed: number;
  unindexed: number;
}

/**
 * Finds stored rows by id.
 *
 * An id that was never stored costs no query: the table of all ids' hashes answers it. The others are asked for
 * through a B-tree on `id`, which is built when it is first needed, for a run of new inputs never needs it.
 */
export class Lookup {
  readonly #table: Table;
  readonly #columns: string[];
  readonly #ids: KeyTable;
  #indexed: number;
  #unindexed: number;
  readonly #build: LookupOptions['buildIndex'];
  #indexing: Promise<void> | undefined;

  private constructor(
    table: Table,
    columns: string[],
    ids: KeyTable,
    coverage: Coverage,
    build: LookupOptions['buildIndex'],
  ) {
    this.#table = table;
    this.#columns = columns;
    this.#ids = ids;
    this.#indexed = coverage.indexed;
    this.#unindexed = coverage.unindexed;
    this.#build = build;
  }

  static async open(table: Table, { ids, rows, buildIndex }: LookupOptions): Promise<Lookup> {
    const stats = await table.indexStats(ID_INDEX);
    const coverage = { indexed: stats?.numIndexedRows ?? 0, unindexed: stats?.numUnindexedRows ?? rows };
    return new Lookup(table, smallColumns(await columnNames(table)), ids, coverage, buildIndex);
  }

  /** Says that an id is, or may be, stored from now on. */
  noteStored(id: string): void {
    if (this.#ids.set(id)) this.#unindexed++;
  }

  /** After the table was compacted: LanceDB has brought its indexes up to date. */
  noteCompacted(): void {
    if (this.#indexed === 0) return;
    this.#indexed += this.#unindexed;
    this.#unindexed = 0;
  }

  /** Stored rows with nothing read that can be large; unknown ids are left out. */
  async rows(ids: Iterable<string>): Promise<KnownRow[]> {
    const known = [...this.#known(ids)];
    const rows: KnownRow[] = [];
    for (let at = 0; at < known.length; at += LOOKUP_CHUNK) {
      await this.#index();
      const where = idIn(known.slice(at, at + LOOKUP_CHUNK));
      for await (const batch of this.#table.query().where(where).select(this.#columns)) {
        rows.push(...readKnownRows(batch));
      }
    }
    return rows;
  }

  #known(ids: Iterable<string>): Set<string> {
    const known = new Set<string>();
    for (const id of ids) if (this.#ids.has(id)) known.add(id);
    return known;
  }

  /** The rows with those parts read that are named, by id. They must still be as they were looked up. */
  async read(rows: readonly KnownRow[], wanted: Record<LargePart, ReadonlySet<string>>): Promise<KnownRow[]> {
    const unread = (part: LargePart) =>
      rows.filter((row) => row[part] instanceof Unread && wanted[part].has(row.id)).map(({ id }) => id);
    const texts = await this.#values(unread('text'), 'text');
    const annotations = await this.#values(unread('annotations'), 'annotations');
    return rows.map((row) => {
      const [text, json] = [texts.get(row.id), annotations.get(row.id)];
      if (text === undefined && json === undefined) return row;
      return {
        ...row,
        text: text === undefined ? row.text : Buffer.from(text),
        annotations: json ?? row.annotations,
      };
    });
  }

  /** The rows with everything read. */
  async readAll(rows: readonly KnownRow[]): Promise<InputRow[]> {
    const ids = new Set(rows.map(({ id }) => id));
    return (await this.read(rows, { text: ids, annotations: ids })).map((row) => ({
      ...row,
      // What is not there now was never there: sizes in tables of schema 1 are guesses.
      text: row.text instanceof Unread ? undefined : row.text,
      annotations: row.annotations instanceof Unread ? NO_ANNOTATIONS : row.annotations,
    }));
  }

  async #values(ids: readonly string[], column: LargePart): Promise<Map<string, string>> {
    const values = new Map<string, string>();
    for (let at = 0; at < ids.length; at += LOOKUP_CHUNK) {
      const where = idIn(ids.slice(at, at + LOOKUP_CHUNK));
      for await (const batch of this.#table.query().where(where).select(['id', column])) {
        const found = stringColumn(batch, 'id') as string[];
        stringColumn(batch, column).forEach((value, i) => {
          if (value !== undefined) values.set(found[i]!, value);
        });
      }
    }
    return values;
  }

  async #index(): Promise<void> {
    if (this.#build === undefined || this.#unindexed <= Math.max(SCANNED_ROWS, this.#indexed / 4)) return;
    this.#indexing ??= this.#build()
      .then(() => {
        this.#indexed += this.#unindexed;
        this.#unindexed = 0;
      })
      .finally(() => {
        this.#indexing = undefined;
      });
    await this.#indexing;
  }
}

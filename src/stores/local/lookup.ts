import type { KeyTable } from '../../io/key-table.ts';
import { LOOKUP_CHUNK } from './ids.ts';
import { ID_INDEX, idIn, type Table } from './lance.ts';
import { stringColumn } from './result.ts';
import { COLUMNS_WITHOUT_TEXT, type InputRow, readRows } from './rows.ts';

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
  readonly #ids: KeyTable;
  #indexed: number;
  #unindexed: number;
  readonly #build: LookupOptions['buildIndex'];
  #indexing: Promise<void> | undefined;

  private constructor(table: Table, ids: KeyTable, coverage: Coverage, build: LookupOptions['buildIndex']) {
    this.#table = table;
    this.#ids = ids;
    this.#indexed = coverage.indexed;
    this.#unindexed = coverage.unindexed;
    this.#build = build;
  }

  static async open(table: Table, { ids, rows, buildIndex }: LookupOptions): Promise<Lookup> {
    const stats = await table.indexStats(ID_INDEX);
    const coverage = { indexed: stats?.numIndexedRows ?? 0, unindexed: stats?.numUnindexedRows ?? rows };
    return new Lookup(table, ids, coverage, buildIndex);
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

  /** Stored rows without their texts; unknown ids are left out. */
  async rows(ids: Iterable<string>): Promise<InputRow[]> {
    const known = [...this.#known(ids)];
    const rows: InputRow[] = [];
    for (let at = 0; at < known.length; at += LOOKUP_CHUNK) {
      await this.#index();
      const where = idIn(known.slice(at, at + LOOKUP_CHUNK));
      for await (const batch of this.#table.query().where(where).select(COLUMNS_WITHOUT_TEXT)) {
        rows.push(...readRows(batch));
      }
    }
    return rows;
  }

  #known(ids: Iterable<string>): Set<string> {
    const known = new Set<string>();
    for (const id of ids) if (this.#ids.has(id)) known.add(id);
    return known;
  }

  /** Texts that are kept in rows, by id, of those rows that still have the content named. */
  async texts(rows: readonly { id: string; sha256: string }[]): Promise<Map<string, Uint8Array>> {
    const wanted = new Map(rows.map(({ id, sha256 }) => [id, sha256]));
    const texts = new Map<string, Uint8Array>();
    const ids = [...wanted.keys()];
    for (let at = 0; at < ids.length; at += LOOKUP_CHUNK) {
      const where = idIn(ids.slice(at, at + LOOKUP_CHUNK));
      for await (const batch of this.#table.query().where(where).select(['id', 'sha256', 'text'])) {
        const found = stringColumn(batch, 'id') as string[];
        const hashes = stringColumn(batch, 'sha256');
        stringColumn(batch, 'text').forEach((text, i) => {
          const same = hashes[i] === wanted.get(found[i]!);
          if (same && text !== undefined) texts.set(found[i]!, Buffer.from(text));
        });
      }
    }
    return texts;
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

import { Index } from '@lancedb/lancedb';
import type { Context } from '../../model/contracts.ts';
import { ID_INDEX, idIn, type Table } from './lance.ts';
import type { EncodedRows } from './rows.ts';
import { WrittenTable } from './written-table.ts';

/** The writing side of the table `inputs`; see `WrittenTable`. */
export class InputTable {
  readonly #written: WrittenTable;

  private constructor(written: WrittenTable) {
    this.#written = written;
  }

  static async open(table: Table, root: string, folder: string, ctx: Context): Promise<InputTable> {
    return new InputTable(await WrittenTable.open(table, root, folder, ctx));
  }

  get table(): Table {
    return this.#written.table;
  }

  /** Ids must be new to the table and unique. */
  append(rows: EncodedRows): Promise<void> {
    return this.#written.add(sizeOf(rows), () => this.table.add(rows.table));
  }

  /** Replaces whole rows by id. Ids must be in the table and unique. */
  replace(rows: EncodedRows): Promise<void> {
    return this.#written.add(sizeOf(rows), () =>
      this.table.mergeInsert('id').whenMatchedUpdateAll().execute(rows.table),
    );
  }

  /** Returns how many rows there were. */
  remove(ids: readonly string[]): Promise<number> {
    return this.#written.write(async () => (await this.table.delete(idIn(ids))).numDeletedRows);
  }

  indexIds(): Promise<void> {
    return this.#written.write(() =>
      this.table.createIndex('id', { config: Index.btree(), replace: true, name: ID_INDEX }),
    );
  }

  compactIfFragmented(): Promise<boolean> {
    return this.#written.compactIfFragmented();
  }

  compact(retainMs?: number): Promise<void> {
    return this.#written.compact(retainMs);
  }
}

const sizeOf = ({ table, largeBytes }: EncodedRows) => ({ rows: table.numRows, bytes: largeBytes });

import type { Table as Rows, Schema } from 'apache-arrow';
import { joinPlace } from '../../io/place.ts';
import { TableSync } from './durability.ts';
import { type Connection, makeTable, sqlText, type Table } from './lance.ts';

/** A table of few rows with an id, changed a row at a time by the holder of the store's lock. */
export interface SmallTable {
  name: string;
  schema: Schema;
  /** Brings a table that an older version made up to the schema. */
  upgrade?(table: Table): Promise<void>;
}

/** Adds the row or replaces the one with its id; durable when it returns. */
export const putRow = (connection: Connection, db: string, table: SmallTable, row: Rows): Promise<void> =>
  change(connection, db, table, async (opened) => {
    await opened.mergeInsert('id').whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(row);
  });

/** Durable when it returns. */
export const removeRow = (connection: Connection, db: string, table: SmallTable, id: string): Promise<void> =>
  change(connection, db, table, async (opened) => {
    await opened.delete(`id = ${sqlText(id)}`);
  });

async function change(
  connection: Connection,
  db: string,
  { name, schema, upgrade }: SmallTable,
  work: (table: Table) => Promise<void>,
): Promise<void> {
  const table = await makeTable(connection, name, schema);
  try {
    await upgrade?.(table);
    await work(table);
    await new TableSync(joinPlace(db, `${name}.lance`)).run();
  } finally {
    table.close();
  }
}

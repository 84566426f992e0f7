import { TableSync } from './durability.ts';
import { columnNames, type Table } from './lance.ts';

/** Columns of `inputs` that schema 2 brought, and their values in the rows of schema 1. */
const ADDED = [
  { name: 'annotations', valueSql: "'[]'" },
  { name: 'textBytes', valueSql: 'CAST(octet_length(text) AS BIGINT)' },
  { name: 'annotationBytes', valueSql: 'CAST(0 AS BIGINT)' },
];

/** Brings a table of an older schema up to date, in one commit. For the holder of the store's lock. */
export async function addMissingColumns(inputs: Table, folder: string): Promise<void> {
  const present = new Set(await columnNames(inputs));
  const missing = ADDED.filter(({ name }) => !present.has(name));
  if (missing.length === 0) return;
  await inputs.addColumns(missing);
  await new TableSync(folder).run();
}

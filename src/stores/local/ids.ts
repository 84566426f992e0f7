import { KeyTable } from '../../io/key-table.ts';
import { idIn, type Table } from './lance.ts';
import { stringColumn } from './result.ts';

/** Ids that are looked up in one query. */
export const LOOKUP_CHUNK = 8192;
const NAMED = 10;

/** Every id of a table, in flat memory, and those that came more than once (a few of them, by name). */
export async function scanIds(table: Table): Promise<{ ids: KeyTable; rows: number; doubled: string[] }> {
  const ids = new KeyTable({ values: false });
  const suspects = new Set<string>();
  let rows = 0;
  for await (const batch of table.query().select(['id'])) {
    rows += batch.numRows;
    for (const id of stringColumn(batch, 'id') as string[]) {
      if (!ids.set(id) && suspects.size < LOOKUP_CHUNK) suspects.add(id);
    }
  }
  return { ids, rows, doubled: suspects.size === 0 ? [] : await confirmed(table, [...suspects]) };
}

/** Two ids may share a hash; only rows with equal ids are doubled. */
async function confirmed(table: Table, suspects: readonly string[]): Promise<string[]> {
  const counts = new Map<string, number>();
  for await (const batch of table.query().where(idIn(suspects)).select(['id'])) {
    for (const id of stringColumn(batch, 'id') as string[]) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return [...counts].filter(([, count]) => count > 1).map(([id]) => id);
}

export const nameSome = (ids: readonly string[]): string =>
  ids.slice(0, NAMED).join(', ') + (ids.length > NAMED ? `, … (${ids.length} in all)` : '');

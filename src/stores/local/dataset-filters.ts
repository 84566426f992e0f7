import { Field, Schema, TimestampMillisecond, Utf8 } from 'apache-arrow';
import type { AnnotationFilter, StoredFilter } from '../../model/dataset.ts';
import { timeColumn, utf8Column } from './columns.ts';
import { compareUtf8 } from './id-order.ts';
import { type Connection, findTable } from './lance.ts';
import { stringColumn } from './result.ts';
import { tableOf } from './rows.ts';
import { putRow, removeRow, type SmallTable } from './small-table.ts';

const NAME = 'filters';

const schema = new Schema([
  new Field('id', new Utf8(), false),
  /** An AnnotationFilter as JSON. */
  new Field('filter', new Utf8(), false),
  new Field('createdAt', new TimestampMillisecond(), false),
  new Field('modifiedAt', new TimestampMillisecond(), false),
]);

const TABLE: SmallTable = { name: NAME, schema };

/** Every filter of the store, by id. */
export async function listFilters(connection: Connection): Promise<StoredFilter[]> {
  const table = await findTable(connection, NAME);
  if (table === undefined) return [];
  try {
    const found: StoredFilter[] = [];
    for await (const batch of table.query()) {
      const ids = stringColumn(batch, 'id') as string[];
      const filters = stringColumn(batch, 'filter') as string[];
      const [created, modified] = ['createdAt', 'modifiedAt'].map((name) => batch.getChild(name)!);
      for (let i = 0; i < batch.numRows; i++) {
        found.push({
          id: ids[i]!,
          filter: JSON.parse(filters[i]!) as AnnotationFilter,
          createdAt: new Date(Number(created!.get(i))).toISOString(),
          modifiedAt: new Date(Number(modified!.get(i))).toISOString(),
        });
      }
    }
    return found.sort((a, b) => compareUtf8(a.id, b.id));
  } finally {
    table.close();
  }
}

/** Adds the filter or replaces it. For the holder of the store's lock. */
export async function putFilter(connection: Connection, db: string, filter: StoredFilter): Promise<void> {
  const row = tableOf(schema, 1, [
    utf8Column([filter.id]),
    utf8Column([JSON.stringify(filter.filter)]),
    timeColumn([Date.parse(filter.createdAt)]),
    timeColumn([Date.parse(filter.modifiedAt)]),
  ]);
  await putRow(connection, db, TABLE, row);
}

/** For the holder of the store's lock. */
export async function removeFilter(connection: Connection, db: string, id: string): Promise<void> {
  await removeRow(connection, db, TABLE, id);
}

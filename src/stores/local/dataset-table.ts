import { Field, Schema, TimestampMillisecond, Utf8 } from 'apache-arrow';
import type { DatasetInfo } from '../../model/dataset.ts';
import type { Metadata } from '../../model/labels.ts';
import { timeColumn, utf8Column } from './columns.ts';
import { checkName } from './dataset-name.ts';
import { compareUtf8 } from './id-order.ts';
import { type Connection, columnNames, findTable, sqlText } from './lance.ts';
import { stringColumn } from './result.ts';
import { tableOf } from './rows.ts';
import { putRow, removeRow, type SmallTable } from './small-table.ts';

const NAME = 'datasets';

const schema = new Schema([
  new Field('id', new Utf8(), false),
  new Field('createdAt', new TimestampMillisecond(), false),
  new Field('description', new Utf8(), true),
  /** JSON. */
  new Field('metadata', new Utf8(), true),
  new Field('defaultFilterId', new Utf8(), true),
  new Field('modifiedAt', new TimestampMillisecond(), true),
]);

/** Columns that a table made before datasets could be described lacks. */
const ADDED = [
  { name: 'description', valueSql: 'CAST(NULL AS STRING)' },
  { name: 'metadata', valueSql: "'{}'" },
  { name: 'defaultFilterId', valueSql: 'CAST(NULL AS STRING)' },
  { name: 'modifiedAt', valueSql: 'createdAt' },
];

const TABLE: SmallTable = {
  name: NAME,
  schema,
  async upgrade(table) {
    const present = new Set(await columnNames(table));
    const missing = ADDED.filter(({ name }) => !present.has(name));
    if (missing.length > 0) await table.addColumns(missing);
  },
};

/** The datasets that were made, by id. */
export async function storedDatasets(connection: Connection, where?: string): Promise<DatasetInfo[]> {
  const table = await findTable(connection, NAME);
  if (table === undefined) return [];
  try {
    const found: DatasetInfo[] = [];
    const query = table.query();
    if (where !== undefined) query.where(where);
    for await (const batch of query) {
      const optional = (name: string) => (batch.getChild(name) === null ? [] : stringColumn(batch, name));
      const ids = stringColumn(batch, 'id') as string[];
      const [descriptions, metadata, filters] = ['description', 'metadata', 'defaultFilterId'].map(optional);
      const created = batch.getChild('createdAt')!;
      const modified = batch.getChild('modifiedAt') ?? created;
      for (let i = 0; i < batch.numRows; i++) {
        const [description, defaultFilterId] = [descriptions![i], filters![i]];
        found.push({
          id: ids[i]!,
          ...(description === undefined ? {} : { description }),
          metadata: JSON.parse(metadata![i] ?? '{}') as Metadata,
          ...(defaultFilterId === undefined ? {} : { defaultFilterId }),
          createdAt: new Date(Number(created.get(i))).toISOString(),
          modifiedAt: new Date(Number(modified.get(i))).toISOString(),
        });
      }
    }
    return found.sort((a, b) => compareUtf8(a.id, b.id));
  } finally {
    table.close();
  }
}

export async function findDataset(connection: Connection, id: string): Promise<DatasetInfo | undefined> {
  const [found] = await storedDatasets(connection, `id = ${sqlText(id)}`);
  return found;
}

/**
 * Makes the dataset where there is none. For the holder of the store's lock. Throws FatalError CONFIG_INVALID for a name
 * that no new dataset may have.
 */
export async function ensureDataset(
  connection: Connection,
  db: string,
  id: string,
  now: number,
): Promise<void> {
  if ((await findDataset(connection, id)) !== undefined) return;
  checkName('dataset', id);
  const at = new Date(now).toISOString();
  await putDataset(connection, db, { id, metadata: {}, createdAt: at, modifiedAt: at });
}

/** Adds the dataset, or replaces what is known of it. For the holder of the store's lock. */
export async function putDataset(connection: Connection, db: string, dataset: DatasetInfo): Promise<void> {
  const { id, description, metadata, defaultFilterId, createdAt, modifiedAt } = dataset;
  const row = tableOf(schema, 1, [
    utf8Column([id]),
    timeColumn([Date.parse(createdAt)]),
    utf8Column([description]),
    utf8Column([JSON.stringify(metadata)]),
    utf8Column([defaultFilterId]),
    timeColumn([Date.parse(modifiedAt)]),
  ]);
  await putRow(connection, db, TABLE, row);
}

/** For the holder of the store's lock. */
export async function removeDataset(connection: Connection, db: string, id: string): Promise<void> {
  await removeRow(connection, db, TABLE, id);
}

import { Index } from '@lancedb/lancedb';
import { joinPlace } from '../../../io/place.ts';
import { FatalError } from '../../../model/errors.ts';
import type { VectorRow } from '../../../model/vector-index.ts';
import type { IndexedModel } from '../../../model/workflow.ts';
import { type Connection, findTable, makeTable, sqlText, type Table } from '../lance.ts';
import { stringColumn } from '../result.ts';
import { vectorSchema } from './vector-rows.ts';

const PREFIX = 'vectors_';

/** One table for each fingerprint of a model of a workflow. */
export const tableName = (fingerprint: string): string => `${PREFIX}${fingerprint}`;

export const tableFolder = (db: string, name: string): string => joinPlace(db, `${name}.lance`);

/** The fingerprints that have a table. */
export async function storedFingerprints(connection: Connection): Promise<string[]> {
  const names = await connection.tableNames();
  return names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
}

/** Undefined where nothing was ever embedded under the model. */
export const findVectors = (connection: Connection, fingerprint: string): Promise<Table | undefined> =>
  findTable(connection, tableName(fingerprint));

/** For the holder of the index’s lock. Throws FatalError MODEL_INVALID for a table of vectors of another length. */
export async function makeVectors(
  connection: Connection,
  { fingerprint, dimensions, node }: IndexedModel,
): Promise<Table> {
  const table = await makeTable(connection, tableName(fingerprint), vectorSchema(dimensions));
  const stored = await dimensionsOf(table);
  if (stored === dimensions) return table;
  table.close();
  throw new FatalError(
    'MODEL_INVALID',
    `vectors of the model ${node.model} have ${dimensions} numbers, and those in the index under its fingerprint ${fingerprint} have ${stored}`,
    { measured: dimensions, limit: stored },
  );
}

/** Numbers in a vector of the table. */
async function dimensionsOf(table: Table): Promise<number> {
  const field = (await table.schema()).fields.find(({ name }) => name === 'vector')!;
  return (field.type as { listSize: number }).listSize;
}

/** An input, and what of it was embedded. */
export type Pair = Pick<VectorRow, 'inputId' | 'content'>;

/**
 * An input as it is embedded, as one string. Content keys have no colon, so that two pairs never share one; ids are as
 * they are stored.
 */
export const pairKey = (inputId: string, content: string): string => `${content}:${inputId.toWellFormed()}`;

/** True of rows of these pairs. The first half is for the index on `inputId`. */
export function pairIn(pairs: readonly Pair[]): string {
  const keys = pairs.map(({ inputId, content }) => sqlText(pairKey(inputId, content)));
  return `${inputIn(pairs.map(({ inputId }) => inputId))} AND (content || ':' || \`inputId\`) IN (${keys.join(',')})`;
}

export const inputIn = (ids: readonly string[]): string =>
  `\`inputId\` IN (${[...new Set(ids)].map((id) => sqlText(id.toWellFormed())).join(',')})`;

export const contentIn = (contents: readonly string[]): string =>
  `content IN (${contents.map(sqlText).join(',')})`;

/** Every row’s input and content, or only those of whole inputs, in no order. */
export async function* scanPairs(
  table: Table,
  { wholeOnly }: { wholeOnly: boolean },
): AsyncGenerator<{ inputIds: string[]; contents: string[] }> {
  const query = table.query().select(['inputId', 'content']);
  if (wholeOnly) query.where("part = 'whole'");
  for await (const batch of query) {
    yield {
      inputIds: stringColumn(batch, 'inputId') as string[],
      contents: stringColumn(batch, 'content') as string[],
    };
  }
}

/** Rows that a query may scan without an index on its column. */
export const SCANNED_ROWS = 20_000;

/**
 * Makes or renews the B-trees on `inputId` and `content`, where more rows are outside of them than are scanned fast, and
 * more than a quarter of those inside. For the holder of the index’s lock.
 */
export async function indexKeys(table: Table): Promise<void> {
  for (const column of ['inputId', 'content']) {
    const name = `${column}_idx`;
    const stats = await table.indexStats(name);
    const indexed = stats?.numIndexedRows ?? 0;
    const unindexed = stats?.numUnindexedRows ?? (await table.countRows());
    if (unindexed <= Math.max(SCANNED_ROWS, indexed / 4)) continue;
    await table.createIndex(column, { config: Index.btree(), replace: true, name });
  }
}

import { type Connection, connect, Session, type Table } from '@lancedb/lancedb';
import type { Schema } from 'apache-arrow';
import { writeFailure } from '../../io/disk-errors.ts';
import { isS3 } from '../../io/s3/address.ts';
import { asError, FatalError, RetryableError, SluiceError } from '../../model/errors.ts';
import type { StoreFiles } from './files/store-files.ts';

/** LanceDB would cache up to 6 GB of index and 1 GB of metadata. */
const INDEX_CACHE_BYTES = 64_000_000n;
const METADATA_CACHE_BYTES = 32_000_000n;

const NO_SPACE = /No space left on device|os error 28\b|Disk quota exceeded|not enough space on the disk/i;
const CONFLICT =
  /commit conflict|conflicted with|concurrent (commit|transaction|write)|too much write contention/i;

/** Of a bucket, after the attempts that LanceDB makes. */
const NO_ANSWER = /error sending request|RetryError|after \d+ retries|status(?: code)?: (?:403|429|5\d\d)\b/i;

const NO_VERSION = /Not found: \S+_versions\b/;

/** The B-tree on the ids of `inputs`. */
export const ID_INDEX = 'id_idx';

export type { Connection, Table };

/** `files`: of the store, for tables in a bucket. */
export async function connectTables(
  db: string,
  files?: Pick<StoreFiles, 'tableOptions'>,
): Promise<Connection> {
  const session = new Session(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES);
  return connect(db, { ...(await files?.tableOptions()), session });
}

/** A handle on the newest version; undefined where the table was never made. */
export async function findTable(connection: Connection, name: string): Promise<Table | undefined> {
  if (!(await connection.tableNames()).includes(name)) return undefined;
  try {
    return await connection.openTable(name);
  } catch (error) {
    // Its folder is there, but a kill came before its first version.
    if (NO_VERSION.test(asError(error).message)) return undefined;
    throw error;
  }
}

/** For the holder of the store's lock. */
export async function makeTable(connection: Connection, name: string, schema: Schema): Promise<Table> {
  const found = await findTable(connection, name);
  if (found !== undefined) return found;
  const halfMade = (await connection.tableNames()).includes(name);
  return connection.createEmptyTable(name, schema, halfMade ? { mode: 'overwrite' } : {});
}

/** Of the version that the handle is on; a table of an older schema has fewer. */
export const columnNames = async (table: Table): Promise<string[]> =>
  (await table.schema()).fields.map(({ name }) => name);

/** A string as a literal of Lance's SQL, in which only the quote has a meaning. */
export const sqlText = (value: string): string => `'${value.replaceAll("'", "''")}'`;

export const idIn = (ids: readonly string[]): string => `id IN (${ids.map(sqlText).join(',')})`;

/** True of rows whose bytes are in the row, and no blob. The text itself, which may be large, is not looked at. */
export async function textIsContent(inputs: Table): Promise<string> {
  const isSchema1 = !(await columnNames(inputs)).includes('textBytes');
  return isSchema1 ? '(text IS NOT NULL)' : "(kind = 'text' AND `textBytes` IS NOT NULL)";
}

export const inDataset = (dataset: string): string => `array_has(datasets, ${sqlText(dataset)})`;

/**
 * What a failed write to the store means. A full disk and anything unknown end the run; a conflict of commits, which
 * one writer cannot have with itself, is worth another attempt.
 */
export function storeFailure(thrown: unknown, root: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const { message } = asError(thrown);
  if (NO_SPACE.test(message)) {
    return new FatalError('STORE_FULL', `no space left on the disk of ${root}`, { cause: thrown });
  }
  if (CONFLICT.test(message)) {
    return new RetryableError('DELIVERY_FAILED', `another commit came first in ${root}`, { cause: thrown });
  }
  if (isS3(root) && NO_ANSWER.test(message)) return unreachable(thrown, root);
  return writeFailure(thrown, root);
}

/** LanceDB's own words go on for pages, with addresses in them. */
function unreachable(cause: unknown, root: string): FatalError {
  const { message } = asError(cause);
  const [reason = 'no answer'] =
    /status(?: code)?: \d+|InvalidCertificate\(\w+|ConnectionRefused|timed out/i.exec(message) ?? [];
  return new FatalError('STORE_UNREACHABLE', `the tables of ${root} cannot be reached (${reason})`, {
    cause,
  });
}

/** What a failed read of a table means. */
export function readFailure(thrown: unknown, root: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  if (isS3(root) && NO_ANSWER.test(asError(thrown).message)) return unreachable(thrown, root);
  return new FatalError('STORE_CORRUPT', `the store at ${root} cannot be read: ${asError(thrown).message}`, {
    cause: thrown,
  });
}

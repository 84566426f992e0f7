import { crc32 } from 'node:zlib';
import { Bitset } from '../../io/bitset.ts';
import { LocalFile } from '../../io/zip/local-file.ts';
import { asError, SluiceError } from '../../model/errors.ts';
import { CorruptParquetError } from '../parquet/corrupt.ts';
import type { DeletionVector } from './actions.ts';
import { decodeZ85, visitDeletedRows } from './roaring.ts';

/** Characters of a UUID in Z85; what stands before them is a folder. */
const UUID_LENGTH = 20;

/** The rows of a data file that are deleted. */
export interface DeletedRows {
  count: number;
  has(row: number): boolean;
}

/** Where the vector's file is, as the path of a data file stands in the log; undefined for one inside the log. */
export function vectorPath({ storageType, pathOrInlineDv: text }: DeletionVector): string | undefined {
  if (storageType === 'i') return undefined;
  if (storageType === 'p') return text;
  if (storageType !== 'u')
    throw new CorruptParquetError(`a deletion vector of the unknown kind "${storageType}"`);
  const uuid = decodeZ85(text.slice(-UUID_LENGTH))
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const folder = text.slice(0, -UUID_LENGTH);
  return `${folder === '' ? '' : `${encodeURIComponent(folder)}/`}deletion_vector_${uuid}.bin`;
}

/**
 * The deleted rows of a data file of `rows` rows; `file` is the absolute path of what `vectorPath` names.
 *
 * Throws CorruptParquetError naming the data file `name`, or what reading throws.
 */
export async function readDeletedRows(
  vector: DeletionVector,
  file: string | undefined,
  rows: number,
  name: string,
): Promise<DeletedRows> {
  const deleted = new Bitset(rows);
  let count = 0;
  try {
    const bytes =
      file === undefined
        ? decodeZ85(vector.pathOrInlineDv).subarray(0, vector.sizeInBytes)
        : await readVector(file, vector);
    visitDeletedRows(bytes, (row) => {
      if (row >= rows) throw new Error(`it deletes row ${row + 1} of ${rows}`);
      deleted.add(row);
      count++;
    });
    if (count !== vector.cardinality)
      throw new Error(`it deletes ${count} rows; the log says ${vector.cardinality}`);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const message = `the deletion vector of ${name} cannot be read: ${asError(error).message}`;
    throw new CorruptParquetError(message, { cause: error });
  }
  return { count, has: (row) => deleted.has(row) };
}

/** Size (big-endian), bytes, CRC-32 (big-endian). */
async function readVector(path: string, { offset, sizeInBytes }: DeletionVector): Promise<Buffer> {
  const file = await LocalFile.open(path);
  try {
    const stored = await file.read(offset ?? 0, sizeInBytes + 8);
    const bytes = stored.subarray(4, 4 + sizeInBytes);
    if (stored.readInt32BE(0) !== sizeInBytes)
      throw new Error(`it has ${stored.readInt32BE(0)} bytes; the log says ${sizeInBytes}`);
    if (crc32(bytes) !== stored.readUInt32BE(4 + sizeInBytes)) throw new Error('it fails its checksum');
    return bytes;
  } finally {
    await file.release();
  }
}

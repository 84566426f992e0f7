import { parquetMetadata, parquetSchema, type RowGroup, type SchemaTree } from 'hyparquet';
import { LocalFile } from '../../io/zip/local-file.ts';
import type { RandomAccess } from '../../io/zip/random-access.ts';
import { CorruptParquetError, decoding, unsupported } from './corrupt.ts';

/** `PAR1`: a Parquet file begins and ends with it. */
export const PARQUET_MAGIC = Buffer.from('PAR1');
/** `PARE` ends a file whose footer is encrypted. */
const ENCRYPTED_MAGIC = 'PARE';
/** The length of the footer and the magic bytes, in bytes. */
const TAIL = 8;
/** A footer of 100 000 columns × row groups is about 20 MB; it is decoded as a whole. */
const MAX_FOOTER_BYTES = 256_000_000;

/** A Parquet file that is open, and what its footer says. */
export interface ParquetFile {
  /** For messages and uris. */
  readonly name: string;
  readonly source: RandomAccess;
  readonly schema: SchemaTree;
  readonly rowGroups: readonly RowGroup[];
  readonly rows: number;
  /** Free texts that writers leave in the footer. */
  readonly notes: ReadonlyMap<string, string>;
}

/**
 * Opens and holds a Parquet file; `file.source.release()` lets go.
 *
 * Throws CorruptParquetError, FatalError SOURCE_FEATURE_UNSUPPORTED, or the file system's own error.
 */
export async function openParquet(path: string, name: string): Promise<ParquetFile> {
  const source = await LocalFile.open(path);
  try {
    return await readFooter(source, name);
  } catch (error) {
    await source.release();
    throw error;
  }
}

async function readFooter(source: RandomAccess, name: string): Promise<ParquetFile> {
  const { size } = source;
  const least = PARQUET_MAGIC.length + TAIL;
  if (size < least) throw new CorruptParquetError(`${name} is no Parquet file: it has ${size} bytes`);
  const tail = await source.read(size - TAIL, TAIL);
  const magic = tail.toString('latin1', 4);
  if (magic === ENCRYPTED_MAGIC) throw unsupported(name, 'an encrypted footer');
  if (magic !== PARQUET_MAGIC.toString('latin1'))
    throw new CorruptParquetError(`${name} is no whole Parquet file: it does not end with PAR1`);
  const length = tail.readUInt32LE(0);
  if (length > Math.min(size - least, MAX_FOOTER_BYTES))
    throw new CorruptParquetError(`${name} has a footer of ${length} bytes in ${size} bytes`);
  const footer = await source.read(size - TAIL - length, length + TAIL);
  const file = decoding(`the footer of ${name} cannot be read`, () => parsed(footer, source, name));
  checkLayout(file);
  return file;
}

function parsed(footer: Buffer, source: RandomAccess, name: string): ParquetFile {
  const metadata = parquetMetadata(footer, { geoparquet: false });
  return {
    name,
    source,
    schema: parquetSchema(metadata),
    rowGroups: metadata.row_groups,
    rows: Number(metadata.num_rows),
    notes: new Map(metadata.key_value_metadata?.map(({ key, value }) => [key, value ?? ''])),
  };
}

function checkLayout({ name, schema, rowGroups, rows }: ParquetFile): void {
  const leaves = leavesOf(schema).length;
  const inGroups = rowGroups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (!Number.isSafeInteger(rows) || rows !== inGroups)
    throw new CorruptParquetError(`the footer of ${name} says ${rows} rows, its row groups have ${inGroups}`);
  for (const [index, { columns }] of rowGroups.entries()) {
    if (columns.length !== leaves)
      throw new CorruptParquetError(
        `the footer of ${name} says ${leaves} columns, its row group ${index} has ${columns.length}`,
      );
    if (columns.some(({ crypto_metadata, meta_data }) => crypto_metadata || !meta_data))
      throw unsupported(name, 'encrypted columns');
    if (columns.some(({ file_path }) => file_path))
      throw unsupported(name, 'columns that lie in other files');
  }
}

/** The physical columns under a node, in file order. */
export function leavesOf(node: SchemaTree): SchemaTree[] {
  return node.children.length === 0 ? [node] : node.children.flatMap(leavesOf);
}

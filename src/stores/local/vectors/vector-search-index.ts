import { Index } from '@lancedb/lancedb';
import type { Context } from '../../../model/contracts.ts';
import { connectTables, storeFailure } from '../lance.ts';
import { findStore } from '../layout.ts';
import { WrittenTable } from '../written-table.ts';
import { indexPaths } from './index-paths.ts';
import { findVectors, indexKeys, tableFolder, tableName } from './tables.ts';

/** As LanceDB names it, unless told otherwise. */
export const VECTOR_INDEX = 'vector_idx';

/**
 * Rows below which every vector is compared: exact, and 100 000 of 512 numbers take 0.1–0.2 s. Making an index takes memory
 * that no option of LanceDB bounds: 0.8 GB more for 100 000 of them, 1.2 GB for 300 000, 1.5 GB for a million.
 */
const EXACT_ROWS = 250_000;
/** Of the rows, those outside of the index that searches may compare one by one before it is made anew. */
const MAX_OUTSIDE = 0.1;

/**
 * Brings the indexes of a model's vectors up to date: an approximate one (IVF of whole vectors, by cosine) from
 * `threshold` rows on, and those of ids and contents. For the holder of the index's lock, at the end of a re-index.
 *
 * @returns whether there is an approximate index now.
 */
export async function ensureVectorIndex(
  root: string,
  fingerprint: string,
  { threshold = EXACT_ROWS }: { threshold?: number },
  ctx: Context,
): Promise<boolean> {
  const paths = await findStore(root);
  const { db } = indexPaths(paths);
  const connection = await connectTables(db, paths.files);
  try {
    const table = await findVectors(connection, fingerprint);
    if (table === undefined) return false;
    try {
      const written = await WrittenTable.open(table, root, tableFolder(db, tableName(fingerprint)), ctx);
      await written.write(() => indexKeys(table));
      const rows = await table.countRows();
      const outside = (await table.indexStats(VECTOR_INDEX))?.numUnindexedRows ?? rows;
      if (rows < threshold) return outside < rows;
      if (outside > rows * MAX_OUTSIDE) {
        const config = Index.ivfFlat({ distanceType: 'cosine' });
        await written.write(() => table.createIndex('vector', { config, replace: true, name: VECTOR_INDEX }));
      }
      return true;
    } finally {
      table.close();
    }
  } catch (error) {
    throw storeFailure(error, root);
  } finally {
    connection.close();
    paths.files.close();
  }
}

import type { Table } from './lance.ts';

/** What a full commit carries at most; a table made of full commits is not fragmented. */
export const COMMIT_ROWS = 8192;
/** Of texts kept in rows: building, encoding and writing a commit hold them several times over. */
export const COMMIT_TEXT_BYTES = 16_000_000;
/** Small fragments that are always allowed. */
const SPARE_FRAGMENTS = 64;
/**
 * Larger tables are compacted only on request: LanceDB's compaction rewrites every fragment below a million rows at
 * once and holds much of it (1.1 GB seen for 0.8 GB of texts), and its API has no bound for that.
 */
export const AUTOMATIC_BYTES = 256_000_000;

export interface Fragmentation {
  fragments: number;
  rows: number;
  /** On disk. */
  bytes: number;
}

export async function readFragmentation(table: Table): Promise<Fragmentation> {
  const { numRows, totalBytes, fragmentStats } = await table.stats();
  return { fragments: fragmentStats.numFragments, rows: numRows, bytes: totalBytes };
}

/**
 * Whether there are more than twice the fragments of full commits, and some to spare.
 *
 * The bound grows with the table, so that the rows rewritten over a long run of small commits stay within a small
 * multiple of the rows written.
 */
export function isFragmented({ fragments, rows, bytes }: Fragmentation): boolean {
  return fragments > SPARE_FRAGMENTS + 2 * (rows / COMMIT_ROWS + bytes / COMMIT_TEXT_BYTES);
}

import type { RowGroup, SchemaTree } from 'hyparquet';
import { assembleNested } from 'hyparquet/src/assemble.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getTreePath } from 'hyparquet/src/schema.js';
import { CorruptParquetError, decoding } from './corrupt.ts';
import { leavesOf, type ParquetFile } from './file.ts';
import { ChunkPages } from './pages.ts';

/** Most rows that are assembled at once. */
const BLOCK_ROWS = 1024;

/** Consecutive rows, by column: `columns[c][i]` is the cell of the c-th selected column in row `start` + i. */
export interface RowBlock {
  /** From 0, counted through the whole file. */
  start: number;
  count: number;
  columns: ArrayLike<unknown>[];
}

/**
 * The rows of a file, in order. Only the selected columns are read, which are nodes right under the root of the schema
 * (`pruned` perhaps). In memory are at most one page, and the rest of another, of each physical column.
 *
 * Throws CorruptParquetError, FatalError SOURCE_FEATURE_UNSUPPORTED, or what reading the file throws.
 */
export async function* readRows(
  file: ParquetFile,
  columns: readonly SchemaTree[],
  signal: AbortSignal,
): AsyncGenerator<RowBlock> {
  let start = 0;
  for (const [index, group] of file.rowGroups.entries()) {
    const readers = columns.map((column) => new ColumnReader(file, group, column));
    const rows = Number(group.num_rows);
    for (let done = 0; done < rows; ) {
      signal.throwIfAborted();
      await Promise.all(readers.map((reader) => reader.fill()));
      const count = Math.min(BLOCK_ROWS, rows - done, ...readers.map((reader) => reader.available));
      if (count === 0)
        throw new CorruptParquetError(
          `${file.name}: row group ${index} has ${rows} rows, yet ${shortest(readers)} ends after ${done}`,
        );
      yield { start: start + done, count, columns: readers.map((reader) => reader.take(count)) };
      done += count;
    }
    start += rows;
  }
}

/** A node with only those of its children that are named. */
export function pruned(node: SchemaTree, children: readonly string[]): SchemaTree {
  return { ...node, children: node.children.filter(({ element }) => children.includes(element.name)) };
}

const shortest = (readers: readonly ColumnReader[]): string =>
  readers
    .filter((reader) => reader.available === 0)
    .map((reader) => `"${reader.name}"`)
    .join(', ');

/** A top-level column: one physical column, or the several that a nested type is made of. */
class ColumnReader {
  readonly name: string;
  readonly #file: ParquetFile;
  readonly #node: SchemaTree;
  readonly #leaves: { pages: ChunkPages; key: string; rows: ArrayLike<unknown>; at: number }[];

  constructor(file: ParquetFile, group: RowGroup, node: SchemaTree) {
    this.name = node.element.name;
    this.#file = file;
    this.#node = node;
    const order = leavesOf(file.schema);
    this.#leaves = leavesOf(node).map((leaf) => {
      const key = leaf.path.join('.');
      const chunk = group.columns[order.findIndex(({ path }) => path.join('.') === key)]!;
      const pages = new ChunkPages(file, chunk, getTreePath(file.schema, leaf.path));
      return { pages, key, rows: [], at: 0 };
    });
  }

  /** Rows that can be taken. */
  get available(): number {
    return Math.min(...this.#leaves.map(({ rows, at }) => rows.length - at));
  }

  /** Reads a page of each physical column that has no rows left. */
  async fill(): Promise<void> {
    for (const leaf of this.#leaves) {
      if (leaf.at < leaf.rows.length) continue;
      // Lets go of the page before the next one is read.
      leaf.rows = [];
      leaf.at = 0;
      leaf.rows = (await leaf.pages.read()) ?? [];
    }
  }

  take(count: number): ArrayLike<unknown> {
    const parts = new Map<string, unknown[]>();
    for (const leaf of this.#leaves) {
      parts.set(leaf.key, Array.prototype.slice.call(leaf.rows, leaf.at, leaf.at + count));
      leaf.at += count;
    }
    if (this.#node.children.length === 0) return parts.get(this.#leaves[0]!.key)!;
    return decoding(`${this.#file.name}: the column "${this.name}" cannot be put together`, () => {
      assembleNested(parts, this.#node, DEFAULT_PARSERS);
      return parts.get(this.#node.path.join('.'))!;
    });
  }
}

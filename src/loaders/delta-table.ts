import { fileURLToPath } from 'node:url';
import type { AddFile } from '../formats/delta/actions.ts';
import { type DeletedRows, readDeletedRows, vectorPath } from '../formats/delta/deletion-vector.ts';
import type { DeltaColumn } from '../formats/delta/schema.ts';
import type { Snapshot } from '../formats/delta/snapshot.ts';
import { CorruptParquetError } from '../formats/parquet/corrupt.ts';
import { openParquet, type ParquetFile } from '../formats/parquet/file.ts';
import { readRows } from '../formats/parquet/rows.ts';
import { FatalError } from '../model/errors.ts';
import { localFiles } from './local-files.ts';
import type { TableRow } from './parquet-rows.ts';
import type { Table } from './parquet-table.ts';

/** A block of a file without columns that are stored in it. */
const BLOCK_ROWS = 1024;

/** The rows of one version of a Delta table, file by file. */
export class DeltaTable implements Table {
  readonly name: string;
  readonly columns: readonly DeltaColumn[];
  readonly snapshot: Snapshot;
  /** Of the last reading: rows by the footers of the data files, and those of them that are deleted. */
  counted = { rows: 0, deleted: 0 };
  /** In data files. */
  progress: { done: number; total: number };
  readonly #find: ReturnType<typeof localFiles>;
  readonly #partitions: ReadonlySet<string>;

  constructor(name: string, root: string, snapshot: Snapshot, columns: readonly DeltaColumn[]) {
    this.name = name;
    this.columns = columns;
    this.snapshot = snapshot;
    this.progress = { done: 0, total: snapshot.files.length };
    this.#find = localFiles(root, false);
    this.#partitions = new Set(snapshot.metadata.partitionColumns ?? []);
  }

  /**
   * Rows are numbered by their place in the data file, so that deleting others does not rename them.
   *
   * Throws CorruptParquetError, RetryableError, FatalError SOURCE_FEATURE_UNSUPPORTED, or the file system's own error.
   */
  async *rows(selected: readonly number[], signal: AbortSignal): AsyncGenerator<TableRow[], void> {
    this.counted = { rows: 0, deleted: 0 };
    this.progress.done = 0;
    for (const entry of this.snapshot.files) {
      const uri = decoded(entry.path);
      const file = await openParquet(await this.#path(entry.path, 'data file'), uri);
      try {
        if (file.source.size !== entry.size)
          throw new CorruptParquetError(`${uri} has ${file.source.size} bytes; the log says ${entry.size}`);
        const deleted = await this.#deletedRows(entry, file, uri);
        yield* this.#rowsOf(entry, file, deleted, selected, signal);
        this.counted.rows += file.rows;
        this.counted.deleted += deleted?.count ?? 0;
      } finally {
        await file.source.release();
      }
      this.progress.done++;
    }
  }

  async *#rowsOf(
    entry: AddFile,
    file: ParquetFile,
    deleted: DeletedRows | undefined,
    selected: readonly number[],
    signal: AbortSignal,
  ): AsyncGenerator<TableRow[], void> {
    const constant: unknown[] = [];
    const stored: { index: number; column: DeltaColumn; node: ParquetFile['schema'] }[] = [];
    for (const index of selected) {
      const column = this.columns[index]!;
      const node = this.#partitions.has(column.name) ? undefined : column.find(file.schema);
      if (node !== undefined) stored.push({ index, column, node });
      else constant[index] = column.partitionCell(entry.partitionValues?.[column.physicalName]);
    }
    const nodes = stored.map(({ node }) => node);
    const blocks = nodes.length > 0 ? readRows(file, nodes, signal) : emptyBlocks(file.rows);
    for await (const { start, count, columns } of blocks) {
      const rows: TableRow[] = [];
      for (let i = 0; i < count; i++) {
        if (deleted?.has(start + i)) continue;
        const cells = constant.slice();
        for (const [place, { index, column }] of stored.entries())
          cells[index] = column.cell(columns[place]![i]);
        rows.push({ uri: `${file.name}#R${start + i + 1}`, cells });
      }
      yield rows;
    }
  }

  async #deletedRows(entry: AddFile, file: ParquetFile, uri: string): Promise<DeletedRows | undefined> {
    const { deletionVector: vector } = entry;
    if (!vector) return undefined;
    const inLog = vectorPath(vector);
    const path = inLog === undefined ? undefined : await this.#path(inLog, 'deletion vector');
    return readDeletedRows(vector, path, file.rows, uri);
  }

  /** Absolute; nothing outside the folder of the table is read. */
  async #path(inLog: string, what: string): Promise<string> {
    const path = decoded(inLog);
    const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(path);
    if (isUrl && !path.startsWith('file:'))
      throw new FatalError(
        'SOURCE_FEATURE_UNSUPPORTED',
        `${this.name}: the ${what} ${path} is not a local file`,
      );
    const found = await this.#find(isUrl ? fileURLToPath(inLog) : path);
    if (!('code' in found)) return found.file as string;
    if (found.code === 'PATH_OUTSIDE_BASE')
      throw new FatalError(
        'SOURCE_FEATURE_UNSUPPORTED',
        `${this.name}: the ${what} ${path} lies outside the folder of the table, as those of shallow clones do`,
      );
    const vacuumed =
      found.code === 'INPUT_NOT_FOUND' ? '; a vacuum may have removed what old versions need' : '';
    throw new CorruptParquetError(
      `the ${what} ${path} of version ${this.snapshot.version} cannot be read: ${found.message}${vacuumed}`,
    );
  }
}

/** Paths in the log are URIs. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Of a file of which only the number of rows is wanted. */
async function* emptyBlocks(rows: number) {
  for (let start = 0; start < rows; start += BLOCK_ROWS)
    yield { start, count: Math.min(BLOCK_ROWS, rows - start), columns: [] as ArrayLike<unknown>[] };
}

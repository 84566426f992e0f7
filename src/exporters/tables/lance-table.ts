import { open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Connection, Table } from '@lancedb/lancedb';
import {
  Table as ArrowTable,
  Binary,
  type DataType,
  Field,
  Float64,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { syncFolder } from '../../io/atomic.ts';
import type { CellType, Column, Row } from './columns.ts';

/** Windows syncs only what is open for writing. */
const SYNC_FLAGS = process.platform === 'win32' ? 'r+' : 'r';

const field = (name: string, type: DataType): Field => new Field(name, type, true);

const TYPES: Record<CellType, DataType> = {
  text: new Utf8(),
  integer: new Int64(),
  time: new TimestampMillisecond('UTC'),
  concepts: new List(
    field(
      'item',
      new Struct([field('id', new Utf8()), field('name', new Utf8()), field('value', new Float64())]),
    ),
  ),
  geo: new Struct([field('latitude', new Float64()), field('longitude', new Float64())]),
  media: new Struct([field('bytes', new Binary()), field('path', new Utf8())]),
};

const schemaOf = (columns: readonly Column[]): Schema =>
  new Schema(columns.map(({ name, type }) => field(name, TYPES[type])));

function cellOf(value: unknown, type: CellType): unknown {
  if (value === null) return null;
  return type === 'integer' ? BigInt(value as number) : value;
}

/** A Lance dataset `<name>.lance` that rows are appended to, a version of it for each append. */
export class LanceTable {
  readonly #table: Table;
  readonly #schema: Schema;
  readonly #columns: readonly Column[];
  readonly #folder: string;
  #synced = new Set<string>();

  private constructor(table: Table, columns: readonly Column[], folder: string) {
    this.#table = table;
    this.#columns = columns;
    this.#schema = schemaOf(columns);
    this.#folder = folder;
  }

  /** Makes the dataset, or takes back what was appended after `version`. */
  static async open(
    connection: Connection,
    folder: string,
    name: string,
    columns: readonly Column[],
    version: number | undefined,
  ): Promise<LanceTable> {
    const path = join(folder, `${name}.lance`);
    if (version === undefined) {
      await rm(path, { recursive: true, force: true });
      const table = await connection.createEmptyTable(name, schemaOf(columns));
      return new LanceTable(table, columns, path);
    }
    const table = await connection.openTable(name);
    if ((await table.version()) !== version) {
      await table.checkout(version);
      await table.restore();
    }
    return new LanceTable(table, columns, path);
  }

  version(): Promise<number> {
    return this.#table.version();
  }

  async append(rows: Row[]): Promise<void> {
    if (rows.length === 0) return;
    const children = this.#columns.map(({ name, type }) => {
      const cells = rows.map((row) => cellOf(row[name] ?? null, type));
      return vectorFromArray(cells, TYPES[type]).data[0]!;
    });
    const data = makeData({
      type: new Struct(this.#schema.fields),
      length: rows.length,
      nullCount: 0,
      children,
    });
    await this.#table.add(new ArrowTable(this.#schema, [new RecordBatch(this.#schema, data)]));
  }

  /** Lance does not sync its files. */
  async sync(): Promise<void> {
    const folders = new Set([this.#folder]);
    for (const entry of await readdir(this.#folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || this.#synced.has(path)) continue;
      await using file = await open(path, SYNC_FLAGS);
      await file.datasync();
      this.#synced.add(path);
      folders.add(dirname(path));
    }
    for (const folder of folders) await syncFolder(folder);
  }

  close(): void {
    this.#table.close();
  }
}

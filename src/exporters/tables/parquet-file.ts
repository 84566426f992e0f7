import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { GrowingFile } from '../growing-file.ts';
import type { CellType, Column, Row } from './columns.ts';
import { sizeOf } from './rows.ts';

/** A row group is held in memory, encoded and not: it is closed at whichever comes first. */
const GROUP_BYTES = 16_000_000;
const GROUP_ROWS = 20_000;

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const leaf = (name: string, element: Omit<SchemaElement, 'name'>): SchemaElement => ({
  name,
  repetition_type: 'OPTIONAL',
  ...element,
});
const struct = (name: string, fields: SchemaElement[]): SchemaElement[] => [
  { name, repetition_type: 'OPTIONAL', num_children: fields.length },
  ...fields,
];

const ELEMENTS: Record<CellType, (name: string) => SchemaElement[]> = {
  text: (name) => [leaf(name, TEXT)],
  integer: (name) => [leaf(name, { type: 'INT64' })],
  time: (name) => [
    leaf(name, {
      type: 'INT64',
      converted_type: 'TIMESTAMP_MILLIS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    }),
  ],
  concepts: (name) => [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...struct('element', [leaf('id', TEXT), leaf('name', TEXT), leaf('value', { type: 'DOUBLE' })]),
  ],
  geo: (name) => struct(name, [leaf('latitude', { type: 'DOUBLE' }), leaf('longitude', { type: 'DOUBLE' })]),
  media: (name) => struct(name, [leaf('bytes', { type: 'BYTE_ARRAY' }), leaf('path', TEXT)]),
};

/** Writes a Parquet file row group by row group, so that memory is bounded; all but its bytes is the same every time. */
export class ParquetFile {
  readonly #file: GrowingFile;
  readonly #columns: readonly Column[];
  readonly #writer: ParquetWriter;
  #rows: Row[] = [];
  #rowBytes = 0;

  private constructor(file: GrowingFile, columns: readonly Column[]) {
    this.#file = file;
    this.#columns = columns;
    this.#writer = new ParquetWriter({
      writer: new FileWriter(file),
      schema: [
        { name: 'root', num_children: columns.length },
        ...columns.flatMap(({ name, type }) => ELEMENTS[type](name)),
      ],
      createdBy: 'sluice',
      kvMetadata: [{ key: 'huggingface', value: huggingFaceNote(columns) }],
    });
  }

  static async create(path: string, columns: readonly Column[]): Promise<ParquetFile> {
    return new ParquetFile(await GrowingFile.open(path), columns);
  }

  /** In bytes; those of rows that wait for their group as they are in memory. */
  get size(): number {
    return this.#file.size + this.#rowBytes;
  }

  async add(row: Row): Promise<void> {
    this.#rows.push(row);
    this.#rowBytes += sizeOf(row);
    if (this.#rows.length >= GROUP_ROWS || this.#rowBytes >= GROUP_BYTES) await this.#writeGroup();
  }

  /** Writes what is left and the footer, waits until all is on the disk, and closes. */
  async finish(): Promise<void> {
    await this.#writeGroup();
    await this.#writer.finish();
    await this.#file.sync();
    await this.#file.close();
  }

  /** Closes a file that is not to be finished. */
  abandon(): Promise<void> {
    return this.#file.close();
  }

  async #writeGroup(): Promise<void> {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    await this.#writer.write({
      rowGroupSize: rows.length,
      columnData: this.#columns.map(({ name, type }) => {
        const data = rows.map((row) => cellOf(row[name], type));
        // Media are compressed already, and no two alike.
        return type === 'media'
          ? { name, data, codec: 'UNCOMPRESSED', encoding: 'PLAIN', statistics: false, offsetIndex: false }
          : { name, data, offsetIndex: false };
      }),
    });
    this.#rows = [];
    this.#rowBytes = 0;
  }
}

const cellOf = (value: unknown, type: CellType): unknown =>
  type === 'integer' && typeof value === 'number' ? BigInt(value) : (value ?? null);

/** Encodes into memory what is written at the end of each row group. */
class FileWriter extends ByteWriter {
  readonly #file: GrowingFile;

  constructor(file: GrowingFile) {
    super();
    this.#file = file;
  }

  async flush(): Promise<void> {
    await this.#file.append(new Uint8Array(this.buffer, 0, this.index));
    // Its memory is used again.
    await this.#file.flush();
    this.index = 0;
  }

  override finish(): Promise<void> {
    return this.flush();
  }
}

/** With it the `datasets` library decodes the media of a table. */
function huggingFaceNote(columns: readonly Column[]): string {
  const features = columns
    .filter(({ type }) => type === 'media')
    .map(({ name }) => [name, { _type: `${name[0]!.toUpperCase()}${name.slice(1)}` }]);
  return JSON.stringify({ info: { features: Object.fromEntries(features) } });
}

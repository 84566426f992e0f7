import { writeFile } from 'node:fs/promises';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ParquetWriteOptions, parquetWrite } from 'hyparquet-writer';

/** Schema elements of one column, in file order. */
type Elements = (name: string) => SchemaElement[];

const leaf =
  (element: Omit<SchemaElement, 'name'>): Elements =>
  (name) => [{ repetition_type: 'OPTIONAL', name, ...element }];

export const text = leaf({ type: 'BYTE_ARRAY', converted_type: 'UTF8' });
export const binary = leaf({ type: 'BYTE_ARRAY' });
export const int = leaf({ type: 'INT32' });
export const long = leaf({ type: 'INT64' });
export const double = leaf({ type: 'DOUBLE' });
export const boolean = leaf({ type: 'BOOLEAN' });
export const date = leaf({ type: 'INT32', converted_type: 'DATE' });

export const struct =
  (fields: Record<string, Elements>): Elements =>
  (name) => [
    { name, repetition_type: 'OPTIONAL', num_children: Object.keys(fields).length },
    ...Object.entries(fields).flatMap(([field, elements]) => elements(field)),
  ];

export const list =
  (element: Elements): Elements =>
  (name) => [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...element('element'),
  ];

export const map =
  (value: Elements): Elements =>
  (name) => [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'MAP' },
    { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
    { name: 'key', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
    ...value('value'),
  ];

/** An image as Hugging Face datasets hold it. */
export const media = struct({ bytes: binary, path: text });

type Options = Partial<Omit<ParquetWriteOptions, 'writer' | 'columnData' | 'schema'>>;

/** A Parquet file of the given columns: of each its type and its cells. */
export function parquetBytes(
  columns: Record<string, readonly [type: Elements, cells: readonly unknown[]]>,
  options: Options = {},
): Buffer {
  const writer = new ByteWriter();
  const entries = Object.entries(columns);
  parquetWrite({
    writer,
    columnData: entries.map(([name, [, cells]]) => ({ name, data: [...cells] })),
    schema: [
      { name: 'root', num_children: entries.length },
      ...entries.flatMap(([name, [elements]]) => elements(name)),
    ],
    ...options,
  });
  return Buffer.from(writer.getBuffer());
}

export const writeParquet = (path: string, ...args: Parameters<typeof parquetBytes>): Promise<void> =>
  writeFile(path, parquetBytes(...args));

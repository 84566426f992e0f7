import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeParquet } from './parquet.ts';

type Fields = readonly { name: string; type: unknown; metadata?: object }[];

export const protocol = (minReaderVersion = 1, readerFeatures?: string[]) => ({
  protocol: { minReaderVersion, minWriterVersion: 7, ...(readerFeatures && { readerFeatures }) },
});

export const metaData = (fields: Fields, partitionColumns: string[] = [], configuration = {}) => ({
  metaData: {
    id: 'table-1',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify({
      type: 'struct',
      fields: fields.map((field) => ({ nullable: true, metadata: {}, ...field })),
    }),
    partitionColumns,
    configuration,
  },
});

export async function writeCommit(table: string, version: number, actions: readonly object[]): Promise<void> {
  const path = join(table, '_delta_log', `${String(version).padStart(20, '0')}.json`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, actions.map((action) => `${JSON.stringify(action)}\n`).join(''));
}

/** Writes a data file and gives the action that adds it. `path` is as it stands in the log. */
export async function addFile(
  table: string,
  path: string,
  columns: Parameters<typeof writeParquet>[1],
  more: Record<string, unknown> = {},
): Promise<{ add: Record<string, unknown> }> {
  const file = join(table, decodeURIComponent(path));
  await mkdir(dirname(file), { recursive: true });
  await writeParquet(file, columns);
  const { size } = await stat(file);
  return { add: { path, partitionValues: {}, size, modificationTime: 0, dataChange: true, ...more } };
}

import { isAscii } from 'node:buffer';

interface Chunk {
  length: number;
  nullCount: number;
  values?: unknown;
  valueOffsets?: unknown;
}

export interface Column {
  get(index: number): unknown;
  readonly data: readonly Chunk[];
}

/** A batch of a query's result, of whichever copy of Arrow made it. */
export interface ResultBatch {
  readonly numRows: number;
  getChild(name: string): Column | null;
}

/**
 * The values of a string column; undefined for null.
 *
 * A column of ASCII is decoded once and cut, which is several times faster than decoding each value. The others are not
 * left to Arrow, whose decoder drops a byte order mark.
 */
export function stringColumn(batch: ResultBatch, name: string): (string | undefined)[] {
  const column = batch.getChild(name);
  if (column === null) throw new TypeError(`the result has no column ${name}`);
  const [chunk, more] = column.data;
  const { values, valueOffsets: offsets } = chunk ?? {};
  if (
    chunk === undefined ||
    more !== undefined ||
    !(values instanceof Uint8Array) ||
    !(offsets instanceof Int32Array)
  ) {
    return Array.from({ length: batch.numRows }, (_, i) => (column.get(i) as string | null) ?? undefined);
  }
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.length);
  const start = offsets[0]!;
  const used = bytes.subarray(start, offsets[chunk.length]);
  if (chunk.nullCount === 0 && isAscii(used)) {
    const all = used.toString('latin1');
    return Array.from({ length: chunk.length }, (_, i) =>
      all.substring(offsets[i]! - start, offsets[i + 1]! - start),
    );
  }
  return Array.from({ length: chunk.length }, (_, i) =>
    chunk.nullCount > 0 && column.get(i) === null
      ? undefined
      : bytes.toString('utf8', offsets[i]!, offsets[i + 1]!),
  );
}

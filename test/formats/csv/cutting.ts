import { RecordCutter } from '../../../src/formats/csv/cutter.ts';
import { FAULT } from '../../../src/formats/csv/record-table.ts';

export interface CutRecord {
  line: number;
  lastLine: number;
  text: string;
  cells: string[];
  fault?: string;
  faultAt?: number;
  irregular: boolean;
}

export interface CutOptions {
  /** Sizes of the first chunks; the rest comes as one. By default all bytes are one chunk. */
  chunks?: readonly number[];
  columns?: { min: number; max: number };
  delimiter?: string;
  maxRecordBytes?: number;
}

const FAULT_NAMES = Object.fromEntries(Object.entries(FAULT).map(([name, value]) => [value, name]));

/** All records of a text, by a real cutter. */
export async function cut(source: string | Buffer, options: CutOptions = {}): Promise<CutRecord[]> {
  const { delimiter = ',', maxRecordBytes = 1_000_000 } = options;
  const cutter = new RecordCutter(chunked(Buffer.from(source), options.chunks ?? []), {
    delimiter,
    maxRecordBytes,
  });
  cutter.columns = options.columns;
  const records: CutRecord[] = [];
  while (await cutter.read()) {
    const { table, bytes } = cutter;
    for (let i = 0; i < table.count; i++) {
      const fault = table.fault[i]!;
      const text = (start: number, end: number): string => bytes.toString('utf8', start, end);
      records.push({
        line: table.line[i]!,
        lastLine: table.lastLine[i]!,
        text: text(table.start[i]!, table.end[i]!),
        cells: Array.from({ length: table.cellsOf(i) }, (_, c) => {
          const cell = table.firstCell[i]! + c;
          return text(table.cellStart[cell]!, table.cellEnd[cell]!);
        }),
        ...(fault === FAULT.none
          ? {}
          : { fault: FAULT_NAMES[fault]!, faultAt: table.faultAt[i]! - table.start[i]! }),
        irregular: table.irregular[i] === 1,
      });
    }
  }
  return records;
}

/** A fresh buffer per chunk, as streams give them. */
export async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of sizes) {
    if (at >= bytes.length) return;
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
  if (at < bytes.length) yield Buffer.from(bytes.subarray(at));
}

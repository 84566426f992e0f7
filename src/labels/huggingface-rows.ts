import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { RecordCutter } from '../formats/csv/cutter.ts';
import { cuttable } from '../formats/csv/encoding.ts';
import { readPreface } from '../formats/csv/preface.ts';
import { RowReader } from '../formats/csv/row-reader.ts';
import { jsonErrorAt } from '../formats/json-error.ts';
import { cutLines, type Line } from '../io/lines.ts';
import { readHead } from '../io/small-file.ts';
import type { Code } from '../model/codes.ts';
import { asError, FatalError } from '../model/errors.ts';

/** Bytes that tell encoding and delimiter of a CSV. */
const PREFACE_BYTES = 256 * 1024;
/** A row is the metadata of one file. */
const MAX_ROW_BYTES = 16_000_000;
export const FILE_NAME = 'file_name';

/** A row of a metadata file, by its columns; or why it is none. */
export type MetadataRow = { line: number } & (
  | { values: Record<string, unknown> }
  | { code: Code; message: string }
);

/** A file to be read, `name` as messages show it. */
export interface MetadataFile {
  path: string | Buffer;
  name: string;
}

/** Reads a `metadata.csv` or `metadata.jsonl`, block by block. Throws FatalError LABELS_UNREADABLE. */
export async function* readMetadataRows(
  file: MetadataFile,
  signal: AbortSignal,
): AsyncGenerator<MetadataRow, void, void> {
  try {
    yield* file.name.endsWith('.csv') ? csvRows(file, signal) : jsonRows(file, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new FatalError('LABELS_UNREADABLE', `${file.name}: ${asError(error).message}`, { cause: error });
  }
}

async function* csvRows({ path, name }: MetadataFile, signal: AbortSignal): AsyncGenerator<MetadataRow> {
  const head = (await readHead(path, PREFACE_BYTES)) ?? Buffer.alloc(0);
  const { encoding, delimiter, header } = readPreface(head, name, { complete: head.length < PREFACE_BYTES });
  const columns = header.map((cell) => cell.trim());
  if (!columns.includes(FILE_NAME)) throw new Error(`it has no column ${FILE_NAME} (${columns.join(', ')})`);
  const stream = addAbortSignal(signal, createReadStream(path));
  const cutter = new RecordCutter(cuttable(stream, encoding), { delimiter, maxRecordBytes: MAX_ROW_BYTES });
  const reader = new RowReader(cutter, { encoding, delimiter, maxRecordBytes: MAX_ROW_BYTES });
  try {
    await reader.read(1);
    reader.columns = { min: columns.length, max: columns.length };
    for (let rows = await reader.read(); rows !== undefined; rows = await reader.read()) {
      for (const { line, cells, fault } of rows) {
        if (fault !== undefined) {
          const message = `${name}:${fault.line}:${fault.column}: ${fault.message}`;
          yield { line, code: 'CSV_ROW_INVALID', message };
          continue;
        }
        // An empty cell says nothing.
        const filled = columns
          .map((column, i) => [column, cells[i]!] as const)
          .filter(([, cell]) => cell !== '');
        yield { line, values: Object.fromEntries(filled) };
      }
    }
  } finally {
    stream.destroy();
  }
}

async function* jsonRows({ path, name }: MetadataFile, signal: AbortSignal): AsyncGenerator<MetadataRow> {
  const stream = addAbortSignal(signal, createReadStream(path));
  try {
    for await (const lines of cutLines(stream, MAX_ROW_BYTES)) {
      for (const line of lines) {
        const row = jsonRow(line, name);
        if (row !== undefined) yield row;
      }
    }
  } finally {
    stream.destroy();
  }
}

/** Undefined for a blank line. */
function jsonRow({ number: line, bytes, length }: Line, name: string): MetadataRow | undefined {
  const fault = (message: string, column?: number): MetadataRow => {
    const place = column === undefined ? `${name}:${line}` : `${name}:${line}:${column}`;
    return { line, code: 'INPUT_INVALID_ARGUMENT', message: `${place}: ${message}` };
  };
  if (length > bytes.length) return fault(`the line has ${length} bytes; it may have ${MAX_ROW_BYTES}`);
  if (!isUtf8(bytes)) return fault('the line is not valid UTF-8');
  const text = bytes.toString();
  if (text.trim() === '') return undefined;
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    const at = jsonErrorAt(text);
    const what = at === text.length ? 'it ends too early' : `unexpected ${JSON.stringify(text[at])}`;
    return fault(`not JSON: ${what}`, at + 1);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    return fault(`expected a JSON object with ${FILE_NAME}`);
  }
  return { line, values: values as Record<string, unknown> };
}

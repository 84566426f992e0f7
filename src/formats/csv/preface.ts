import { type Columns, readHeader } from './columns.ts';
import { cutsRaw, decodeWindows1252, detectEncoding, type Encoding } from './encoding.ts';
import { RecordScanner, type Window } from './record-scanner.ts';
import { CELL, RecordTable } from './record-table.ts';

/** What the beginning of a CSV says about the whole. */
export interface Preface {
  encoding: Encoding;
  delimiter: string;
  /** Of the first line that is not empty; empty when there is none, or it is no record. */
  header: string[];
  /** undefined when the header is none that is known. */
  columns?: Columns;
}

export interface PrefaceOptions {
  encoding?: string | undefined;
  /** One ASCII character; by default the one with which the header makes sense. */
  delimiter?: string | undefined;
  /** Whether `head` is the whole file. */
  complete?: boolean;
}

const DELIMITERS = [',', '\t', ';', '|'];

/** Throws FatalError when the beginning is no text, or the forced encoding has no such name. */
export function readPreface(head: Buffer, file: string, options: PrefaceOptions = {}): Preface {
  const encoding = detectEncoding(head, file, options.encoding);
  const bytes = cutsRaw(encoding)
    ? head.subarray(encoding.markBytes)
    : Buffer.from(new TextDecoder(encoding.name).decode(head, { stream: true }));
  const window = { bytes, length: bytes.length, atEnd: options.complete ?? false };
  // The name decides where the content does not: a single column fits every delimiter.
  const order = /\.tsv$/i.test(file) ? ['\t', ...DELIMITERS.filter((d) => d !== '\t')] : DELIMITERS;
  const candidates = (options.delimiter === undefined ? order : [options.delimiter]).map((delimiter) => {
    const header = headerCells(window, delimiter, encoding);
    const columns = readHeader(header);
    return { encoding, delimiter, header, ...(columns === undefined ? {} : { columns }) };
  });
  const mostCells = candidates.toSorted((a, b) => b.header.length - a.header.length)[0]!;
  return candidates.find(({ columns }) => columns !== undefined) ?? mostCells;
}

function headerCells(window: Window, delimiter: string, encoding: Encoding): string[] {
  const { bytes, length } = window;
  const scanner = new RecordScanner(delimiter.charCodeAt(0), length + 1);
  const table = new RecordTable();
  for (let at = 0; at < length; at = scanner.next) {
    table.clear();
    if (scanner.scan(window, at, table, Number.POSITIVE_INFINITY) !== 'complete') return [];
    const cells = Array.from({ length: table.cellCount }, (_, i) => {
      const [start, end] = [table.cellStart[i]!, table.cellEnd[i]!];
      const text =
        encoding.name === 'windows-1252'
          ? decodeWindows1252(bytes, start, end)
          : bytes.toString('utf8', start, end);
      return (table.cellFlags[i]! & CELL.doubledQuotes) === 0 ? text : text.replaceAll('""', '"');
    });
    // Lines of nothing but blanks and delimiters are no records.
    if (cells.some((cell, i) => cell.trim() !== '' || table.cellFlags[i] !== 0)) return cells;
  }
  return [];
}

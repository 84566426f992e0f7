import { isAscii, isUtf8 } from 'node:buffer';
import type { ColumnRange } from './broken-extent.ts';
import type { RecordCutter } from './cutter.ts';
import { decodeWindows1252, type Encoding } from './encoding.ts';
import { readIrregular } from './irregular.ts';
import { CELL, FAULT, type Fault } from './record-table.ts';

/** A place in the file, as editors show it: 1-based, the column in characters. */
export interface Place {
  line: number;
  column: number;
}

/** Why a record is no row. */
export interface RowFault extends Place {
  message: string;
  /** The last line that is taken for this record, when that is not its first one. */
  lastLine?: number;
  measured?: number;
  limit?: number;
}

export interface CsvRow {
  /** Of the record's first physical line. */
  line: number;
  /** Empty when the row has a fault. */
  cells: readonly string[];
  fault?: RowFault;
}

export interface RowReaderOptions {
  encoding: Encoding;
  delimiter: string;
  maxRecordBytes: number;
}

type QuoteFault = Exclude<Fault, typeof FAULT.none | typeof FAULT.overCap>;
const QUOTE_PROBLEMS: Readonly<Record<QuoteFault, string>> = {
  [FAULT.closingQuote]:
    'this quote closes the cell, yet no delimiter or line end follows (quotes inside a cell must be doubled)',
  [FAULT.unclosedQuote]: 'this quote is never closed',
  [FAULT.tooManyCells]: 'a quote before this one is not closed, or the record has more cells than the header',
  [FAULT.swallowedRow]: 'this quote is not closed before another row begins',
};

/** Turns the records that a cutter cuts into rows of text, block by block. */
export class RowReader {
  readonly #cutter: RecordCutter;
  readonly #options: RowReaderOptions;

  constructor(cutter: RecordCutter, options: RowReaderOptions) {
    this.#cutter = cutter;
    this.#options = options;
  }

  /** How many cells a row has, once the header told. */
  set columns(columns: ColumnRange) {
    this.#cutter.columns = columns;
  }

  /** The next block of rows; undefined at the end. Places can be asked for until the next call. */
  async read(maxRows?: number): Promise<CsvRow[] | undefined> {
    if (!(await this.#cutter.read(maxRows))) return undefined;
    const { table, bytes } = this.#cutter;
    const last = table.count - 1;
    const block = bytes.subarray(table.start[0], table.end[last]);
    const suspect = block.includes(0) || !this.#allDecodeSurely(block);
    const irregular = await this.#readIrregular();
    const rows: CsvRow[] = [];
    for (let i = 0; i <= last; i++) {
      const fault = this.#scanFault(i) ?? (suspect ? this.#contentFault(i) : undefined);
      rows.push(fault === undefined ? this.#row(i, irregular?.get(i)) : this.#faulty(i, fault));
    }
    return rows;
  }

  /** Where a cell of row `row` of the current block begins, or the character at `offset` of its text. */
  placeOf(row: number, cell: number, offset?: number): Place {
    const { table } = this.#cutter;
    if (cell >= table.cellsOf(row)) return { line: table.line[row]!, column: 1 };
    const index = table.firstCell[row]! + cell;
    const flags = table.cellFlags[index]!;
    const start = table.cellStart[index]!;
    if (offset === undefined) return this.#place(row, (flags & CELL.quoted) === 0 ? start : start - 1);
    const raw = this.#decode(start, table.cellEnd[index]!);
    let at = 0;
    for (let passed = 0; passed < offset && at < raw.length; passed++)
      at += (flags & CELL.doubledQuotes) !== 0 && raw.startsWith('""', at) ? 2 : 1;
    return placeAfter(this.#decode(table.start[row]!, start) + raw.slice(0, at), table.line[row]!);
  }

  /** At most `bytes` bytes from the beginning of a record as it stands in the file, for messages. */
  excerpt(row: number, bytes: number): string {
    const { table } = this.#cutter;
    return this.#decode(table.start[row]!, Math.min(table.end[row]!, table.start[row]! + bytes));
  }

  #row(i: number, read: string[] | Error | undefined): CsvRow {
    const { table, columns } = this.#cutter;
    if (read instanceof Error) return this.#faulty(i, { ...this.#place(i), message: read.message });
    const cells = read ?? this.#cells(i);
    if (columns !== undefined) {
      while (cells.length > columns.max && cells.at(-1) === '') cells.pop();
      if (cells.length < columns.min || cells.length > columns.max)
        return this.#faulty(i, this.#wrongCount(i, cells));
    }
    return { line: table.line[i]!, cells };
  }

  #cells(i: number): string[] {
    const { table } = this.#cutter;
    const cells: string[] = [];
    for (let c = table.firstCell[i]!; c < table.firstCell[i + 1]!; c++) {
      const text = this.#decode(table.cellStart[c]!, table.cellEnd[c]!);
      cells.push((table.cellFlags[c]! & CELL.doubledQuotes) === 0 ? text : text.replaceAll('""', '"'));
    }
    return cells;
  }

  async #readIrregular(): Promise<Map<number, string[] | Error> | undefined> {
    const { table } = this.#cutter;
    const which: number[] = [];
    for (let i = 0; i < table.count; i++) if (table.irregular[i] === 1) which.push(i);
    if (which.length === 0) return undefined;
    const records = which.map((i) => this.#decode(table.start[i]!, table.end[i]!));
    const read = await readIrregular(records, this.#options.delimiter);
    return new Map(which.map((i, n) => [i, read[n]!]));
  }

  #faulty(i: number, fault: RowFault): CsvRow {
    return { line: this.#cutter.table.line[i]!, cells: [], fault };
  }

  #wrongCount(i: number, cells: readonly string[]): RowFault {
    const { min, max } = this.#cutter.columns!;
    const wanted = min === max ? `${max}` : `${min} to ${max}`;
    const place = cells.length > max ? this.placeOf(i, max) : this.#place(i);
    return {
      ...place,
      message: `the row has ${cells.length} cells, the header says ${wanted}`,
      measured: cells.length,
      limit: max,
    };
  }

  /** The fault that the cutter saw. */
  #scanFault(i: number): RowFault | undefined {
    const { table } = this.#cutter;
    const fault = table.fault[i];
    if (fault === FAULT.none) return undefined;
    const lastLine = table.lastLine[i]!;
    const several = lastLine > table.line[i]!;
    const taken = several ? `; lines ${table.line[i]}–${lastLine} are taken for this record` : '';
    const { maxRecordBytes } = this.#options;
    const place = { ...this.#place(i, table.faultAt[i]!), ...(several ? { lastLine } : {}) };
    if (fault === FAULT.overCap)
      return {
        ...place,
        message: `the record is longer than ${maxRecordBytes} bytes${taken}`,
        limit: maxRecordBytes,
      };
    return { ...place, message: `${QUOTE_PROBLEMS[fault as QuoteFault]}${taken}` };
  }

  /** What is wrong with the characters of a record that the cutter found well-formed. */
  #contentFault(i: number): RowFault | undefined {
    const { table, bytes } = this.#cutter;
    const record = bytes.subarray(table.start[i]!, table.end[i]!);
    const zero = record.indexOf(0);
    if (zero >= 0)
      return { ...this.#place(i, table.start[i]! + zero), message: 'the record holds a NUL character' };
    if (this.#decodesSurely(record)) return undefined;
    const { name, how } = this.#options.encoding;
    const place = this.#place(i);
    if (name === 'utf-8')
      return {
        ...place,
        message:
          'the record is not valid UTF-8, the rest of the file before it is; --encoding forces another one',
      };
    return how === 'assumed'
      ? {
          ...place,
          message: 'the record is UTF-8 in a file assumed to be windows-1252; --encoding says which it is',
        }
      : { ...place, message: `the record holds bytes that are not valid ${name}` };
  }

  /** Whether no record of a block can lose or change characters when it is decoded. */
  #allDecodeSurely(block: Buffer): boolean {
    return this.#options.encoding.how === 'assumed' ? isAscii(block) : this.#decodesSurely(block);
  }

  #decodesSurely(record: Buffer): boolean {
    const { name, how } = this.#options.encoding;
    if (name === 'utf-8') return isUtf8(record);
    if (name === 'windows-1252') return how === 'forced' || isAscii(record) || !isUtf8(record);
    return !record.includes('\ufffd');
  }

  #place(i: number, at?: number): Place {
    const { table } = this.#cutter;
    const start = table.start[i]!;
    return placeAfter(this.#decode(start, at ?? start), table.line[i]!);
  }

  #decode(start: number, end: number): string {
    const { bytes } = this.#cutter;
    return this.#options.encoding.name === 'windows-1252'
      ? decodeWindows1252(bytes, start, end)
      : bytes.toString('utf8', start, end);
  }
}

/** The place right after `text`, which begins in column 1 of `line`. */
function placeAfter(text: string, line: number): Place {
  const lines = text.split(/\r\n|\n|\r/);
  return { line: line + lines.length - 1, column: [...lines.at(-1)!].length + 1 };
}

import { afterBreak, brokenExtent, type ColumnRange, opensCell } from './broken-extent.ts';
import { CR, LF, QUOTE, RecordScanner, type Window } from './record-scanner.ts';
import { FAULT, type Fault, RecordTable } from './record-table.ts';

export interface CutterOptions {
  /** One ASCII character. */
  delimiter: string;
  /** Largest record, in bytes. */
  maxRecordBytes: number;
}

/**
 * Cuts a stream of bytes (UTF-8, or a single-byte encoding) into the records of a CSV, a block at a time.
 *
 * Line breaks are LF, CRLF or CR. Lines of nothing but blanks and delimiters are no records. A record that cannot be read costs itself only
 * (`brokenExtent`). How the stream is chunked never changes the records. Memory is bounded by a few times
 * `maxRecordBytes`, time is linear in the bytes.
 */
export class RecordCutter {
  /** The records of the last `read`, as offsets into `bytes`; both are overwritten by the next one. */
  readonly table = new RecordTable();
  /** Set once the header is known: how many cells a row has. */
  columns: ColumnRange | undefined;

  readonly #chunks: AsyncIterator<Buffer>;
  readonly #scanner: RecordScanner;
  readonly #trial: RecordScanner;
  readonly #cap: number;
  readonly #window: Window = { bytes: Buffer.alloc(0), length: 0, atEnd: false };
  #position = 0;
  #line = 1;
  #skip: 'line' | 'cell' | undefined;

  constructor(source: AsyncIterable<Buffer>, options: CutterOptions) {
    const delimiter = options.delimiter.charCodeAt(0);
    this.#chunks = source[Symbol.asyncIterator]();
    this.#cap = options.maxRecordBytes;
    this.#scanner = new RecordScanner(delimiter, this.#cap);
    this.#trial = new RecordScanner(delimiter, this.#cap);
  }

  get bytes(): Buffer {
    return this.#window.bytes;
  }

  /** Fills `table` with the next records, at most `maxRecords`; false at the end of the stream. */
  async read(maxRecords = Number.POSITIVE_INFINITY): Promise<boolean> {
    this.table.clear();
    for (;;) {
      while (this.table.count < maxRecords && this.#position < this.#window.length) {
        const advanced = this.#skip === undefined ? this.#cutOne() : this.#skipOn();
        if (!advanced) break;
      }
      if (this.table.count > 0) return true;
      if (this.#window.atEnd) return false;
      await this.#fill();
    }
  }

  /** Moves past one record or blank line; false when that needs more bytes. */
  #cutOne(): boolean {
    const { table } = this;
    const scanner = this.#scanner;
    const start = this.#position;
    const firstCell = table.cellCount;
    const maxCells = this.columns?.max ?? Number.POSITIVE_INFINITY;
    const result = scanner.scan(this.#window, start, table, maxCells);
    const swallowed =
      result === 'complete' && scanner.firstBreak >= 0 ? this.#swallowedRow(firstCell) : undefined;
    if (result !== 'complete' || swallowed !== undefined) {
      table.cellCount = firstCell;
      if (result === 'more' || swallowed === 'more') return false;
      return swallowed === undefined
        ? this.#addBroken(start, scanner.fault, scanner.faultAt)
        : this.#addBroken(start, FAULT.swallowedRow, swallowed);
    }
    if (this.#isBlankLine(start)) table.cellCount = firstCell;
    else
      table.addRecord(
        start,
        scanner.end,
        this.#line,
        this.#line + scanner.breaks,
        firstCell,
        scanner.irregular,
      );
    this.#position = scanner.next;
    this.#line += scanner.breaks + 1;
    return true;
  }

  /**
   * Whether the record just scanned has several lines only because a quote was never closed and one of a later row
   * closed it: its own shape is wrong, while that later line, read afresh, is a perfect row. Gives the open quote.
   */
  #swallowedRow(firstCell: number): number | 'more' | undefined {
    const { table } = this;
    const { irregular, firstBreak, next } = this.#scanner;
    if (this.columns === undefined || (!irregular && this.#fits(firstCell))) return undefined;
    const { bytes } = this.#window;
    const quote = bytes.indexOf(QUOTE, firstBreak);
    if (quote >= next || !opensCell(bytes, quote, firstBreak, this.#trial)) return undefined;
    let lineStart = quote;
    while (bytes[lineStart - 1] !== LF && bytes[lineStart - 1] !== CR) lineStart--;
    const cells = table.cellCount;
    const result = this.#trial.scan(this.#window, lineStart, table, this.columns.max);
    const perfect = result === 'complete' && !this.#trial.irregular && this.#fits(cells);
    table.cellCount = cells;
    if (result === 'more') return 'more';
    if (!perfect) return undefined;
    let cell = firstCell;
    while (table.cellEnd[cell]! < firstBreak) cell++;
    return table.cellStart[cell]! - 1;
  }

  /** Whether the cells from `firstCell` to the last one make a whole row. */
  #fits(firstCell: number): boolean {
    const { table } = this;
    const { min, max } = this.columns!;
    let count = table.cellCount - firstCell;
    if (count < min) return false;
    while (count > max && table.cellStart[firstCell + count - 1] === table.cellEnd[firstCell + count - 1])
      count--;
    return count <= max;
  }

  #addBroken(start: number, fault: Fault, faultAt: number): boolean {
    const extent = brokenExtent(this.#window, start, this.#scanner, this.columns, this.#cap);
    if (extent === 'more') return false;
    this.table.addFault(start, extent.end, this.#line, this.#line + extent.lines - 1, fault, faultAt);
    this.#position = extent.next;
    this.#skip = extent.skip;
    // A line whose break was not reached yet is counted when it is.
    this.#line += extent.skip === 'line' ? extent.lines - 1 : extent.lines;
    return true;
  }

  #isBlankLine(start: number): boolean {
    let at = start;
    const { end } = this.#scanner;
    while (at < end && (this.#scanner.isBlank(this.bytes[at]!) || this.#scanner.isDelimiter(this.bytes[at]!)))
      at++;
    return at === end;
  }

  /** Drops what belongs to a record over the cap; false when that needs more bytes. */
  #skipOn(): boolean {
    const { bytes, length, atEnd } = this.#window;
    let at = this.#position;
    for (; at < length; at++) {
      const byte = bytes[at];
      if (byte !== QUOTE && byte !== LF && byte !== CR) continue;
      if (at + 1 === length && !atEnd) break;
      if (byte === QUOTE) {
        if (bytes[at + 1] === QUOTE) at++;
        else this.#skip = 'line';
        continue;
      }
      at = afterBreak(this.#window, at) - 1;
      this.#line++;
      if (this.#skip === 'cell') continue;
      this.#skip = undefined;
      this.#position = at + 1;
      return true;
    }
    this.#position = at;
    return false;
  }

  /** Appends at least as many bytes as are waiting, so that a long record is scanned a bounded number of times. */
  async #fill(): Promise<void> {
    const window = this.#window;
    window.bytes.copyWithin(0, this.#position, window.length);
    window.length -= this.#position;
    this.#position = 0;
    const wanted = window.length * 2;
    do {
      const next = await this.#chunks.next();
      if (next.done) window.atEnd = true;
      else this.#append(next.value);
    } while (!window.atEnd && window.length < wanted);
  }

  #append(chunk: Buffer): void {
    const window = this.#window;
    const length = window.length + chunk.length;
    if (length > window.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, window.bytes.length * 2));
      window.bytes.copy(larger, 0, 0, window.length);
      window.bytes = larger;
    }
    chunk.copy(window.bytes, window.length);
    window.length = length;
  }
}

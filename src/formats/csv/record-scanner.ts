import { CELL, FAULT, type Fault, type RecordTable } from './record-table.ts';

export const LF = 10;
export const CR = 13;
export const QUOTE = 34;

/** What a byte means outside quotes. */
const PLAIN = 0;
const BREAK = 1;
const QUOTES = 2;
const DELIMITER = 3;

/** `more`: the window ends before the answer is known. */
export type ScanResult = 'complete' | 'more' | 'fault';

/** The bytes at hand, `bytes[0, length)`, and whether nothing follows them. */
export interface Window {
  bytes: Buffer;
  length: number;
  atEnd: boolean;
}

/**
 * Reads one record off a window of bytes.
 *
 * It works on bytes, which is sound for UTF-8 and every single-byte encoding. The answer depends on the bytes alone,
 * never on how many of them happen to be at hand: where those are too few it asks for more.
 */
export class RecordScanner {
  // The last scan's findings; fields, because an object per record would cost more than the scan.
  /** One past the record, its line break left out. */
  end = 0;
  /** Where the next record begins. */
  next = 0;
  /** Line breaks inside quotes. */
  breaks = 0;
  /** The first of them; -1 when the record is one physical line. */
  firstBreak = -1;
  irregular = false;
  fault: Fault = FAULT.none;
  faultAt = 0;

  readonly #maxRecordBytes: number;
  readonly #classes = new Uint8Array(256);
  readonly #blanks = new Uint8Array(256);
  #at = 0;
  #limit = 0;
  #capped = false;

  constructor(delimiter: number, maxRecordBytes: number) {
    this.#maxRecordBytes = maxRecordBytes;
    this.#classes[LF] = BREAK;
    this.#classes[CR] = BREAK;
    this.#classes[QUOTE] = QUOTES;
    this.#classes[delimiter] = DELIMITER;
    for (const byte of [0x20, 0x09, 0x0b, 0x0c]) if (byte !== delimiter) this.#blanks[byte] = 1;
  }

  isBlank(byte: number): boolean {
    return this.#blanks[byte] === 1;
  }

  isDelimiter(byte: number): boolean {
    return this.#classes[byte] === DELIMITER;
  }

  /**
   * Scans the record at `start` and adds its cells to `table`; dropping those of a record that is not complete is up
   * to the caller.
   *
   * `maxCells` stops a record of several lines at a quoted cell beyond it, which bounds how far a broken quote can
   * drag the scan through rows that are well quoted.
   */
  scan(window: Window, start: number, table: RecordTable, maxCells: number): ScanResult {
    const { bytes, length, atEnd } = window;
    this.#capped = start + this.#maxRecordBytes < length;
    this.#limit = this.#capped ? start + this.#maxRecordBytes : length;
    this.#at = start;
    this.breaks = 0;
    this.firstBreak = -1;
    this.irregular = false;
    for (let cell = 0; ; cell++) {
      const cellStart = this.#at;
      this.#skipBlanks(bytes);
      const result =
        this.#at < this.#limit && bytes[this.#at] === QUOTE
          ? this.#quotedCell(window, cellStart, table, cell >= maxCells)
          : this.#plainCell(window, cellStart, table);
      if (result === 'more' && this.#capped) return this.#fail(FAULT.overCap, start);
      if (result !== 'complete') return result;
      const at = this.#at;
      if (at < this.#limit && this.#classes[bytes[at]!] === DELIMITER) {
        this.#at++;
        continue;
      }
      this.end = at;
      this.next = at;
      if (at < this.#limit) {
        if (bytes[at] === CR && at + 1 === length && !atEnd) return 'more';
        this.next += bytes[at] === CR && at + 1 < length && bytes[at + 1] === LF ? 2 : 1;
      }
      return 'complete';
    }
  }

  #quotedCell(window: Window, cellStart: number, table: RecordTable, beyondMax: boolean): ScanResult {
    const { bytes, length, atEnd } = window;
    const open = this.#at;
    if (open !== cellStart) this.irregular = true;
    if (beyondMax && this.firstBreak >= 0) return this.#fail(FAULT.tooManyCells, open);
    const limit = this.#limit;
    let flags: number = CELL.quoted;
    let at = open + 1;
    for (; ; at++) {
      while (at < limit && bytes[at] !== QUOTE && bytes[at] !== LF && bytes[at] !== CR) at++;
      if (at >= limit) return atEnd && !this.#capped ? this.#fail(FAULT.unclosedQuote, open) : 'more';
      const last = at + 1 === length;
      if (last && !atEnd) return 'more';
      if (bytes[at] === QUOTE) {
        if (last || bytes[at + 1] !== QUOTE) break;
        flags |= CELL.doubledQuotes;
        at++;
      } else {
        if (this.firstBreak < 0) this.firstBreak = at;
        if (bytes[at] === LF || last || bytes[at + 1] !== LF) this.breaks++;
      }
    }
    table.addCell(open + 1, at, flags);
    this.#at = at + 1;
    this.#skipBlanks(bytes);
    if (this.#at !== at + 1) this.irregular = true;
    if (this.#at >= limit) return atEnd && !this.#capped ? 'complete' : 'more';
    const after = this.#classes[bytes[this.#at]!];
    return after === DELIMITER || after === BREAK ? 'complete' : this.#fail(FAULT.closingQuote, at);
  }

  #plainCell(window: Window, cellStart: number, table: RecordTable): ScanResult {
    const { bytes, atEnd } = window;
    const classes = this.#classes;
    const limit = this.#limit;
    let at = this.#at;
    for (; at < limit; at++) {
      const kind = classes[bytes[at]!]!;
      if (kind === PLAIN) continue;
      if (kind !== QUOTES) break;
      this.irregular = true;
    }
    this.#at = at;
    table.addCell(cellStart, at, 0);
    return at < limit || (atEnd && !this.#capped) ? 'complete' : 'more';
  }

  #skipBlanks(bytes: Uint8Array): void {
    while (this.#at < this.#limit && this.#blanks[bytes[this.#at]!] === 1) this.#at++;
  }

  #fail(fault: Fault, at: number): ScanResult {
    this.fault = fault;
    this.faultAt = at;
    return 'fault';
  }
}

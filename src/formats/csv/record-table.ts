/** Why a record cannot be read; 0 means that it can. */
export const FAULT = {
  none: 0,
  closingQuote: 1,
  unclosedQuote: 2,
  overCap: 3,
  tooManyCells: 4,
  swallowedRow: 5,
} as const;
export type Fault = (typeof FAULT)[keyof typeof FAULT];

/** What is known of a cell beyond its extent. */
export const CELL = { quoted: 1, doubledQuotes: 2 } as const;

/**
 * The records of one block of bytes: where each begins and ends and where its cells are, as offsets into the block.
 *
 * Columns of typed arrays instead of objects: a table is filled for every block and read at once, so millions of
 * records leave nothing for the collector.
 */
export class RecordTable {
  count = 0;
  cellCount = 0;
  /** First byte of the record. */
  start = new Uint32Array(1024);
  /** One past its last byte, the line break not included. */
  end = new Uint32Array(1024);
  /** 1-based number of its first physical line, and of its last. */
  line = new Float64Array(1024);
  lastLine = new Float64Array(1024);
  firstCell = new Uint32Array(1025);
  fault = new Uint8Array(1024);
  /** The byte that shows the fault. */
  faultAt = new Uint32Array(1024);
  /** 1 when RFC 4180 does not describe it: blanks around quotes, or a quote inside an unquoted cell. */
  irregular = new Uint8Array(1024);
  /** Extent of a cell's content, inside its quotes. */
  cellStart = new Uint32Array(8192);
  cellEnd = new Uint32Array(8192);
  cellFlags = new Uint8Array(8192);

  clear(): void {
    this.count = 0;
    this.cellCount = 0;
  }

  addCell(start: number, end: number, flags: number): void {
    const i = this.cellCount++;
    if (i === this.cellFlags.length) this.#growCells();
    this.cellStart[i] = start;
    this.cellEnd[i] = end;
    this.cellFlags[i] = flags;
  }

  /** Closes a record that owns the cells added since `firstCell`. */
  addRecord(
    start: number,
    end: number,
    line: number,
    lastLine: number,
    firstCell: number,
    irregular: boolean,
  ): void {
    const i = this.#slot(start, end, line, lastLine, firstCell);
    this.fault[i] = FAULT.none;
    this.irregular[i] = irregular ? 1 : 0;
  }

  /** Adds a record that cannot be read; it owns no cells. */
  addFault(start: number, end: number, line: number, lastLine: number, fault: Fault, at: number): void {
    const i = this.#slot(start, end, line, lastLine, this.cellCount);
    this.fault[i] = fault;
    this.faultAt[i] = at;
    this.irregular[i] = 0;
  }

  cellsOf(record: number): number {
    return this.firstCell[record + 1]! - this.firstCell[record]!;
  }

  #slot(start: number, end: number, line: number, lastLine: number, firstCell: number): number {
    const i = this.count++;
    if (i === this.start.length) this.#growRecords();
    this.start[i] = start;
    this.end[i] = end;
    this.line[i] = line;
    this.lastLine[i] = lastLine;
    this.firstCell[i] = firstCell;
    this.firstCell[i + 1] = this.cellCount;
    return i;
  }

  #growRecords(): void {
    this.start = doubled(this.start, Uint32Array);
    this.end = doubled(this.end, Uint32Array);
    this.line = doubled(this.line, Float64Array);
    this.lastLine = doubled(this.lastLine, Float64Array);
    this.firstCell = doubled(this.firstCell, Uint32Array);
    this.fault = doubled(this.fault, Uint8Array);
    this.faultAt = doubled(this.faultAt, Uint32Array);
    this.irregular = doubled(this.irregular, Uint8Array);
  }

  #growCells(): void {
    this.cellStart = doubled(this.cellStart, Uint32Array);
    this.cellEnd = doubled(this.cellEnd, Uint32Array);
    this.cellFlags = doubled(this.cellFlags, Uint8Array);
  }
}

function doubled<T extends Uint8Array | Uint32Array | Float64Array>(
  array: T,
  make: new (length: number) => T,
): T {
  const larger = new make(array.length * 2);
  larger.set(array);
  return larger;
}

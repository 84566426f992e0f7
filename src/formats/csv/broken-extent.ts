import { CR, LF, QUOTE, type RecordScanner, type Window } from './record-scanner.ts';

/** How many cells a whole row may have; empty cells beyond `max` do not count. */
export interface ColumnRange {
  min: number;
  max: number;
}

/** The bytes that a record that cannot be read takes with it. */
export interface Extent {
  end: number;
  next: number;
  lines: number;
  /** Its end is further away than the size cap: drop the rest of this line, or up to the closing quote and its line. */
  skip?: 'line' | 'cell';
}

/**
 * How far a broken record reaches: mostly its first physical line, so that the next line is read as a row again.
 *
 * The exception is a cell of several lines whose quoting is broken, whose other lines must not pass for rows. With an
 * odd number of quotes on the first line the cell may go on, and the next quotes in the file tell. In the middle of
 * a cell, one closes the broken cell and two are a quote inside it, so all lines up to there belong to the record.
 * At the start of a cell they open a row of its own; then, as when none come within the size cap, the lines before
 * are rows unless most of them have the wrong number of cells.
 */
export function brokenExtent(
  window: Window,
  start: number,
  scanner: RecordScanner,
  columns: ColumnRange | undefined,
  cap: number,
): Extent | 'more' {
  const first = lineAt(window, start, cap);
  if (first === 'more' || first.skip !== undefined) return first;
  if (quotesIn(window.bytes, start, first.end) % 2 === 0 || (window.atEnd && first.next === window.length))
    return first;

  const capped = first.next + cap < window.length;
  const sign = nextSign(window, first.next, capped ? first.next + cap : window.length, scanner);
  if (sign.type === 'none' && !capped && !window.atEnd) return 'more';
  const between = linesBetween(window, first.next, sign.at, scanner, columns);
  if (sign.type === 'closing') {
    const closing = lineAt(window, sign.at, cap);
    return closing === 'more' ? 'more' : { ...closing, lines: 1 + between.lines + 1 };
  }
  if (!sign.insideCell && between.fitting * 2 >= between.filled) return first;
  const whole = { end: between.tail, next: between.tail, lines: 1 + between.lines };
  return sign.type === 'none' && capped ? { ...whole, skip: 'cell' } : whole;
}

/** What the quotes after a broken line say; `insideCell` when doubled ones in the middle of a cell came before. */
interface Sign {
  type: 'closing' | 'opening' | 'none';
  at: number;
  insideCell: boolean;
}

function nextSign({ bytes }: Window, from: number, to: number, scanner: RecordScanner): Sign {
  let insideCell = false;
  for (let at = bytes.indexOf(QUOTE, from); at >= 0 && at < to; at = bytes.indexOf(QUOTE, at)) {
    if (opensCell(bytes, at, from, scanner)) return { type: 'opening', at, insideCell };
    const run = at;
    while (at < to && bytes[at] === QUOTE) at++;
    if ((at - run) % 2 === 1) return { type: 'closing', at: run, insideCell };
    insideCell = true;
  }
  return { type: 'none', at: to, insideCell };
}

/** Whether the quote at `at` is the first character of a cell, blanks aside; `from` is where some line begins. */
export function opensCell(bytes: Uint8Array, at: number, from: number, scanner: RecordScanner): boolean {
  let before = at - 1;
  while (before >= from && scanner.isBlank(bytes[before]!)) before--;
  if (before < from) return true;
  const byte = bytes[before]!;
  return byte === LF || byte === CR || scanner.isDelimiter(byte);
}

/** One past the line break at `at`. */
export function afterBreak({ bytes, length }: Window, at: number): number {
  return at + (bytes[at] === CR && at + 1 < length && bytes[at + 1] === LF ? 2 : 1);
}

/** The physical line at `start`. */
function lineAt(window: Window, start: number, cap: number): Extent | 'more' {
  const { bytes, length, atEnd } = window;
  const limit = Math.min(length, start + cap);
  let end = start;
  while (end < limit && bytes[end] !== LF && bytes[end] !== CR) end++;
  if (end === limit) {
    if (start + cap < length) return { end, next: end, lines: 1, skip: 'line' };
    return atEnd ? { end, next: end, lines: 1 } : 'more';
  }
  if (bytes[end] === CR && end + 1 === length && !atEnd) return 'more';
  return { end, next: afterBreak(window, end), lines: 1 };
}

/** The lines in `[from, to)`, which hold no quotes; `tail` is where the unfinished last one begins. */
function linesBetween(
  window: Window,
  from: number,
  to: number,
  scanner: RecordScanner,
  columns: ColumnRange | undefined,
): { lines: number; filled: number; fitting: number; tail: number } {
  const { bytes } = window;
  const found = { lines: 0, filled: 0, fitting: 0, tail: from };
  let cells = 1;
  let lastFilled = 0;
  const close = (next: number): void => {
    found.lines++;
    if (lastFilled > 0 || cells > 1) found.filled++;
    if (lastFilled > 0 && (columns === undefined || (cells >= columns.min && lastFilled <= columns.max)))
      found.fitting++;
    found.tail = next;
    cells = 1;
    lastFilled = 0;
  };
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte === LF || byte === CR) {
      close(afterBreak(window, at));
      at = found.tail - 1;
    } else if (scanner.isDelimiter(byte)) cells++;
    else if (!scanner.isBlank(byte)) lastFilled = cells;
  }
  if (window.atEnd && to === window.length && found.tail < to) close(to);
  return found;
}

function quotesIn(bytes: Uint8Array, from: number, to: number): number {
  let quotes = 0;
  for (let i = from; i < to; i++) if (bytes[i] === QUOTE) quotes++;
  return quotes;
}

/** Bytes of a local header before its name. */
export const LOCAL_HEADER_SIZE = 30;

/** What an entry occupies at least: its local header's extra field is not known from the directory. */
export const leastEnd = (entry: { offset: number; compressedSize: number; rawName: string }): number =>
  entry.offset + LOCAL_HEADER_SIZE + entry.rawName.length + entry.compressedSize;

/**
 * Tells which entries of an archive overlap, from two sorted lists of numbers: 16 bytes an entry.
 *
 * Only needed where the directory's order is not that of the file; in order, each entry is held against the next.
 */
export class Extents {
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  #filled = 0;

  constructor(entries: number) {
    this.#starts = new Float64Array(entries);
    this.#ends = new Float64Array(entries);
  }

  add(start: number, end: number): void {
    this.#starts[this.#filled] = start;
    this.#ends[this.#filled] = end;
    this.#filled++;
  }

  /** To be called once, between the last `add` and the first question. */
  sort(): void {
    this.#starts.sort();
    this.#ends.sort();
  }

  /** Whether an extent that was added overlaps another one. */
  overlaps(start: number, end: number): boolean {
    // Those that start before our end, less those that end by our start, are ourselves and what we overlap.
    return countBelow(this.#starts, end) - countBelow(this.#ends, start + 1) > 1;
  }

  /** The first start after `start`; undefined for the last. */
  nextStart(start: number): number | undefined {
    return this.#starts[countBelow(this.#starts, start + 1)];
  }
}

/** How many of the sorted integers are smaller than `value`. */
function countBelow(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

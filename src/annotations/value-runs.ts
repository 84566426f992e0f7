import type { Runs } from './runs.ts';

const FIRST_CAPACITY = 64;

/** The pixels of a raster that have one value. */
export interface ValueRuns {
  value: number;
  pixels: number;
  /** Undefined for a value that was only to be counted. */
  runs: Runs | undefined;
}

/**
 * Divides a column-major raster by its values, in one pass, in the order of their first pixels. Only values that are
 * `wanted` get runs, for a noisy raster may have as many others as pixels.
 */
export function runsByValue(values: ArrayLike<number>, wanted: (value: number) => boolean): ValueRuns[] {
  const found = new Map<number, Tally>();
  for (let start = 0; start < values.length; ) {
    const value = values[start]!;
    let end = start + 1;
    while (end < values.length && values[end] === value) end++;
    const tally = found.get(value) ?? new Tally(wanted(value));
    if (tally.pixels === 0) found.set(value, tally);
    tally.add(start, end);
    start = end;
  }
  return [...found].map(([value, tally]) => ({
    value,
    pixels: tally.pixels,
    runs: tally.runs(values.length),
  }));
}

class Tally {
  pixels = 0;
  #runs: Runs | undefined;
  #count = 0;
  /** Behind the last pixel of the value. */
  #end = 0;

  constructor(keepsRuns: boolean) {
    this.#runs = keepsRuns ? new Uint32Array(FIRST_CAPACITY) : undefined;
  }

  add(start: number, end: number): void {
    this.pixels += end - start;
    if (this.#runs === undefined) return;
    if (this.#count + 3 > this.#runs.length) {
      const larger = new Uint32Array(this.#runs.length * 2);
      larger.set(this.#runs);
      this.#runs = larger;
    }
    this.#runs[this.#count++] = start - this.#end;
    this.#runs[this.#count++] = end - start;
    this.#end = end;
  }

  runs(length: number): Runs | undefined {
    if (this.#runs !== undefined && this.#end < length) this.#runs[this.#count++] = length - this.#end;
    this.#end = length;
    return this.#runs?.slice(0, this.#count);
  }
}

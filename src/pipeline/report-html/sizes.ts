/** Lower bounds of the bins in bytes: 0, then 1, 2 and 5 of each power of ten from 100 B to 50 GB. */
const BOUNDS: readonly number[] = [
  0,
  ...Array.from({ length: 9 }, (_, i) => 10 ** (i + 2)).flatMap((power) => [power, 2 * power, 5 * power]),
];

export interface SizeBin {
  from: number;
  /** Exclusive. */
  to: number;
  count: number;
}

/** How large the items are, on a logarithmic scale. */
export class SizeHistogram {
  readonly #counts = new Array<number>(BOUNDS.length).fill(0);
  count = 0;
  bytes = 0;
  smallest = Number.POSITIVE_INFINITY;
  largest = 0;

  add(bytes: number): void {
    this.#counts[BOUNDS.findLastIndex((bound) => bytes >= bound)]!++;
    this.count++;
    this.bytes += bytes;
    this.smallest = Math.min(this.smallest, bytes);
    this.largest = Math.max(this.largest, bytes);
  }

  /** From the first bin that is not empty to the last. */
  get bins(): SizeBin[] {
    const bins = BOUNDS.map((from, i) => ({
      from,
      to: BOUNDS[i + 1] ?? Number.POSITIVE_INFINITY,
      count: this.#counts[i]!,
    }));
    const first = bins.findIndex(({ count }) => count > 0);
    return first === -1 ? [] : bins.slice(first, bins.findLastIndex(({ count }) => count > 0) + 1);
  }
}

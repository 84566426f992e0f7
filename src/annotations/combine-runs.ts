import type { Runs } from './runs.ts';

/** What two masks become, pixel by pixel. */
export type Combination = 'union' | 'intersection' | 'difference';

const TABLES: Record<Combination, readonly [boolean, boolean, boolean, boolean]> = {
  // Neither, the second alone, the first alone, both.
  union: [false, true, true, true],
  intersection: [false, false, false, true],
  difference: [false, false, true, false],
};

/** Combines the runs of two masks of one size; no run of the result is 0 but the first (`rleMerge`). */
export function combineRuns(first: Runs, second: Runs, combination: Combination): Runs {
  const table = TABLES[combination];
  const result = new Uint32Array(first.length + second.length + 1);
  let count = 0;
  let length = 0;
  let value = false;
  let a = 0;
  let b = 0;
  let leftA = first[0] ?? 0;
  let leftB = second[0] ?? 0;
  for (;;) {
    while (leftA === 0 && a + 1 < first.length) leftA = first[++a]!;
    while (leftB === 0 && b + 1 < second.length) leftB = second[++b]!;
    const step = Math.min(leftA, leftB);
    if (step === 0) break;
    const next = table[(a & 1) * 2 + (b & 1)]!;
    if (next !== value) {
      result[count++] = length;
      length = 0;
      value = next;
    }
    length += step;
    leftA -= step;
    leftB -= step;
  }
  result[count++] = length;
  return result.slice(0, count);
}

/** The same pixels without runs of 0 after the first. */
export const canonicalRuns = (runs: Runs): Runs =>
  runs.indexOf(0, 1) === -1 ? runs : combineRuns(runs, runs, 'union');

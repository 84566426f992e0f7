import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cut, Cutter } from '../../../src/stores/local/versions/cutter.ts';

type Row = [id: string, line: string];

function cutsOf(rows: readonly Row[]): Cut[] {
  const cutter = new Cutter();
  const cuts = rows.map(([id, line]) => cutter.add(id, line));
  return [...cuts, cutter.end()].filter((cut) => cut !== undefined);
}

const row = (i: number, chars = 100): Row => [`id-${String(i).padStart(7, '0')}`, `${i}`.padEnd(chars, 'x')];
const rows = (count: number, chars?: number): Row[] => Array.from({ length: count }, (_, i) => row(i, chars));

test('chunks hold every row once, in order, whatever the rows are', () => {
  const line = fc.nat(2_000_000).map((chars) => 'x'.repeat(chars));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), line), { maxLength: 20 }), (given) => {
      const cuts = cutsOf(given);
      expect(cuts.map(({ text }) => text).join('')).toBe(given.map(([, text]) => `${text}\n`).join(''));
      expect(cuts.reduce((sum, { rows: count }) => sum + count, 0)).toBe(given.length);
      expect(cuts.at(-1)?.last).toBe(given.at(-1)?.[0]);
    }),
    { numRuns: 50 },
  );
});

test('chunks have about a thousand small rows, or about a megabyte of large ones', () => {
  expect(cutsOf(rows(100_000)).length).toBeGreaterThan(50);
  expect(cutsOf(rows(100_000)).length).toBeLessThan(200);
  const large = cutsOf(rows(2000, 50_000));
  expect(large.length).toBeGreaterThan(50);
  for (const { text } of large) expect(text.length).toBeLessThanOrEqual(4_050_001);
});

test('a row that is added, changed or removed changes at most two chunks', () => {
  const before = rows(50_000);
  const known = new Set(cutsOf(before).map(({ text }) => text));
  fc.assert(
    fc.property(fc.nat(49_999), fc.constantFrom('add', 'change', 'remove'), (at, how) => {
      const after = before.toSpliced(at, how === 'add' ? 0 : 1, ...(how === 'remove' ? [] : [row(at, 90)]));
      const fresh = cutsOf(after).filter(({ text }) => !known.has(text));
      expect(fresh.length).toBeLessThanOrEqual(2);
    }),
    { numRuns: 25 },
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeColumns } from '../../src/annotations/runs.ts';
import { runsByValue } from '../../src/annotations/value-runs.ts';

describe('a raster divided by its values', () => {
  it('has for each wanted value the runs of the bitmap of that value, and counts all', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 400 }), fc.nat(4), (raster, unwanted) => {
        const found = runsByValue(Uint8Array.from(raster), (value) => value !== unwanted);
        expect(found.map(({ value }) => value)).toEqual([...new Set(raster)]);
        for (const { value, pixels, runs } of found) {
          const bitmap = Uint8Array.from(raster, (each) => (each === value ? 1 : 0));
          expect(pixels).toBe(bitmap.filter((bit) => bit === 1).length);
          expect(runs).toEqual(value === unwanted ? undefined : encodeColumns(bitmap));
        }
      }),
    );
  });

  it('has no values when it has no pixels', () => {
    expect(runsByValue(new Uint16Array(0), () => true)).toEqual([]);
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Extents } from '../../../src/io/zip/extents.ts';

const extent = fc
  .tuple(fc.nat(200), fc.integer({ min: 1, max: 30 }))
  .map(([start, length]) => [start, start + length] as const);

it('finds just the extents that share a byte with another, and what starts next', () => {
  fc.assert(
    fc.property(fc.array(extent, { maxLength: 20 }), (extents) => {
      const tested = new Extents(extents.length);
      for (const [start, end] of extents) tested.add(start, end);
      tested.sort();
      extents.forEach(([start, end], i) => {
        const others = extents.filter((_, j) => j !== i);
        expect(tested.overlaps(start, end)).toBe(others.some(([s, e]) => s < end && start < e));
        const later = extents.map(([s]) => s).filter((s) => s > start);
        expect(tested.nextStart(start)).toBe(later.length === 0 ? undefined : Math.min(...later));
      });
    }),
  );
});

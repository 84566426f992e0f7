import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextBatch } from '../../../src/embed/onnx/next-batch.ts';

const items = fc.array(fc.record({ length: fc.nat(20), rows: fc.integer({ min: 1, max: 9 }) }), {
  maxLength: 30,
});
const limits = fc.record({ items: fc.integer({ min: 1, max: 10 }), rows: fc.integer({ min: 1, max: 30 }) });

describe('the next batch', () => {
  it('has the oldest item, and others as far as the limits allow', () => {
    fc.assert(
      fc.property(items, limits, (ready, limit) => {
        const batch = nextBatch(ready, limit);
        expect(batch.length > 0).toBe(ready.length > 0);
        expect(batch.length).toBeLessThanOrEqual(limit.items);
        expect(new Set(batch).size).toBe(batch.length);
        if (ready.length > 0) expect(batch).toContain(ready[0]);
        const rows = batch.reduce((sum, item) => sum + item.rows, 0);
        expect(batch.length === 1 || rows <= limit.rows).toBe(true);
      }),
    );
  });

  it('is whole as long as there are enough, and its items are neighbours by length', () => {
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 10 }), (ready, most) => {
        const batch = nextBatch(ready, { items: most, rows: 1000 });
        expect(batch).toHaveLength(Math.min(most, ready.length));
        const [least, greatest] = [
          Math.min(...batch.map((i) => i.length)),
          Math.max(...batch.map((i) => i.length)),
        ];
        const between = ready.filter(({ length }) => length > least && length < greatest);
        expect(between.every((item) => batch.includes(item))).toBe(true);
      }),
    );
  });
});

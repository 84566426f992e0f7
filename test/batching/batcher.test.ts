import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batch, Batcher, type BatchLimits } from '../../src/batching/batcher.ts';

const LIMITS: BatchLimits = { items: 3, bytes: 100, ageMs: 50, overheadBytes: 10 };
const small = { bytes: 1, alone: false };

/** Adds items of the given sizes at time 0 and ends; gives each batch as its items and reason. */
function batchesOf(sizes: number[], limits: Partial<BatchLimits> = {}): [number[], string][] {
  const batcher = new Batcher<number>({ ...LIMITS, ...limits });
  const batches = sizes.flatMap((bytes) => batcher.add(bytes, { bytes, alone: false }, 0).batches);
  const last = batcher.end();
  return [...batches, ...(last ? [last] : [])].map(({ items, reason }) => [items, reason]);
}

describe('Batcher', () => {
  it('closes a batch with its last item when it is full', () => {
    expect(batchesOf([1, 2, 3, 4])).toEqual([
      [[1, 2, 3], 'items'],
      [[4], 'end'],
    ]);
  });

  it('closes a batch before the item that would reach the byte limit, overhead included', () => {
    expect(batchesOf([45, 44])).toEqual([[[45, 44], 'end']]);
    expect(batchesOf([45, 45])).toEqual([
      [[45], 'bytes'],
      [[45], 'end'],
    ]);
  });

  it('gives back an item that no request can carry, and leaves the pending batch alone', () => {
    const batcher = new Batcher<string>(LIMITS);
    batcher.add('a', small, 0);
    expect(batcher.add('huge', { bytes: 90, alone: false }, 0)).toEqual({ batches: [], oversized: 'huge' });
    expect(batcher.add('huge', { bytes: 90, alone: true }, 0)).toEqual({ batches: [], oversized: 'huge' });
    expect(batcher.add('fits', { bytes: 88, alone: false }, 0)).toEqual({ batches: [] });
    expect(batcher.end()).toEqual({ items: ['a', 'fits'], bytes: 99, reason: 'end' });
  });

  it('sends an item that travels alone by itself, after what came before it', () => {
    const batcher = new Batcher<string>(LIMITS);
    batcher.add('a', small, 0);
    expect(batcher.add('video', { bytes: 80, alone: true }, 0).batches).toEqual([
      { items: ['a'], bytes: 11, reason: 'items' },
      { items: ['video'], bytes: 90, reason: 'items' },
    ]);
    expect(batcher.add('b', small, 0).batches).toEqual([]);
    expect(batcher.end()?.items).toEqual(['b']);
  });

  it('closes a batch that waited long enough, counted from its first item', () => {
    const batcher = new Batcher<string>(LIMITS);
    expect(batcher.nextDueAt()).toBeUndefined();
    batcher.add('a', small, 1000);
    batcher.add('b', small, 1040);
    expect(batcher.nextDueAt()).toBe(1050);
    expect(batcher.due(1049)).toBeUndefined();
    expect(batcher.due(1050)).toEqual({ items: ['a', 'b'], bytes: 12, reason: 'age' });
    expect(batcher.due(9999)).toBeUndefined();
    batcher.add('c', small, 2000);
    expect(batcher.add('d', small, 2050).batches).toEqual([{ items: ['c'], bytes: 11, reason: 'age' }]);
  });

  it('has nothing to give when nothing is pending', () => {
    const batcher = new Batcher<string>(LIMITS);
    expect(batcher.end()).toBeUndefined();
    expect(batcher.due(0)).toBeUndefined();
  });

  it.each([
    { items: 0 },
    { items: 129 },
    { items: 1.5 },
    { bytes: 10 },
    { bytes: 128_000_001 },
    { bytes: Number.NaN },
    { ageMs: -1 },
  ])('refuses the limits %o', (wrong) => {
    expect(() => new Batcher({ ...LIMITS, ...wrong })).toThrow(RangeError);
  });

  const step = fc.record({
    bytes: fc.integer({ min: 0, max: 130 }),
    alone: fc.boolean(),
    wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 })),
    polls: fc.boolean(),
  });
  const anyLimits = fc.record({
    items: fc.integer({ min: 1, max: 6 }),
    bytes: fc.integer({ min: 20, max: 120 }),
    ageMs: fc.integer({ min: 0, max: 80 }),
    overheadBytes: fc.integer({ min: 0, max: 15 }),
  });

  it('keeps every limit, the order and every item, and gives true reasons', () => {
    fc.assert(
      fc.property(anyLimits, fc.array(step, { maxLength: 60 }), (limits, steps) => {
        const batcher = new Batcher<number>(limits);
        const batches: { batch: Batch<number>; before: number; at: number }[] = [];
        const oversized: number[] = [];
        const addedAt: number[] = [];
        let now = 0;
        steps.forEach(({ bytes, alone, wait, polls }, at) => {
          now += wait;
          addedAt.push(now);
          const due = polls ? batcher.due(now) : undefined;
          if (due) batches.push({ batch: due, before: at, at: now });
          const added = batcher.add(at, { bytes, alone }, now);
          for (const batch of added.batches) batches.push({ batch, before: at, at: now });
          if (added.oversized !== undefined) oversized.push(added.oversized);
        });
        const last = batcher.end();
        if (last) batches.push({ batch: last, before: steps.length, at: now });

        const sizeOf = (item: number) => steps[item]!.bytes;
        const isAlone = (item: number) => steps[item]!.alone;
        const delivered = batches.flatMap(({ batch }) => batch.items);
        expect(delivered).toEqual([...delivered].sort((a, b) => a - b));
        expect([...delivered, ...oversized].sort((a, b) => a - b)).toEqual(steps.map((_, at) => at));
        for (const item of oversized) {
          expect(limits.overheadBytes + sizeOf(item)).toBeGreaterThanOrEqual(limits.bytes);
        }
        for (const { batch, before, at } of batches) {
          const { items, bytes, reason } = batch;
          expect(bytes).toBe(limits.overheadBytes + items.reduce((sum, item) => sum + sizeOf(item), 0));
          expect(bytes).toBeLessThan(limits.bytes);
          expect(items.length).toBeGreaterThan(0);
          expect(items.length).toBeLessThanOrEqual(limits.items);
          if (items.some(isAlone)) expect(items).toHaveLength(1);
          const waited = at - addedAt[items[0]!]!;
          const full = items.length === limits.items || isAlone(items[0]!);
          if (reason === 'items') expect(full || isAlone(before)).toBe(true);
          if (reason === 'bytes') expect(bytes + sizeOf(before)).toBeGreaterThanOrEqual(limits.bytes);
          if (reason === 'age') expect(waited).toBeGreaterThanOrEqual(limits.ageMs);
          if (reason === 'end') expect(batch).toBe(last);
          // Whoever is not full, cut short or at the end must not have been kept longer than allowed.
          if (reason === 'bytes') expect(waited).toBeLessThan(Math.max(1, limits.ageMs));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

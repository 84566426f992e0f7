import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteBudget } from '../../src/io/byte-budget.ts';

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('ByteBudget', () => {
  it('refuses a budget that could admit nothing', () => {
    expect(() => new ByteBudget(0)).toThrow(RangeError);
    expect(() => new ByteBudget(Number.NaN)).toThrow(RangeError);
  });

  it('admits requests in the order they came, also when a later one would fit', async () => {
    const budget = new ByteBudget(10);
    const admitted: string[] = [];
    await budget.acquire(6);
    void budget.acquire(8).then(() => admitted.push('large'));
    void budget.acquire(1).then(() => admitted.push('small'));
    await settle();
    expect(admitted).toEqual([]);
    budget.release(6);
    await settle();
    expect(admitted).toEqual(['large', 'small']);
  });

  it('lets a request over the whole budget pass alone', async () => {
    const budget = new ByteBudget(10);
    await budget.acquire(25);
    let second = false;
    void budget.acquire(1).then(() => {
      second = true;
    });
    await settle();
    expect(second).toBe(false);
    budget.release(25);
    await settle();
    expect(second).toBe(true);
  });

  it('takes an aborted request out of the line and lets those behind it move up', async () => {
    const budget = new ByteBudget(10);
    const controller = new AbortController();
    await budget.acquire(6);
    const large = budget.acquire(8, controller.signal);
    const small = budget.acquire(4);
    controller.abort('stop');
    await expect(large).rejects.toBe('stop');
    await small;
    expect(budget.inUse).toBe(10);
    expect(budget.waiting).toBe(0);
    await expect(budget.acquire(1, controller.signal)).rejects.toBe('stop');
  });

  it('takes bytes at once only when nobody waits and they fit', async () => {
    const budget = new ByteBudget(10);
    expect(budget.tryAcquire(6)).toBe(true);
    expect(budget.tryAcquire(5)).toBe(false);
    void budget.acquire(5);
    expect(budget.tryAcquire(1)).toBe(false);
    budget.release(6);
    expect(budget.inUse).toBe(5);
    expect(budget.tryAcquire(5)).toBe(true);
  });

  it('corrects an estimate: a smaller one admits who waits, a larger one does not wait', async () => {
    const budget = new ByteBudget(10);
    await budget.acquire(10);
    const waiting = budget.acquire(7);
    budget.resize(10, 3);
    await waiting;
    expect(budget.inUse).toBe(10);
    budget.resize(3, 8);
    expect(budget.inUse).toBe(15);
    budget.release(8);
    budget.release(7);
    expect(budget.inUse).toBe(0);
  });

  it('notices bytes that are given back twice', async () => {
    const budget = new ByteBudget(10);
    await budget.acquire(4);
    budget.release(4);
    expect(() => budget.release(4)).toThrow(/released 4 bytes of 0/);
  });

  it('is never over budget except for a lone request, keeps the order and starves nobody', async () => {
    const request = fc.record({ bytes: fc.integer({ min: 0, max: 30 }), aborts: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        async (requests, picks) => {
          const budget = new ByteBudget(20);
          const holding: { at: number; bytes: number }[] = [];
          const order: number[] = [];
          const controllers = requests.map(() => new AbortController());
          const waits = requests.map(({ bytes }, at) =>
            budget.acquire(bytes, controllers[at]?.signal).then(
              () => {
                order.push(at);
                holding.push({ at, bytes });
              },
              () => undefined,
            ),
          );
          requests.forEach(({ aborts }, at) => {
            if (aborts) controllers[at]?.abort();
          });
          for (;;) {
            await settle();
            expect(budget.inUse).toBe(holding.reduce((sum, { bytes }) => sum + bytes, 0));
            if (budget.inUse > 20) expect(holding.filter(({ bytes }) => bytes > 0)).toHaveLength(1);
            if (holding.length === 0) break;
            const pick = (picks.next().value as number) % holding.length;
            for (const { bytes } of holding.splice(pick, 1)) budget.release(bytes);
          }
          await Promise.all(waits);
          expect(budget.waiting).toBe(0);
          expect(order).toEqual([...order].sort((a, b) => a - b));
          requests.forEach(({ aborts }, at) => {
            if (!aborts) expect(order).toContain(at);
          });
        },
      ),
    );
  });
});

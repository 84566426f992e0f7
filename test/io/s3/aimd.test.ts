import { describe, expect, it } from 'vitest';
import { Aimd, type Permit } from '../../../src/io/s3/aimd.ts';
import { randomFrom } from '../../support/random.ts';

const never = new AbortController().signal;

describe('the number of requests at once', () => {
  it('is kept between one and the most, never exceeded and never leaked, whatever happens', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomFrom(seed);
      const max = 1 + Math.floor(random() * 40);
      const start = 1 + Math.floor(random() * 50);
      const aimd = new Aimd({ start, max });
      const held: Permit[] = [];
      const waiting = new Set<AbortController>();
      const order: number[] = [];
      let asked = 0;
      for (let step = 0; step < 300; step++) {
        const chance = random();
        if (chance < 0.5) {
          const controller = new AbortController();
          const number = asked++;
          waiting.add(controller);
          aimd.acquire(controller.signal).then(
            (permit) => {
              waiting.delete(controller);
              held.push(permit);
              order.push(number);
              expect(aimd.inFlight).toBeLessThanOrEqual(aimd.limit);
            },
            () => waiting.delete(controller),
          );
        } else if (chance < 0.9) {
          const [permit] = held.splice(Math.floor(random() * held.length), 1);
          const end = (['succeeded', 'succeeded', 'succeeded', 'throttled', 'ended'] as const)[
            Math.floor(random() * 5)
          ]!;
          permit?.[end]();
          // Given back twice counts once.
          permit?.ended();
        } else {
          const [controller] = waiting;
          controller?.abort();
        }
        await Promise.resolve();
        await Promise.resolve();
        expect(aimd.limit).toBeGreaterThanOrEqual(1);
        expect(aimd.limit).toBeLessThanOrEqual(max);
        expect(aimd.inFlight).toBeGreaterThanOrEqual(0);
      }
      expect(order).toEqual([...order].sort((a, b) => a - b));
      while (held.length > 0 || waiting.size > 0) {
        held.pop()?.ended();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(aimd.inFlight).toBe(0);
    }
  });

  it('grows by one for each round of successes that reach it', async () => {
    const aimd = new Aimd({ start: 4, max: 100 });
    for (let round = 0; round < 10; round++) {
      const before = aimd.limit;
      const permits = await Promise.all(Array.from({ length: before }, () => aimd.acquire(never)));
      // As in real life, each place that is given back is taken at once.
      for (let at = 0; at < before; at++) {
        const next = aimd.acquire(never);
        permits[at]!.succeeded();
        permits.push(await next);
      }
      expect(aimd.limit - before).toBeGreaterThanOrEqual(0);
      expect(aimd.limit - before).toBeLessThanOrEqual(1);
      for (const permit of permits.slice(before)) permit.ended();
    }
    expect(aimd.limit).toBeGreaterThanOrEqual(12);
  });

  it('does not grow while fewer are under way', async () => {
    const aimd = new Aimd({ start: 8, max: 100 });
    for (let at = 0; at < 1000; at++) (await aimd.acquire(never)).succeeded();
    expect(aimd.limit).toBe(8);
  });

  it('is halved once for all that were sent before the server asked for less', async () => {
    const aimd = new Aimd({ start: 16, max: 16 });
    const permits = await Promise.all(Array.from({ length: 16 }, () => aimd.acquire(never)));
    for (const permit of permits) permit.throttled();
    expect(aimd.limit).toBe(8);
    expect(aimd.throttledInARow).toBe(16);
    (await aimd.acquire(never)).throttled();
    expect(aimd.limit).toBe(4);
    (await aimd.acquire(never)).succeeded();
    expect(aimd.throttledInARow).toBe(0);
    for (let at = 0; at < 20; at++) (await aimd.acquire(never)).throttled();
    expect(aimd.limit).toBe(1);
  });
});

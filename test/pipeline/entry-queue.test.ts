import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntryQueue } from '../../src/pipeline/entry-queue.ts';

test('entries come out in order, none lost and none doubled, whatever the pace of both sides', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 30 }),
      fc.scheduler(),
      async (count, capacity, max, scheduler) => {
        const queue = new EntryQueue<number>(capacity);
        const produce = async () => {
          for (let i = 0; i < count; i++) {
            if (!queue.push(i)) await queue.room();
            if (i % 7 === 0) await scheduler.schedule(Promise.resolve());
          }
          queue.end();
        };
        const taken: number[] = [];
        const consume = async () => {
          for (;;) {
            const chunk = await queue.take(max);
            if (chunk === undefined) return;
            expect(chunk.length).toBeLessThanOrEqual(Math.min(max, capacity));
            taken.push(...chunk);
            await scheduler.schedule(Promise.resolve());
          }
        };
        await scheduler.waitFor(Promise.all([produce(), consume()]));
        expect(taken).toEqual(Array.from({ length: count }, (_, i) => i));
      },
    ),
    { numRuns: 60 },
  );
});

test('an error of the producer is thrown after the entries before it', async () => {
  const queue = new EntryQueue<string>(4);
  queue.push('a');
  queue.end(new Error('listing broke'));
  expect(await queue.take(10)).toEqual(['a']);
  await expect(queue.take(10)).rejects.toThrow('listing broke');
});

test('abandoning wakes both sides', async () => {
  const queue = new EntryQueue<string>(1);
  queue.push('a');
  const room = queue.room();
  queue.abandon();
  await room;
  expect(await queue.take(1)).toBeUndefined();
});

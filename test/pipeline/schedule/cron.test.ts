import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../../src/pipeline/schedule/cron.ts';
import { dueSlot } from '../../../src/pipeline/schedule/due.ts';

const at = (text: string): number => Date.parse(text);
const iso = (times: readonly number[]): string[] => times.map((time) => new Date(time).toISOString());

describe('slots', () => {
  it('come in the time zone of the schedule', () => {
    const slots = Slots.parse('0 3 * * 1-5', 'America/New_York');
    expect(iso(slots.next(2, at('2026-11-20T12:00:00Z')))).toEqual([
      '2026-11-23T08:00:00.000Z',
      '2026-11-24T08:00:00.000Z',
    ]);
  });

  it('that a clock change leaves out come right after it, and those that come twice come once', () => {
    const slots = Slots.parse('30 2 * * *', 'Europe/Berlin');
    expect(iso(slots.next(2, at('2026-03-28T12:00:00Z')))).toEqual([
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
    expect(iso(slots.next(2, at('2026-10-24T12:00:00Z')))).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
  });

  it.each([
    ['61 * * * *', undefined, 'Invalid value for minute'],
    ['0 3 * * * *', undefined, 'exactly 5 parts'],
    ['nonsense', undefined, 'nonsense'],
    ['0 0 31 2 *', undefined, 'no day is ever such a day'],
    ['0 3 * * *', 'Mars/Olympus', 'Mars/Olympus'],
  ])('refuse %s in %s, and say why', (cron, zone, why) => {
    expect(() => Slots.parse(cron, zone)).toThrow(why);
  });
});

describe('the slot that is due', () => {
  const minutely = fc.constantFrom('* * * * *', '*/7 * * * *', '0 * * * *', '15 4,16 * * *');
  const start = at('2026-03-28T00:00:00Z');

  it('is the newest one by now that comes after the last, and the ones between are counted', () => {
    fc.assert(
      fc.property(
        minutely,
        fc.integer({ min: 0, max: 2 * 24 * 60 }),
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: 0, max: 59_999 }),
        (cron, lastMinutes, minutes, ms) => {
          const slots = Slots.parse(cron, 'UTC');
          const last = start + lastMinutes * 60_000;
          const now = last + minutes * 60_000 + ms;
          // By asking about every minute.
          const between: number[] = [];
          for (let time = last + 60_000; time <= now; time += 60_000) {
            if (slots.after(time - 1) === time) between.push(time);
          }
          const due = dueSlot(slots, last, now);
          expect(due?.slot).toBe(between.at(-1));
          if (due !== undefined) expect(due.missedBefore).toBe(between.length - 1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is late when nobody was there for a minute', () => {
    const slots = Slots.parse('0 3 * * *', 'UTC');
    const last = at('2026-11-20T03:00:00Z');
    expect(dueSlot(slots, last, at('2026-11-21T02:59:59Z'))).toBeUndefined();
    expect(dueSlot(slots, last, at('2026-11-21T03:00:30Z'))).toMatchObject({ late: false, missedBefore: 0 });
    expect(dueSlot(slots, last, at('2026-11-23T04:00:00Z'))).toMatchObject({ late: true, missedBefore: 2 });
  });
});

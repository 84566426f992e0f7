import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/io/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('systemClock', () => {
  it('sleeps for about as long as asked', async () => {
    const before = systemClock.now();
    await systemClock.sleep(20);
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(18);
  });

  it('rejects with the very reason of the signal, before and during a sleep', async () => {
    const reason = new Error('enough');
    await expect(systemClock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const sleeping = systemClock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });
});

describe('FakeClock', () => {
  it('wakes sleepers in the order they are due, at the time they are due', async () => {
    const clock = new FakeClock();
    const woken: [string, number][] = [];
    void clock.sleep(30).then(() => woken.push(['late', clock.now()]));
    void clock.sleep(10).then(() => woken.push(['early', clock.now()]));
    await clock.advance(9);
    expect(woken).toEqual([]);
    await clock.advance(100);
    expect(woken).toEqual([
      ['early', 10],
      ['late', 30],
    ]);
    expect(clock.now()).toBe(109);
  });

  it('drops a sleeper that is aborted', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(10, controller.signal);
    controller.abort('gone');
    await expect(sleeping).rejects.toBe('gone');
  });
});

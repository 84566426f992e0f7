import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RetryOptions, withRetry } from '../../src/io/retry.ts';
import { FatalError, RejectedItemError, RetryableError, ThrottledError } from '../../src/model/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';

const reset = () => new RetryableError('URL_FETCH_FAILED', 'connection reset', { measured: 3, limit: 9 });
const throttled = (ms: number) => new ThrottledError('URL_FETCH_FAILED', 'slow down', ms);

function setUp(overrides: Partial<RetryOptions> = {}) {
  const clock = new FakeClock({ auto: true });
  const { signal } = new AbortController();
  const options: RetryOptions = {
    attempts: 4,
    baseMs: 100,
    maxMs: 250,
    clock,
    signal,
    random: () => 1,
    ...overrides,
  };
  return { clock, options };
}

/** A function that fails with each of the errors and then succeeds. */
function failing(...errors: unknown[]) {
  const attempts: number[] = [];
  const fn = async (attempt: number) => {
    attempts.push(attempt);
    if (errors.length > 0) throw errors.shift();
    return 'done';
  };
  return { fn, attempts };
}

describe('withRetry', () => {
  it('gives the result of the first attempt that succeeds', async () => {
    const { options } = setUp();
    const { fn, attempts } = failing(reset(), reset());
    expect(await withRetry(fn, options)).toBe('done');
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('doubles the wait up to the maximum', async () => {
    const { clock, options } = setUp({ attempts: 6 });
    await withRetry(failing(reset(), reset(), reset(), reset()).fn, options);
    expect(clock.sleeps).toEqual([100, 200, 250, 250]);
  });

  it('takes a random part of each wait, so that clients do not come back together', async () => {
    const { clock, options } = setUp({ random: () => 0.25 });
    await withRetry(failing(reset(), reset()).fn, options);
    expect(clock.sleeps).toEqual([25, 50]);
  });

  it('throws the last error with its class, code, measure and cause, saying after how many attempts', async () => {
    const { options } = setUp({ attempts: 2 });
    const last = reset();
    const error = await withRetry(failing(reset(), last).fn, options).catch((e) => e);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({
      code: 'URL_FETCH_FAILED',
      message: 'connection reset (after 2 attempts)',
      measured: 3,
      limit: 9,
      cause: last,
    });
  });

  it('waits as long as a throttling service asks, at no attempt', async () => {
    const { clock, options } = setUp({ attempts: 1, random: () => 0 });
    const { fn, attempts } = failing(...Array.from({ length: 20 }, () => throttled(5_000)));
    expect(await withRetry(fn, options)).toBe('done');
    expect(new Set(attempts)).toEqual(new Set([1]));
    expect(clock.sleeps).toEqual(Array(20).fill(5_000));
  });

  it('never comes back earlier than a throttling service asks', async () => {
    const { clock, options } = setUp({ random: Math.random });
    await withRetry(failing(throttled(700), throttled(40)).fn, options);
    expect(clock.sleeps[0]).toBeGreaterThanOrEqual(700);
    expect(clock.sleeps[1]).toBeGreaterThanOrEqual(40);
  });

  it('loses patience with a service that throttles for ever, even one that asks for no wait', async () => {
    for (const retryAfterMs of [0, 900]) {
      const { clock, options } = setUp({ patienceMs: 2_000, random: () => 0 });
      const error = await withRetry(() => Promise.reject(throttled(retryAfterMs)), options).catch((e) => e);
      expect(error).toBeInstanceOf(ThrottledError);
      expect(error.message).toMatch(/still throttled after waiting \d s of at most 2 s/);
      expect(clock.now()).toBeLessThanOrEqual(2_000);
    }
  });

  it('counts attempts and patience apart, in any order of failures', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 12 }), async (kinds) => {
        const { options } = setUp({ attempts: 4, patienceMs: 1_000_000 });
        const { fn } = failing(...kinds.map((counts) => (counts ? reset() : throttled(100))));
        const outcome = await withRetry(fn, options).catch((e) => e);
        if (kinds.filter(Boolean).length < 4) expect(outcome).toBe('done');
        else expect(outcome).toBeInstanceOf(RetryableError);
      }),
    );
  });

  it.each([
    ['a rejected item', new RejectedItemError('INPUT_OVER_LIMIT', 'too large')],
    ['a fatal error', new FatalError('STORE_FULL', 'full')],
    ['an error of ours that nobody mapped', new TypeError('bug')],
  ])('passes %s through at once', async (_name, error) => {
    const { clock, options } = setUp();
    const { fn, attempts } = failing(error);
    await expect(withRetry(fn, options)).rejects.toBe(error);
    expect(attempts).toEqual([1]);
    expect(clock.sleeps).toEqual([]);
  });

  it('stops waiting when aborted, with the reason', async () => {
    const controller = new AbortController();
    const clock = new FakeClock();
    const { options } = setUp({ clock, signal: controller.signal });
    const { fn, attempts } = failing(reset());
    const work = withRetry(fn, options);
    await clock.advance(10);
    controller.abort('ctrl-c');
    await expect(work).rejects.toBe('ctrl-c');
    expect(attempts).toEqual([1]);
  });

  it('does not begin when aborted already', async () => {
    const { options } = setUp({ signal: AbortSignal.abort('ctrl-c') });
    const { fn, attempts } = failing();
    await expect(withRetry(fn, options)).rejects.toBe('ctrl-c');
    expect(attempts).toEqual([]);
  });

  it('tells each retry and its wait', async () => {
    const seen: [string, number][] = [];
    const { options } = setUp({ onRetry: (error, waitMs) => seen.push([error.message, waitMs]) });
    await withRetry(failing(reset()).fn, options);
    expect(seen).toEqual([['connection reset', 100]]);
  });
});

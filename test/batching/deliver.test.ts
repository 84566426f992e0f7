import { describe, expect, it } from 'vitest';
import { Delivery } from '../../src/batching/deliver.ts';
import type { RetryPolicy } from '../../src/io/retry.ts';
import type { Clock, ReadyItem, Sink, SinkResult } from '../../src/model/contracts.ts';
import { FatalError, RejectedItemError, RetryableError, ThrottledError } from '../../src/model/errors.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import { testContext } from '../support/context.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { readyItem } from '../support/ready-item.ts';

const OK: SinkResult = { code: 'INPUT_SUCCESS' };
const RETRY: RetryPolicy = { attempts: 3, baseMs: 10, maxMs: 100 };

/** A sink in memory; `behave` sees each request before it lands and may throw or answer in its place. */
class MemorySink implements Sink {
  readonly name = 'memory';
  readonly spoolDir = '/nowhere';
  readonly concurrency: number;
  readonly requestsPerSecond?: number;
  readonly requests: string[][] = [];
  flushes = 0;
  readonly #behave: (names: string[]) => Promise<SinkResult[]> | SinkResult[] | undefined;

  constructor(
    behave: (names: string[]) => Promise<SinkResult[]> | SinkResult[] | undefined = () => undefined,
    { concurrency = 1, requestsPerSecond }: { concurrency?: number; requestsPerSecond?: number } = {},
  ) {
    this.#behave = behave;
    this.concurrency = concurrency;
    if (requestsPerSecond !== undefined) this.requestsPerSecond = requestsPerSecond;
  }

  async existing() {
    return new Map();
  }

  async write(batch: readonly ReadyItem[]): Promise<SinkResult[]> {
    const names = batch.map(({ item }) => item.id);
    this.requests.push(names);
    return (await this.#behave(names)) ?? names.map(() => OK);
  }

  async flush() {
    this.flushes++;
  }

  async close() {}
}

function setUp(
  sink: Sink,
  { clock = new FakeClock({ auto: true }) as Clock, signal = new AbortController().signal } = {},
) {
  const outcomes: Outcome[] = [];
  const items: ReturnType<typeof readyItem>[] = [];
  const delivery = new Delivery({
    sink,
    ctx: testContext({ clock, signal }),
    onResult: (_item, outcome) => outcomes.push(outcome),
    retry: RETRY,
  });
  const submit = (...names: string[]) => {
    const batch = names.map(readyItem);
    items.push(...batch);
    return delivery.submit({ items: batch, bytes: 100, reason: 'items' });
  };
  /** Every item has its outcome exactly once, and its bytes were given back. */
  const codes = () => {
    expect(new Set(outcomes.map(({ uri }) => uri)).size).toBe(outcomes.length);
    expect(items.filter(({ released }) => released === 0)).toEqual([]);
    return Object.fromEntries(outcomes.map(({ inputId, code }) => [inputId, code]));
  };
  return { delivery, submit, outcomes, items, codes };
}

const letters = (count: number) => 'abcdefgh'.slice(0, count).split('');

describe('Delivery', () => {
  it('gives each item the result that the sink gave for it', async () => {
    const results: SinkResult[] = [
      OK,
      { code: 'INPUT_DUPLICATE', message: 'b is stored with other bytes' },
      { code: 'INPUT_SUCCESS', inputId: 'c-2' },
    ];
    const { delivery, submit, outcomes } = setUp(new MemorySink(() => results));
    await submit('a', 'b', 'c');
    await delivery.idle();
    expect(outcomes).toMatchObject([
      {
        inputId: 'a',
        uri: 'a.txt',
        outcome: 'ok',
        stage: 'deliver',
        code: 'INPUT_SUCCESS',
        bytes: 1,
        kind: 'text',
      },
      {
        inputId: 'b',
        outcome: 'rejected',
        code: 'INPUT_DUPLICATE',
        message: 'b is stored with other bytes',
        retryable: false,
      },
      { inputId: 'c-2', uri: 'c.txt', outcome: 'ok' },
    ]);
    expect(outcomes[0]).not.toHaveProperty('attempt');
  });

  it('finds every subset of bad items in a batch of eight, and delivers all others', async () => {
    for (let subset = 0; subset < 256; subset++) {
      const bad = new Set(letters(8).filter((_, at) => subset & (1 << at)));
      const sink = new MemorySink((names) => {
        if (names.some((name) => bad.has(name)))
          throw new RejectedItemError('INPUT_OVER_LIMIT', 'request refused');
        return undefined;
      });
      const { delivery, submit, codes } = setUp(sink);
      await submit(...letters(8));
      await delivery.idle();
      const expected = letters(8).map((name) => [name, bad.has(name) ? 'INPUT_OVER_LIMIT' : 'INPUT_SUCCESS']);
      expect(codes()).toEqual(Object.fromEntries(expected));
      // A refused request is never sent again as it was.
      expect(new Set(sink.requests.map(String)).size).toBe(sink.requests.length);
    }
  });

  it('divides a batch that fails as a whole after its attempts, and fails only the item to blame', async () => {
    const sink = new MemorySink((names) => {
      if (names.includes('c')) throw new RetryableError('URL_FETCH_FAILED', 'connection reset');
      return undefined;
    });
    const { delivery, submit, codes, outcomes } = setUp(sink);
    await submit(...letters(4));
    await delivery.idle();
    expect(codes()).toEqual({
      a: 'INPUT_SUCCESS',
      b: 'INPUT_SUCCESS',
      c: 'DELIVERY_FAILED',
      d: 'INPUT_SUCCESS',
    });
    expect(sink.requests.map((names) => names.join(''))).toEqual([
      'abcd',
      'abcd',
      'abcd',
      'ab',
      'cd',
      'cd',
      'c',
      'c',
      'd',
    ]);
    expect(outcomes.find(({ inputId }) => inputId === 'c')).toMatchObject({
      outcome: 'failed',
      retryable: true,
      attempt: 7,
      message: 'connection reset (after 2 attempts)',
    });
  });

  it('divides at once for an error that nobody mapped', async () => {
    const sink = new MemorySink((names) => {
      if (names.includes('b')) throw new TypeError('undefined is not a function');
      return undefined;
    });
    const { delivery, submit, codes } = setUp(sink);
    await submit('a', 'b');
    await delivery.idle();
    expect(codes()).toEqual({ a: 'INPUT_SUCCESS', b: 'DELIVERY_FAILED' });
    expect(sink.requests).toEqual([['a', 'b'], ['a'], ['b']]);
  });

  it('costs no attempt when throttled, however often', async () => {
    const clock = new FakeClock({ auto: true });
    let storm = 40;
    const sink = new MemorySink(() => {
      if (storm-- > 0) throw new ThrottledError('DELIVERY_FAILED', 'slow down', 1000);
      return undefined;
    });
    const { delivery, submit, codes, outcomes } = setUp(sink, { clock });
    await submit('a', 'b');
    await delivery.idle();
    expect(codes()).toEqual({ a: 'INPUT_SUCCESS', b: 'INPUT_SUCCESS' });
    expect(sink.requests).toHaveLength(41);
    expect(clock.now()).toBeGreaterThanOrEqual(40_000);
    expect(outcomes[0]).not.toHaveProperty('attempt');
  });

  it('reports each item once when the answer to a request that landed was lost', async () => {
    const landed = new Set<string>();
    const sink = new MemorySink((names) => {
      const known = names.every((name) => landed.has(name));
      for (const name of names) landed.add(name);
      if (!known) throw new RetryableError('DELIVERY_FAILED', 'no answer');
      return names.map(() => OK);
    });
    const { delivery, submit, codes, outcomes } = setUp(sink);
    await submit('a', 'b');
    await delivery.idle();
    expect(codes()).toEqual({ a: 'INPUT_SUCCESS', b: 'INPUT_SUCCESS' });
    expect(outcomes.map(({ attempt }) => attempt)).toEqual([2, 2]);
  });

  it('keeps no more requests in flight than the sink wants, and makes the producer wait', async () => {
    let inFlight = 0;
    let most = 0;
    const release: (() => void)[] = [];
    const sink = new MemorySink(
      async (names) => {
        most = Math.max(most, ++inFlight);
        await new Promise<void>((resolve) => release.push(resolve));
        inFlight--;
        return names.map(() => OK);
      },
      { concurrency: 3 },
    );
    const { delivery, submit, outcomes } = setUp(sink);
    let submitted = 0;
    const producer = (async () => {
      for (let at = 0; at < 20; at++) {
        await submit(`item-${at}`);
        submitted++;
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sink.requests).toHaveLength(3);
    expect(submitted).toBe(5);
    const idle = producer.then(() => delivery.idle());
    while (outcomes.length < 20) {
      release.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await idle;
    expect(most).toBe(3);
  });

  it('stays under the rate of the sink, retries and parts of a batch included', async () => {
    const times: number[] = [];
    const sink = new MemorySink(
      (names) => {
        times.push(performance.now());
        if (names.length > 1) throw new RejectedItemError('INPUT_OVER_LIMIT', 'request too large');
        return undefined;
      },
      { concurrency: 8, requestsPerSecond: 5 },
    );
    const { delivery, submit, codes } = setUp(sink);
    await submit('a', 'b', 'c', 'd');
    await delivery.idle();
    expect(Object.keys(codes())).toHaveLength(4);
    expect(times).toHaveLength(7);
    // A timer may fire a little early; five requests to the sixth must be a second all the same.
    expect(times[5]! - times[0]!).toBeGreaterThan(950);
  });

  it('flushes what is written after the last batch came, so that no commit waits for more', async () => {
    let failures = 1;
    const sink = new MemorySink(() => {
      if (failures-- > 0) throw new RetryableError('DELIVERY_FAILED', 'reset');
      return undefined;
    });
    const clock = new FakeClock();
    const { delivery, submit, codes } = setUp(sink, { clock });
    await submit('a');
    await delivery.started();
    const idle = delivery.idle();
    await clock.advance(1000);
    await idle;
    expect(codes()).toEqual({ a: 'INPUT_SUCCESS' });
    expect(sink.flushes).toBe(1);
  });

  it('stops at a fatal error: what landed has its outcome, the rest has none, and all bytes are given back', async () => {
    const fatal = new FatalError('STORE_FULL', 'the disk is full');
    const sink = new MemorySink((names) => {
      if (names.includes('b')) throw fatal;
      return undefined;
    });
    const { delivery, submit, codes } = setUp(sink);
    await submit('a');
    await submit('b');
    await submit('c');
    await expect(delivery.idle()).rejects.toBe(fatal);
    await expect(submit('d')).rejects.toBe(fatal);
    await delivery.stop();
    await delivery.started();
    expect(codes()).toEqual({ a: 'INPUT_SUCCESS' });
    expect(sink.requests).toEqual([['a'], ['b']]);
  });

  it.each([0, 1, 3])('takes %d results for two items as a broken sink', async (count) => {
    const { delivery, submit, outcomes } = setUp(new MemorySink(() => Array(count).fill(OK)));
    await submit('a', 'b');
    await expect(delivery.idle()).rejects.toMatchObject({
      name: 'FatalError',
      code: 'INTERNAL',
      measured: count,
      limit: 2,
    });
    expect(outcomes).toEqual([]);
  });

  it('stops when a result cannot be recorded', async () => {
    const full = new FatalError('STORE_FULL', 'no space for the ledger');
    const delivery = new Delivery({
      sink: new MemorySink(),
      ctx: testContext(),
      onResult: () => {
        throw full;
      },
    });
    const item = readyItem('a');
    await delivery.submit({ items: [item], bytes: 10, reason: 'end' });
    await expect(delivery.idle()).rejects.toBe(full);
    expect(item.released).toBeGreaterThan(0);
  });

  it('lets go when aborted: no more requests, results that still come are kept', async () => {
    const controller = new AbortController();
    let answer = () => {};
    const sink = new MemorySink(
      async (names) => {
        if (names.includes('slow')) await new Promise<void>((resolve) => (answer = resolve));
        else throw new RetryableError('DELIVERY_FAILED', 'reset');
        return names.map(() => OK);
      },
      { concurrency: 2 },
    );
    const { delivery, submit, codes } = setUp(sink, { clock: new FakeClock(), signal: controller.signal });
    await submit('slow');
    await submit('waits for its second attempt');
    await submit('queued');
    controller.abort('ctrl-c');
    const stopped = delivery.stop();
    await expect(submit('late')).rejects.toBe('ctrl-c');
    answer();
    await stopped;
    await expect(delivery.idle()).rejects.toBe('ctrl-c');
    expect(codes()).toEqual({ slow: 'INPUT_SUCCESS' });
    expect(sink.requests).toHaveLength(2);
  });

  it('wakes a producer that waits when the delivery ends', async () => {
    const controller = new AbortController();
    const sink = new MemorySink(() => new Promise<SinkResult[]>(() => {}));
    const { submit } = setUp(sink, { signal: controller.signal });
    for (const name of letters(3)) await submit(name);
    const waiting = submit('d');
    controller.abort('ctrl-c');
    await expect(waiting).rejects.toBe('ctrl-c');
  });

  it('delivers many tiny batches at high concurrency', async () => {
    const sink = new MemorySink(undefined, { concurrency: 512 });
    const { delivery, submit, outcomes } = setUp(sink);
    for (let at = 0; at < 5000; at++) await submit(`item-${at}`);
    await delivery.idle();
    await delivery.stop();
    expect(outcomes).toHaveLength(5000);
  });
});

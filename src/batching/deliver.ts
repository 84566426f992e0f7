import PQueue from 'p-queue';
import { type RetryPolicy, withRetry } from '../io/retry.ts';
import type { Context, ReadyItem, Sink, SinkResult } from '../model/contracts.ts';
import { FatalError, RetryableError } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Batch } from './batcher.ts';
import { failureOutcome, resultOutcome } from './delivery-outcome.ts';

const DEFAULT_RETRY: RetryPolicy = { attempts: 5, baseMs: 500, maxMs: 30_000 };
/** The whole batch had every attempt already; its parts get one more, so that a blip does not fail good items. */
const PART_ATTEMPTS = 2;
/** Batches that wait beside those in flight, so that a sink never waits for its next one. */
const QUEUED = 2;

export interface DeliveryOptions {
  sink: Sink;
  ctx: Context;
  /** Called once for each item that has a result; what it throws stops the delivery. */
  onResult(item: ReadyItem, outcome: Outcome): void;
  /** 5 attempts, waiting up to 0.5 s at first and 30 s at most, unless given. */
  retry?: RetryPolicy;
}

/**
 * Hands batches to a sink: bounded concurrency and rate, retries, and division of a batch that fails as a whole.
 *
 * A batch that a sink refuses (RejectedItemError), or that still fails after the last attempt, is divided until the
 * item that is to blame stands alone: that one gets its own outcome, all others are delivered. Throttling costs no
 * attempt. A FatalError of the sink ends the delivery; items without a result then get no outcome and stay resumable.
 * Every item is released once nothing needs its bytes, whatever becomes of it.
 */
export class Delivery {
  readonly #sink: Sink;
  readonly #ctx: Context;
  readonly #onResult: DeliveryOptions['onResult'];
  readonly #retry: RetryPolicy;
  /** Holds requests, not batches: retries and parts of a batch are under the same limits as first attempts. */
  readonly #requests: PQueue;
  readonly #halt = new AbortController();
  #inFlight = 0;
  #wakeOnEnd: (() => void)[] = [];
  #ending = false;

  constructor({ sink, ctx, onResult, retry = DEFAULT_RETRY }: DeliveryOptions) {
    this.#sink = sink;
    this.#ctx = ctx;
    this.#onResult = onResult;
    this.#retry = retry;
    const { concurrency, requestsPerSecond } = sink;
    const rate =
      requestsPerSecond === undefined ? {} : { intervalCap: requestsPerSecond, interval: 1000, strict: true };
    this.#requests = new PQueue({ concurrency, ...rate });
    if (ctx.signal.aborted) this.#onAbort();
    else ctx.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Takes a batch; waits while too many are under way. Rejects with what ended the delivery. */
  async submit(batch: Batch<ReadyItem>): Promise<void> {
    while (!this.#halted && this.#inFlight >= this.#sink.concurrency + QUEUED) await this.#nextEnd();
    if (this.#halted) {
      for (const item of batch.items) item.release();
      throw this.#halt.signal.reason;
    }
    this.#inFlight++;
    void this.#run(batch.items);
  }

  /** Resolves when every batch was handed to the sink once. */
  started(): Promise<void> {
    return this.#requests.onEmpty();
  }

  /**
   * No more batches come: resolves when all have their results, rejects with what ended the delivery. What is
   * written from now on (retries, parts) is flushed at once, for no later batch will fill its commit.
   */
  async idle(): Promise<void> {
    this.#ending = true;
    while (this.#inFlight > 0) await this.#nextEnd();
    this.#halt.signal.throwIfAborted();
  }

  /** Begins nothing more, and resolves when what is in flight has ended. Results that still come are reported. */
  async stop(): Promise<void> {
    this.#haltWith(new Error('the delivery was stopped'));
    while (this.#inFlight > 0) await this.#nextEnd();
    this.#ctx.signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.#haltWith(this.#ctx.signal.reason);

  get #halted(): boolean {
    return this.#halt.signal.aborted;
  }

  #haltWith(reason: unknown): void {
    if (this.#halted) return;
    this.#halt.abort(reason);
    this.#requests.clear();
    this.#wake();
  }

  #nextEnd(): Promise<void> {
    return new Promise((resolve) => this.#wakeOnEnd.push(resolve));
  }

  #wake(): void {
    const waiting = this.#wakeOnEnd;
    this.#wakeOnEnd = [];
    for (const wake of waiting) wake();
  }

  async #run(items: readonly ReadyItem[]): Promise<void> {
    try {
      await this.#deliver(items, this.#retry.attempts, 0);
    } catch (error) {
      this.#haltWith(error);
    } finally {
      for (const item of items) item.release();
      this.#inFlight--;
      this.#wake();
    }
  }

  /** `tried`: attempts that these items had as part of a larger batch. */
  async #deliver(items: readonly ReadyItem[], attempts: number, tried: number): Promise<void> {
    let attempt = 0;
    let results: SinkResult[];
    try {
      results = await withRetry(
        (n) => {
          attempt = n;
          return this.#write(items);
        },
        {
          ...this.#retry,
          attempts,
          clock: this.#ctx.clock,
          signal: this.#halt.signal,
          onRetry: (error, waitMs) =>
            this.#warn('trying a batch again', items, { error, attempt: tried + attempt, waitMs }),
        },
      );
    } catch (error) {
      if (this.#halted || error instanceof FatalError) throw error;
      const [only, second] = items;
      if (only !== undefined && second === undefined) {
        return this.#settle(only, failureOutcome(only, error, tried + attempt));
      }
      this.#warn('dividing a batch that failed as a whole', items, { error });
      const partAttempts = error instanceof RetryableError ? PART_ATTEMPTS : attempts;
      const middle = items.length >> 1;
      await this.#deliver(items.slice(0, middle), partAttempts, tried + attempt);
      await this.#deliver(items.slice(middle), partAttempts, tried + attempt);
      return;
    }
    items.forEach((item, at) => {
      this.#settle(item, resultOutcome(item, results[at] as SinkResult, tried + attempt));
    });
  }

  async #write(items: readonly ReadyItem[]): Promise<SinkResult[]> {
    const results = await this.#requests.add(() => this.#request(items));
    if (results.length !== items.length) {
      throw new FatalError(
        'INTERNAL',
        `${this.#sink.name} answered ${results.length} results for a batch of ${items.length} items`,
        { measured: results.length, limit: items.length },
      );
    }
    return results;
  }

  async #request(items: readonly ReadyItem[]): Promise<SinkResult[]> {
    try {
      const writing = this.#sink.write(items);
      if (!this.#ending) return await writing;
      const [results] = await Promise.all([writing, this.#sink.flush()]);
      return results;
    } catch (error) {
      // Here and not later: the queue begins its next request as soon as this one has ended.
      if (error instanceof FatalError) this.#haltWith(error);
      throw error;
    }
  }

  #settle(item: ReadyItem, outcome: Outcome): void {
    item.release();
    this.#onResult(item, outcome);
  }

  #warn(message: string, items: readonly ReadyItem[], fields: object): void {
    const { logger } = this.#ctx;
    logger.warn(
      { sink: this.#sink.name, items: items.length, first: items[0]?.item.uri, ...fields },
      message,
    );
  }
}

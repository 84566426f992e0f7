import type { Clock } from '../model/contracts.ts';
import { RetryableError, ThrottledError } from '../model/errors.ts';

/** Waiting on a service that keeps throttling ends after this long in total. */
const DEFAULT_PATIENCE_MS = 10 * 60_000;
/** Throttling without a delay must not become a busy loop. */
const MIN_THROTTLE_WAIT_MS = 100;

/** How often and how long to try again. */
export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  attempts: number;
  /** Upper bound of the first wait; it doubles with each attempt. */
  baseMs: number;
  /** Upper bound of any wait. */
  maxMs: number;
  /** Total time to wait on throttling before giving up; 10 minutes unless given. */
  patienceMs?: number;
}

export interface RetryOptions extends RetryPolicy {
  clock: Clock;
  signal: AbortSignal;
  /** In [0, 1); for tests. */
  random?: () => number;
  onRetry?: (error: RetryableError | ThrottledError, waitMs: number) => void;
}

/**
 * The state of one piece of work that is tried several times: counts attempts and waits between them.
 *
 * For work that is not one function call (a download that resumes); otherwise use `withRetry`.
 */
export class Backoff {
  readonly #options: RetryOptions;
  #failures = 0;
  #throttledMs = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Attempts begun so far, this one included; throttled ones do not count. */
  get attempt(): number {
    return this.#failures + 1;
  }

  /** Waits until the next attempt is due, or throws what ends the work: `error`, saying how often it was tried. */
  async after(error: unknown): Promise<void> {
    const { signal, clock, onRetry } = this.#options;
    signal.throwIfAborted();
    let waitMs: number;
    if (error instanceof ThrottledError) waitMs = this.#throttled(error);
    else if (error instanceof RetryableError) waitMs = this.#failed(error);
    else throw error;
    onRetry?.(error, waitMs);
    await clock.sleep(waitMs, signal);
  }

  #failed(error: RetryableError): number {
    const { attempts, baseMs, maxMs, random = Math.random } = this.#options;
    this.#failures++;
    if (this.#failures >= attempts) {
      throw new RetryableError(
        error.code,
        `${error.message} (after ${counted(this.#failures)})`,
        details(error),
      );
    }
    // Full jitter: many clients that failed together must not come back together.
    return random() * Math.min(maxMs, baseMs * 2 ** (this.#failures - 1));
  }

  #throttled(error: ThrottledError): number {
    const { patienceMs = DEFAULT_PATIENCE_MS, baseMs, random = Math.random } = this.#options;
    const waitMs = Math.max(MIN_THROTTLE_WAIT_MS, error.retryAfterMs);
    if (this.#throttledMs + waitMs > patienceMs) {
      throw new ThrottledError(
        error.code,
        `${error.message} (after ${counted(this.attempt)}; still throttled after waiting ` +
          `${Math.round(this.#throttledMs / 1000)} s of at most ${Math.round(patienceMs / 1000)} s)`,
        error.retryAfterMs,
        details(error),
      );
    }
    this.#throttledMs += waitMs;
    // Never earlier than asked, and not all at the same moment.
    return waitMs + random() * Math.min(baseMs, waitMs);
  }
}

const counted = (attempts: number): string => (attempts === 1 ? '1 attempt' : `${attempts} attempts`);

function details(error: RetryableError | ThrottledError) {
  return {
    cause: error,
    ...(error.measured === undefined ? {} : { measured: error.measured }),
    ...(error.limit === undefined ? {} : { limit: error.limit }),
  };
}

/**
 * Runs `fn` until it succeeds: exponential back-off with full jitter.
 *
 * A RetryableError counts an attempt; a ThrottledError waits `retryAfterMs` and costs none, within `patienceMs` in
 * total. Everything else, an abort included, passes through. What is finally thrown has the class and code of the
 * last error, keeps it as `cause`, and says after how many attempts.
 */
export async function withRetry<T>(fn: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const backoff = new Backoff(options);
  for (;;) {
    options.signal.throwIfAborted();
    try {
      return await fn(backoff.attempt);
    } catch (error) {
      await backoff.after(error);
    }
  }
}

/** Requests at once, to begin with. */
const START = 16;
const MAX = 256;

export interface AimdOptions {
  /** Requests at once, to begin with; at least 1. */
  start?: number;
  max?: number;
}

interface Waiter {
  admit(): void;
}

/** The place of one request among those under way. Give it back in exactly one of these ways; more are ignored. */
export interface Permit {
  succeeded(): void;
  /** The server asked for less. */
  throttled(): void;
  /** What happened says nothing of the server's load. */
  ended(): void;
}

/**
 * How many requests may be under way at once: one more for each round of successes, half as many when the server asks
 * for less (additive increase, multiplicative decrease). First come, first served; has no clock.
 */
export class Aimd {
  readonly #max: number;
  #limit: number;
  #inFlight = 0;
  /** Requests sent before the last decrease say nothing about the limit since. */
  #round = 0;
  #throttledInARow = 0;
  readonly #waiting: Waiter[] = [];

  constructor({ start = START, max = MAX }: AimdOptions = {}) {
    this.#max = max;
    this.#limit = Math.min(start, max);
  }

  /** Requests that may be under way at once, a whole number from 1 on. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Throttled answers since the last success. */
  get throttledInARow(): number {
    return this.#throttledInARow;
  }

  /** Waits for a place; rejects with the signal's reason, holding none. */
  async acquire(signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    if (this.#waiting.length > 0 || this.#inFlight >= this.limit) await this.#wait(signal);
    else this.#inFlight++;
    return this.#permit();
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        admit() {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  #permit(): Permit {
    const round = this.#round;
    let held = true;
    const giveBack = (change: () => void) => {
      if (!held) return;
      held = false;
      change();
      this.#inFlight--;
      this.#admit();
    };
    return {
      succeeded: () =>
        giveBack(() => {
          this.#throttledInARow = 0;
          // A limit that is not reached proves nothing about a higher one.
          if (round === this.#round && this.#inFlight >= this.limit)
            this.#limit = Math.min(this.#max, this.#limit + 1 / this.limit);
        }),
      throttled: () =>
        giveBack(() => {
          this.#throttledInARow++;
          if (round !== this.#round) return;
          this.#limit = Math.max(1, this.#limit / 2);
          this.#round++;
        }),
      ended: () => giveBack(() => {}),
    };
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.limit) {
      this.#inFlight++;
      this.#waiting.shift()?.admit();
    }
  }
}

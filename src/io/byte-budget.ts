interface Waiter {
  bytes: number;
  admit(): void;
}

/**
 * Bounds the bytes in flight: who wants to hold bytes acquires them first and releases the same number later.
 *
 * First come, first served, so a large request is never starved by small ones. A request over the whole budget
 * passes alone.
 */
export class ByteBudget {
  readonly budget: number;
  #inUse = 0;
  #waiting: Waiter[] = [];

  /** `budget` in bytes. */
  constructor(budget: number) {
    if (!(budget > 0)) throw new RangeError(`a byte budget must be positive, not ${budget}`);
    this.budget = budget;
  }

  /** Bytes acquired and not released. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the bytes when that is possible at once, without passing those who wait. */
  tryAcquire(bytes: number): boolean {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) return false;
    this.#inUse += bytes;
    return true;
  }

  /** Resolves when the bytes may be used; rejects with the signal's reason, holding nothing, when aborted. */
  async acquire(bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.tryAcquire(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal?.reason);
        // The one that left may have held back smaller ones behind it.
        this.#admit();
      };
      const admit = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const waiter: Waiter = { bytes, admit };
      this.#waiting.push(waiter);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Gives bytes back; throws a RangeError when more come back than were taken. */
  release(bytes: number): void {
    if (bytes > this.#inUse) throw new RangeError(`released ${bytes} bytes of ${this.#inUse} in use`);
    this.#inUse -= bytes;
    this.#admit();
  }

  /**
   * Corrects what was acquired as an estimate. More bytes are taken without waiting, even over the budget: they are
   * in memory already, and whoever holds some must not wait for more.
   */
  resize(acquired: number, actual: number): void {
    if (actual <= acquired) this.release(acquired - actual);
    else this.#inUse += actual - acquired;
  }

  #fits(bytes: number): boolean {
    return this.#inUse + bytes <= this.budget || this.#inUse === 0;
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#inUse += next.bytes;
      next.admit();
    }
  }
}

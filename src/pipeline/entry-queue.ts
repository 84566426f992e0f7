/** Between one producer and one consumer: holds at most `capacity` entries and hands over what there is, in order. */
export class EntryQueue<T> {
  readonly #capacity: number;
  #entries: T[] = [];
  #ended = false;
  #error: unknown;
  #wakeProducer: (() => void) | undefined;
  #wakeConsumer: (() => void) | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** True while there is room; otherwise await `room()` before the next push. */
  push(entry: T): boolean {
    this.#entries.push(entry);
    if (this.#wakeConsumer !== undefined) this.#wake();
    return this.#entries.length < this.#capacity;
  }

  async room(): Promise<void> {
    while (this.#entries.length >= this.#capacity) {
      await new Promise<void>((resolve) => {
        this.#wakeProducer = resolve;
      });
    }
  }

  /** No more entries; with an error, the consumer throws it once the entries are taken. */
  end(error?: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  /** Forgets what was not taken and ends, waking a waiting producer; returns how many entries were dropped. */
  abandon(): number {
    const dropped = this.#entries.length;
    this.#entries = [];
    this.#ended = true;
    this.#wakeProducer?.();
    this.#wake();
    return dropped;
  }

  /** Up to `max` entries as soon as there is one; undefined at the end. */
  async take(max: number): Promise<T[] | undefined> {
    while (this.#entries.length === 0) {
      if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
      });
    }
    const taken = this.#entries.length <= max ? this.#entries : this.#entries.slice(0, max);
    this.#entries = taken.length === this.#entries.length ? [] : this.#entries.slice(max);
    this.#wakeProducer?.();
    return taken;
  }

  #wake(): void {
    this.#wakeConsumer?.();
    this.#wakeConsumer = undefined;
  }
}

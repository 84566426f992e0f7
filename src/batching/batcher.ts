/** The platform takes at most this many inputs in one request. */
const MAX_BATCH_ITEMS = 128;
/** A request must be smaller than this, in serialised bytes. */
const MAX_REQUEST_BYTES = 128_000_000;

export interface BatchLimits {
  /** Most items in a batch, 1–128. */
  items: number;
  /** A serialised request stays under this number of bytes. */
  bytes: number;
  /** A batch waits at most this long for more items, in milliseconds. */
  ageMs: number;
  /** Bytes of a request without any item. */
  overheadBytes: number;
}

/**
 * Why a batch was closed: it is full (`items`; a batch for an item that travels alone is full with that one), the
 * next item would not fit (`bytes`), it waited long enough (`age`), or there is no more to come (`end`).
 *
 * A batch that an item travelling alone cuts short also closes as `items`: it holds all that its place in the order
 * allows.
 */
export type CloseReason = 'items' | 'bytes' | 'age' | 'end';

/** What one request carries. */
export interface Batch<T> {
  items: T[];
  /** Size of the serialised request. */
  bytes: number;
  reason: CloseReason;
}

interface Added<T> {
  /** Batches that are closed now, in the order to send them. */
  batches: Batch<T>[];
  /** The item, when even alone it makes a request of `limits.bytes` or more. It is in no batch. */
  oversized?: T;
}

/**
 * Groups items into batches (DESIGN.md §5). Pure: it has no timer and no clock, all times are handed in.
 *
 * Limits are checked before an item is added, so no batch is ever over one. Order is kept over all batches.
 */
export class Batcher<T> {
  readonly limits: Readonly<BatchLimits>;
  #items: T[] = [];
  #bytes = 0;
  /** When the first item of the pending batch was added. */
  #openedAt = 0;

  /** Throws a RangeError for limits that no request can keep or that the platform would refuse. */
  constructor(limits: BatchLimits) {
    const { items, bytes, ageMs, overheadBytes } = limits;
    if (!Number.isInteger(items) || items < 1 || items > MAX_BATCH_ITEMS) {
      throw new RangeError(`a batch holds 1 to ${MAX_BATCH_ITEMS} items, not ${items}`);
    }
    if (!(bytes > overheadBytes && bytes <= MAX_REQUEST_BYTES)) {
      throw new RangeError(
        `the byte limit of a batch lies over ${overheadBytes} and at ${MAX_REQUEST_BYTES} at most, not ${bytes}`,
      );
    }
    if (!(ageMs >= 0)) throw new RangeError(`the age limit of a batch is 0 ms or more, not ${ageMs}`);
    this.limits = limits;
    this.#bytes = overheadBytes;
  }

  /**
   * Takes an item of `bytes` serialised bytes; one that is `alone` gets a batch of its own. `now` is in
   * milliseconds and never goes back.
   */
  add(item: T, { bytes, alone }: { bytes: number; alone: boolean }, now: number): Added<T> {
    const { limits } = this;
    const batches: Batch<T>[] = [];
    const close = (batch: Batch<T> | undefined) => {
      if (batch !== undefined) batches.push(batch);
    };
    close(this.due(now));
    if (limits.overheadBytes + bytes >= limits.bytes) return { batches, oversized: item };
    if (alone) close(this.#close('items'));
    else if (this.#bytes + bytes >= limits.bytes) close(this.#close('bytes'));
    if (this.#items.length === 0) this.#openedAt = now;
    this.#items.push(item);
    this.#bytes += bytes;
    if (alone || this.#items.length === limits.items) close(this.#close('items'));
    return { batches };
  }

  /** The pending batch, once it has waited as long as it may. */
  due(now: number): Batch<T> | undefined {
    const dueAt = this.nextDueAt();
    return dueAt !== undefined && now >= dueAt ? this.#close('age') : undefined;
  }

  /** When `due` will give the pending batch; undefined when there is none. */
  nextDueAt(): number | undefined {
    return this.#items.length === 0 ? undefined : this.#openedAt + this.limits.ageMs;
  }

  /** What is left, when no more items come. */
  end(): Batch<T> | undefined {
    return this.#close('end');
  }

  #close(reason: CloseReason): Batch<T> | undefined {
    if (this.#items.length === 0) return undefined;
    const batch = { items: this.#items, bytes: this.#bytes, reason };
    this.#items = [];
    this.#bytes = this.limits.overheadBytes;
    return batch;
  }
}

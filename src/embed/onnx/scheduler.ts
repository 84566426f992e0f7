import type { DeviceReport, EmbedItem, Role } from '../../model/embedding.ts';
import { asError, FatalError, RejectedItemError, RetryableError, SluiceError } from '../../model/errors.ts';
import { faultOf } from './faults.ts';
import { nextBatch } from './next-batch.ts';
import type { Feeds, Preparation } from './preparation.ts';
import { vectorsOf } from './rows.ts';

export interface SchedulerParts {
  device(): Pick<DeviceReport, 'sessions' | 'deviceBatch'>;
  run(make: () => Feeds): Promise<Feeds>;
  /** The device has memory for no more than so many items. */
  tooMany(items: number): void;
  /** Items prepared at once. */
  preparing: number;
  /** That a usual item takes. */
  sampleRows: number;
}

/** Calls for each session: one is computed, one waits there so that the session need not. */
const CALLS = 2;
/** Prepared items are held back for at least so many, so that long ones find others that are as long. */
const HELD = 128;
/** But of no more than these, whatever a request has. */
const HELD_BYTES = 64_000_000;

interface Request {
  role: Role;
  signal: AbortSignal;
  results: (Float32Array | SluiceError)[];
  left: number;
  /** Nobody waits for it any more. */
  over: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

interface Waiting {
  request: Request;
  index: number;
  item: EmbedItem;
}

interface Prepared<P> {
  request: Request;
  index: number;
  prepared: P;
  length: number;
  rows: number;
  bytes: number;
}

/** Items of several requests are prepared while others are computed, and computed together. */
export class Scheduler<P> {
  readonly #preparation: Preparation<P>;
  readonly #parts: SchedulerParts;
  readonly #requests = new Set<Request>();
  #waiting: Waiting[] = [];
  #ready: Prepared<P>[] = [];
  #dispatch: NodeJS.Immediate | undefined;
  #preparing = 0;
  #closed: FatalError | undefined;
  #calls = 0;

  constructor(preparation: Preparation<P>, parts: SchedulerParts) {
    this.#preparation = preparation;
    this.#parts = parts;
  }

  async embed(items: readonly EmbedItem[], role: Role, signal: AbortSignal): Promise<Request['results']> {
    signal.throwIfAborted();
    if (this.#closed) throw this.#closed;
    if (items.length === 0) return [];
    const request: Request = {
      role,
      signal,
      results: [],
      left: items.length,
      over: false,
      resolve: () => undefined,
      reject: () => undefined,
    };
    const settled = new Promise<void>((resolve, reject) => Object.assign(request, { resolve, reject }));
    const abort = () => this.#give(request, signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#requests.add(request);
    try {
      this.#waiting.push(...items.map((item, index) => ({ request, index, item })));
      this.#go();
      await settled;
      return request.results;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#requests.delete(request);
    }
  }

  /** What is asked for still is given up. */
  close(): void {
    this.#closed = new FatalError('ENGINE_LOST', 'the model was closed while it was in use');
    for (const request of this.#requests) this.#give(request, this.#closed);
  }

  /** Starts whatever can be started. */
  #go(): void {
    const { sessions, deviceBatch } = this.#parts.device();
    const held = Math.max(HELD, CALLS * sessions * deviceBatch);
    while (
      this.#waiting.length > 0 &&
      this.#preparing < this.#parts.preparing &&
      this.#preparing + this.#ready.length < held &&
      this.#ready.reduce((sum, { bytes }) => sum + bytes, 0) < HELD_BYTES
    ) {
      void this.#prepare(this.#waiting.shift()!);
    }
    if (this.#ready.length === 0 || this.#dispatch !== undefined) return;
    // Not at once: what is prepared without waiting, texts above all, can then be sorted by length first.
    this.#dispatch = setImmediate(() => {
      this.#dispatch = undefined;
      this.#compute();
    });
  }

  /** Starts calls, as long as there are sessions and items for them. */
  #compute(): void {
    const { sessions, deviceBatch } = this.#parts.device();
    while (this.#ready.length > 0 && this.#calls < CALLS * sessions) {
      const batch = this.#next(sessions, deviceBatch);
      if (batch === undefined) break;
      this.#calls++;
      void this.#call(batch).finally(() => {
        this.#calls--;
        this.#go();
      });
    }
  }

  /** Undefined where it is better to wait for more. */
  #next(sessions: number, deviceBatch: number): Prepared<P>[] | undefined {
    const rows = deviceBatch * this.#parts.sampleRows;
    const full =
      this.#ready.length >= deviceBatch || this.#ready.reduce((sum, item) => sum + item.rows, 0) >= rows;
    let items = deviceBatch;
    if (!full) {
      if (this.#preparing > 0 || this.#calls >= sessions) return undefined;
      // The last ones are divided among the sessions.
      items = Math.ceil(this.#ready.length / (sessions - this.#calls));
    }
    const batch = nextBatch(this.#ready, { items, rows });
    const taken = new Set(batch);
    this.#ready = this.#ready.filter((item) => !taken.has(item));
    return batch;
  }

  async #prepare({ request, index, item }: Waiting): Promise<void> {
    this.#preparing++;
    try {
      const { role, signal } = request;
      const prepared = await this.#preparation.prepare(item, role, signal);
      if (!request.over) {
        const length = this.#preparation.length?.(prepared) ?? 0;
        const rows = this.#preparation.rows?.(prepared) ?? 1;
        const bytes = this.#preparation.bytes?.(prepared) ?? 0;
        this.#ready.push({ request, index, prepared, length, rows, bytes });
      }
    } catch (error) {
      const failure = request.signal.aborted ? undefined : failureOfItem(error);
      if (failure === undefined) this.#give(request, error);
      else this.#settle(request, index, failure);
    } finally {
      this.#preparing--;
      this.#go();
    }
  }

  /** Settles each of the items. Gives whether there was memory for each of them. */
  async #call(batch: Prepared<P>[]): Promise<boolean> {
    const wanted = batch.filter(({ request }) => !request.over);
    if (wanted.length === 0) return true;
    const { collate, output } = this.#preparation;
    try {
      const outputs = await this.#parts.run(() =>
        collate.call(
          this.#preparation,
          wanted.map(({ prepared }) => prepared),
        ),
      );
      const vectors = vectorsOf(
        outputs[output],
        output,
        wanted.map(({ rows }) => rows),
      );
      for (const [at, { request, index }] of wanted.entries()) this.#settle(request, index, vectors[at]!);
      return true;
    } catch (error) {
      if (error instanceof FatalError) {
        for (const { request } of wanted) this.#give(request, error);
        return true;
      }
      return this.#divide(wanted, asError(error));
    }
  }

  /** One item to blame, or too many at once: halves tell. */
  async #divide(batch: Prepared<P>[], error: Error): Promise<boolean> {
    const memory = faultOf(error) === 'memory';
    if (batch.length === 1) {
      const { request, index } = batch[0]!;
      this.#settle(request, index, failureOf(error, memory));
      return !memory;
    }
    const half = Math.ceil(batch.length / 2);
    const first = await this.#call(batch.slice(0, half));
    const second = await this.#call(batch.slice(half));
    if (!first || !second) return false;
    if (memory) this.#parts.tooMany(half);
    return true;
  }

  #settle(request: Request, index: number, result: Float32Array | SluiceError): void {
    if (request.over) return;
    request.results[index] = result;
    request.left--;
    if (request.left > 0) return;
    request.over = true;
    request.resolve();
  }

  /** Ends a request without results. */
  #give(request: Request, error: unknown): void {
    if (request.over) return;
    request.over = true;
    this.#waiting = this.#waiting.filter((item) => item.request !== request);
    this.#ready = this.#ready.filter((item) => item.request !== request);
    request.reject(error);
    this.#go();
  }
}

/** What is no matter of one item (a lost engine, a bug) is none; a library that overflows on it is. */
function failureOfItem(error: unknown): SluiceError | undefined {
  if (error instanceof FatalError || error instanceof TypeError) return undefined;
  if (error instanceof SluiceError) return error;
  const message = `it cannot be prepared for the model: ${asError(error).message}`;
  return new RejectedItemError('EMBED_UNREADABLE', message, { cause: error });
}

function failureOf(error: Error, memory: boolean): SluiceError {
  return memory
    ? new RetryableError(
        'EMBED_OUT_OF_MEMORY',
        `the device has too little memory for this item: ${error.message}`,
        { cause: error },
      )
    : new RetryableError('EMBED_FAILED', `the engine failed on this item: ${error.message}`, {
        cause: error,
      });
}

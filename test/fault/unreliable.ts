import { setTimeout as sleep } from 'node:timers/promises';
import type {
  Clock,
  ExistingInput,
  Listed,
  Loader,
  ReadyItem,
  Sink,
  SinkResult,
} from '../../src/model/contracts.ts';
import { FatalError, RejectedItemError, RetryableError, ThrottledError } from '../../src/model/errors.ts';

/** Time that passes 500 times as fast, so that waits between attempts cost nothing. */
export const fastClock: Clock = {
  now: () => performance.now() * 500,
  sleep: (ms, signal) => sleep(ms / 500, undefined, signal === undefined ? {} : { signal }),
};

/** What a sink does with an item: `poison` makes it refuse, `jam` makes it fail the whole batch, every time. */
export type Fate = 'store' | 'refuse' | 'fail' | 'poison' | 'jam';
/** What it does with a request: nothing wrong, or one of the ways in which services go wrong. */
export type Trouble = 'none' | 'throttle' | 'error before' | 'error after';

/** The rows of a store in memory, which outlive the sinks that write them. */
export class Rows {
  readonly rows = new Map<string, ExistingInput & { text: string }>();
  /** Rows that came twice for one id. */
  doubled = 0;

  put({ item, sha256, kind, bytes, media }: ReadyItem, runId: string): void {
    const held = this.rows.get(item.id);
    if (held !== undefined && held.uri !== item.uri) this.doubled++;
    const text = item.text ?? '';
    this.rows.set(item.id, {
      sha256,
      kind,
      bytes,
      media,
      uri: item.uri,
      runId,
      runCode: 'INPUT_SUCCESS',
      text,
    });
  }
}

/** A sink that goes wrong as it is told: requests in the order of `troubles`, items by their id. */
export class UnreliableSink implements Sink {
  readonly name = 'unreliable';
  readonly concurrency: number;
  readonly spoolDir: string;
  /** What each request carried. */
  readonly requests: ReadyItem[][] = [];
  readonly #rows: Rows;
  readonly #fates: ReadonlyMap<string, Fate>;
  readonly #troubles: readonly Trouble[];
  readonly #runId: string;
  /** Called with the number of each request before it is handled; what it throws is the answer. */
  readonly #onRequest: (number: number) => void;

  constructor(
    rows: Rows,
    runId: string,
    plan: {
      fates: ReadonlyMap<string, Fate>;
      troubles: readonly Trouble[];
      concurrency: number;
      spoolDir: string;
    },
    onRequest: (number: number) => void,
  ) {
    this.#rows = rows;
    this.#runId = runId;
    this.#fates = plan.fates;
    this.#troubles = plan.troubles;
    this.concurrency = plan.concurrency;
    this.spoolDir = plan.spoolDir;
    this.#onRequest = onRequest;
  }

  async existing(ids: readonly string[]): Promise<Map<string, ExistingInput>> {
    await sleep(0);
    return new Map(ids.flatMap((id) => (this.#rows.rows.has(id) ? [[id, this.#rows.rows.get(id)!]] : [])));
  }

  async write(batch: readonly ReadyItem[]): Promise<SinkResult[]> {
    const number = this.requests.push([...batch]) - 1;
    this.#onRequest(number);
    const trouble = this.#troubles[number] ?? 'none';
    await sleep(0);
    if (trouble === 'throttle') throw new ThrottledError('DELIVERY_FAILED', 'slower, please', 1);
    if (trouble === 'error before') throw new RetryableError('DELIVERY_FAILED', 'the request was lost');
    const fates = batch.map(({ item }) => this.#fates.get(item.uri) ?? 'store');
    if (fates.includes('poison'))
      throw new RejectedItemError('INPUT_INVALID_ARGUMENT', 'one of these is bad');
    if (fates.includes('jam')) throw new RetryableError('DELIVERY_FAILED', 'one of these cannot be taken');
    for (const [i, fate] of fates.entries()) if (fate === 'store') this.#rows.put(batch[i]!, this.#runId);
    if (trouble === 'error after') throw new RetryableError('DELIVERY_FAILED', 'the answer was lost');
    return fates.map((fate) => ({
      code:
        fate === 'store' ? 'INPUT_SUCCESS' : fate === 'refuse' ? 'INPUT_INVALID_REQUEST' : 'DELIVERY_FAILED',
    }));
  }

  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}

export const fatal = (): never => {
  throw new FatalError('STORE_FULL', 'the disk is full');
};

/** Lists what it is given, now and then with a pause; `onEntry` is called before each entry. */
export function listLoader(entries: readonly (() => Listed)[], onEntry: (index: number) => void): Loader {
  return {
    describes: 'a list in memory',
    fingerprint: async () => undefined,
    async *list() {
      for (const [i, entry] of entries.entries()) {
        onEntry(i);
        if (i % 7 === 3) await sleep(0);
        yield entry();
      }
      return { complete: true, evidence: 'the list was read to its end' };
    },
  };
}

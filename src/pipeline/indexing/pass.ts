import { setImmediate } from 'node:timers/promises';
import { ByteBudget } from '../../io/byte-budget.ts';
import { RejectedItemError } from '../../model/errors.ts';
import type { Input } from '../../model/input.ts';
import type { Kind } from '../../model/kind.ts';
import { type Embeddable, embeddableOfInput, type Located } from './embeddable.ts';
import type { Computed, Indexed, Indexer } from './indexer.ts';

/** Inputs that are embedded together, at most. */
const TOGETHER = 128;
/** Their bytes, at most; texts are read into memory. */
const TOGETHER_BYTES = 32_000_000;
/** While one group is embedded, the next is decoded and a third is read. */
const COMPUTED_AT_ONCE = 3;
/** Vectors that wait for their commit, in bytes: those of two commits, and of one that fills. */
const WAITING_BYTES = 48_000_000;

export interface PassParts {
  indexer: Indexer;
  /** Where an input's bytes are. What it throws as RejectedItemError is of that input alone. */
  locate(input: Input): Promise<Located>;
  /** Aborted by the first Ctrl-C: no more is begun. */
  stop: AbortSignal;
  /** Called once for each input, when what became of it is durable. */
  onResult(input: Input, embeddable: Embeddable, result: Indexed): void;
}

/**
 * Brings inputs of the store into the index, in groups of one kind and in bounded memory.
 *
 * Throws what `Indexer.compute` throws; groups that are under way are waited for.
 */
export async function indexPass(inputs: AsyncIterable<Input>, parts: PassParts): Promise<void> {
  const { indexer, stop, onResult } = parts;
  const { regions } = indexer.models.generation;
  const groups = new Map<Kind, Group>();
  const work = new Work(parts);
  try {
    for await (const input of inputs) {
      if (stop.aborted || work.failed) break;
      const known = embeddableOfInput(input, regions);
      if (indexer.isIndexed(known)) {
        const [result] = await indexer.write([{ input: known, shares: [] }]);
        onResult(input, known, result!);
        continue;
      }
      const { kind, bytes } = input;
      const held = groups.get(kind);
      const isFull = held !== undefined && held.bytes + bytes > TOGETHER_BYTES;
      if (isFull) await work.begin(held);
      const group = held === undefined || isFull ? { of: [], bytes: 0 } : held;
      groups.set(kind, group);
      group.of.push([input, known]);
      group.bytes += bytes;
      if (group.of.length < TOGETHER && kind !== 'video') continue;
      groups.delete(kind);
      await work.begin(group);
    }
    if (!stop.aborted) for (const group of groups.values()) await work.begin(group);
  } finally {
    await work.end();
  }
}

interface Group {
  of: [Input, Embeddable][];
  bytes: number;
}

/** Groups that are under way: a few are computed, and many wait for the commit that takes their vectors. */
class Work {
  readonly #parts: PassParts;
  readonly #running = new Set<Promise<void>>();
  readonly #slots = new ByteBudget(COMPUTED_AT_ONCE);
  readonly #waiting = new ByteBudget(WAITING_BYTES);
  #failure: { error: unknown } | undefined;

  constructor(parts: PassParts) {
    this.#parts = parts;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves when another group may begin. */
  async begin(group: Group): Promise<void> {
    await this.#slots.acquire(1);
    const run = this.#index(group.of)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Waits for all; throws what the first one threw that failed. */
  async end(): Promise<void> {
    await this.#slots.acquire(COMPUTED_AT_ONCE);
    this.#slots.release(COMPUTED_AT_ONCE);
    while (this.#running.size > 0) {
      // What was computed is on its way to the writer.
      await setImmediate();
      await this.#parts.indexer.flush().catch((error: unknown) => {
        this.#failure ??= { error };
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #index(group: Group['of']): Promise<void> {
    const { indexer, onResult } = this.#parts;
    let computed: Computed[];
    let bytes: number;
    try {
      const located = await Promise.all(group.map(([input, known]) => this.#located(input, known)));
      computed = await indexer.compute(located);
      bytes = computed.reduce((sum, one) => sum + waitingBytes(one), 0);
      await this.#waiting.acquire(bytes);
    } finally {
      this.#slots.release(1);
    }
    /** Inputs whose vectors were to be copied from others that went meanwhile. */
    const again: Group['of'] = [];
    try {
      const results = await indexer.write(computed);
      for (const [i, result] of results.entries()) {
        const [input] = group[i]!;
        if (result === undefined) again.push(group[i]!);
        else onResult(input, computed[i]!.input, result);
      }
    } finally {
      this.#waiting.release(bytes);
    }
    if (again.length === 0) return;
    // Not before the bytes are given back: who has a slot may wait for them.
    await this.#slots.acquire(1);
    await this.#index(again);
  }

  async #located(input: Input, known: Embeddable): Promise<Embeddable> {
    const { indexer, locate } = this.#parts;
    try {
      return embeddableOfInput(input, indexer.models.generation.regions, await locate(input));
    } catch (error) {
      if (error instanceof RejectedItemError) return known;
      throw error;
    }
  }
}

/** What a failure takes until its commit. */
const FAILURE_BYTES = 1000;

/** What a group holds until its commit; of a copy at least one vector, else nothing would hold a listing of equal inputs back. */
const waitingBytes = ({ shares }: Computed): number =>
  shares.reduce((sum, share) => sum + shareBytes(share), 0);

function shareBytes(share: Computed['shares'][number]): number {
  if ('failure' in share) return FAILURE_BYTES;
  const vector = share.model.dimensions * Float32Array.BYTES_PER_ELEMENT;
  return 'rows' in share ? share.rows.length * vector : vector;
}

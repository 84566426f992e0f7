import { setImmediate } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { ConceptDefinition } from '../../model/annotation.ts';
import { codeInfo } from '../../model/codes.ts';
import type { ExistingInput, ReadyItem, Sink, SinkResult } from '../../model/contracts.ts';
import { embeddableOfItem } from './embeddable.ts';
import type { IndexAccounts } from './index-accounts.ts';
import type { Computed, Indexer } from './indexer.ts';

/** Batches that are embedded at once: an engine puts small ones together, and decodes some while others are computed. */
const EMBEDDED_AT_ONCE = 8;

export interface IndexingParts {
  indexer: Indexer;
  accounts: IndexAccounts;
  /** Told of an item whose vectors the store's bytes must give, at the end of the run. */
  onDeferred(): void;
}

/**
 * A sink that embeds what passes through to another: items are embedded from the bytes at hand before the other sink
 * takes them, and their vectors are written once it has answered, under the ids that it gave.
 *
 * An item is answered when both its row and its vectors are durable. One that cannot be embedded is stored all the same.
 */
export class IndexingSink implements Sink {
  readonly name: string;
  readonly concurrency: number;
  readonly spoolDir: string;
  readonly #inner: Sink;
  readonly #parts: IndexingParts;
  readonly #writing = new Set<Promise<unknown>>();
  readonly #embedding = new PQueue({ concurrency: EMBEDDED_AT_ONCE });

  constructor(inner: Sink, parts: IndexingParts) {
    this.#inner = inner;
    this.#parts = parts;
    this.name = inner.name;
    this.concurrency = inner.concurrency;
    this.spoolDir = inner.spoolDir;
  }

  existing(ids: readonly string[]): Promise<Map<string, ExistingInput>> {
    return this.#inner.existing(ids);
  }

  async defineConcepts(concepts: readonly ConceptDefinition[]): Promise<void> {
    await this.#inner.defineConcepts?.(concepts);
  }

  write(batch: readonly ReadyItem[]): Promise<SinkResult[]> {
    const writing = this.#write(batch);
    this.#writing.add(writing);
    return writing.finally(() => this.#writing.delete(writing));
  }

  async #write(batch: readonly ReadyItem[]): Promise<SinkResult[]> {
    const computed = await this.#embedding.add(() => this.#compute(batch));
    const results = await this.#inner.write(batch);
    await this.#index(batch, computed, results);
    return results;
  }

  async flush(): Promise<void> {
    do {
      await this.#embedding.onIdle();
      // What was waited for goes on to the next step.
      await setImmediate();
      await this.#inner.flush();
      await setImmediate();
      await this.#parts.indexer.flush();
    } while (this.#writing.size > 0);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Undefined for what has no bytes here, and for what is stored and was not embedded: mostly it stays as it is. */
  async #compute(batch: readonly ReadyItem[]): Promise<(Computed | undefined)[]> {
    const { indexer } = this.#parts;
    const { regions } = indexer.models.generation;
    const embeddables = batch.map((ready) => embeddableOfItem(ready, regions));
    const stored = await this.#inner.existing(embeddables.map(({ inputId }) => inputId));
    const isAtHand = embeddables.map((embeddable, i) => {
      const { kind, inputId, text, bytes } = embeddable;
      if (!indexer.hasModels(kind)) return true;
      if (text === undefined && bytes === undefined) return false;
      const isNew = stored.get(inputId.toWellFormed())?.sha256 !== batch[i]!.sha256;
      return isNew || indexer.isIndexed(embeddable);
    });
    const computed = await indexer.compute(embeddables.filter((_, i) => isAtHand[i]));
    let next = 0;
    return isAtHand.map((at) => (at ? computed[next++] : undefined));
  }

  async #index(
    batch: readonly ReadyItem[],
    computed: readonly (Computed | undefined)[],
    results: readonly SinkResult[],
  ): Promise<void> {
    const { indexer, accounts, onDeferred } = this.#parts;
    const { regions } = indexer.models.generation;
    const stored: Computed[] = [];
    for (const [i, { code, inputId }] of results.entries()) {
      if (codeInfo(code).class !== 'ok') continue;
      const one = computed[i];
      const { kind, item } = batch[i]!;
      // Annotations may have been put beside those that were there, and only the store knows them all.
      const isMerged = regions && kind === 'image' && code !== 'INPUT_SUCCESS';
      if (one === undefined || isMerged) {
        onDeferred();
        continue;
      }
      stored.push(renamed(one, inputId ?? item.id.toWellFormed()));
    }
    for (const [i, result] of (await indexer.write(stored)).entries()) {
      if (result === undefined) onDeferred();
      else accounts.countOf(stored[i]!.input.inputId, result);
    }
  }
}

/** Under the id that the item was stored by. */
function renamed(computed: Computed, inputId: string): Computed {
  const { input, shares } = computed;
  if (input.inputId === inputId) return computed;
  return {
    ...computed,
    input: { ...input, inputId },
    shares: shares.map((share) => {
      if ('rows' in share) return { ...share, rows: share.rows.map((row) => ({ ...row, inputId })) };
      if ('failure' in share) return { ...share, failure: { ...share.failure, inputId } };
      return share;
    }),
  };
}

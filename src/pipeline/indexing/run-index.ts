import { findTools, type MediaTools } from '../../media/tools.ts';
import type { Sink } from '../../model/contracts.ts';
import type { Device } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { IndexWriter } from '../../model/vector-index.ts';
import { openIndexWriter, openReader, readIndexState } from '../../stores/index.ts';
import type { RunEnvironment } from '../environment.ts';
import { contextOf } from '../environment.ts';
import type { EmbedContext } from './embed-input.ts';
import { IndexAccounts, type IndexReport, reportedModels } from './index-accounts.ts';
import { type Indexed, Indexer } from './indexer.ts';
import { IndexingSink } from './indexing-sink.ts';
import { type OpenModels, openGeneration } from './open-models.ts';
import { indexPass } from './pass.ts';

export interface RunIndexOptions {
  runId: string;
  /** Rows of this run may be in the store without vectors. */
  resumed: boolean;
  devices: readonly Device[];
}

/** The part of a run that keeps the store's index up with what the run stores. */
export class RunIndex {
  readonly #store: string;
  readonly #options: RunIndexOptions;
  readonly #env: RunEnvironment;
  readonly #models: OpenModels;
  #accounts = new IndexAccounts();
  #writer: IndexWriter | undefined;
  /** Whether inputs of this run must be looked for in the store at its end. */
  #looksBack: boolean;
  #isLost = false;

  private constructor(store: string, options: RunIndexOptions, models: OpenModels, env: RunEnvironment) {
    this.#store = store;
    this.#options = options;
    this.#models = models;
    this.#env = env;
    this.#looksBack = options.resumed;
  }

  /**
   * Opens the models of the store's base workflow; undefined where it has none.
   *
   * Throws FatalError MODEL_NOT_FOUND, MODEL_CHANGED and the like.
   */
  static async open(
    store: string,
    options: RunIndexOptions,
    env: RunEnvironment,
  ): Promise<RunIndex | undefined> {
    const { base } = await readIndexState(store);
    if (base.models.length === 0) return undefined;
    const models = await openGeneration(base, options.devices, env);
    const index = new RunIndex(store, options, models, env);
    try {
      const isHeld = !(await index.#take());
      // Opening models takes a while, in which another workflow may be set.
      const { base: now } = await readIndexState(store);
      if (now.id === base.id) {
        if (isHeld)
          env.logger.warn({}, 'a re-index is writing to the index; what this run stores is left to it');
        index.#looksBack ||= isHeld;
        return index;
      }
    } catch (error) {
      await index.close();
      throw error;
    }
    await index.close();
    return RunIndex.open(store, options, env);
  }

  /** The sink of the run, which embeds what it stores. */
  over(sink: Sink): Sink {
    if (this.#writer === undefined) return sink;
    return new IndexingSink(sink, {
      indexer: this.#indexer(this.#writer),
      accounts: this.#accounts,
      onDeferred: () => {
        this.#looksBack = true;
      },
    });
  }

  /** Counts an item as the run's ledger has it. */
  list({ outcome }: Outcome): void {
    if (outcome === 'ok') this.#accounts.listed++;
  }

  /**
   * Embeds, from the store's bytes, what this run stored and is not embedded yet. False when it was stopped.
   *
   * Then the counts are those of this look at the store, for the earlier ones may be of a part of the run only.
   */
  async lookBack(): Promise<boolean> {
    if (!this.#looksBack) return true;
    const { listed, vectors } = this.#accounts;
    this.#accounts = new IndexAccounts();
    // What was written stays written, whoever counts its input.
    this.#accounts.vectors = vectors;
    if (this.#writer === undefined && !(await this.#take())) {
      this.#accounts.listed = listed;
      if (listed > 0) this.#accounts.count({ code: 'INPUT_REINDEX_PENDING', vectors: 0 }, listed);
      return true;
    }
    const { runId } = this.#options;
    const accounts = this.#accounts;
    const reader = await openReader(this.#store);
    try {
      await indexPass(counted(reader.listInputs({ runId }), accounts), {
        indexer: this.#indexer(this.#writer!),
        locate: (input) => reader.locate(input),
        stop: this.#env.stop,
        onResult: ({ id }, _embeddable, result) => accounts.countOf(id, ofThisRun(result)),
      });
    } finally {
      reader.close();
    }
    return !this.#env.stop.aborted;
  }

  get balanced(): boolean {
    return this.#accounts.balanced;
  }

  report(finished: boolean): IndexReport {
    const { generation } = this.#models;
    const { failures } = this.#accounts;
    return {
      workflow: generation.workflow,
      generation: generation.id,
      models: reportedModels(this.#models),
      totals: this.#accounts.totals(finished),
      byCode: this.#accounts.byCode,
      vectors: this.#accounts.vectors,
      ...(failures.length > 0 ? { failures } : {}),
    };
  }

  async close(): Promise<void> {
    try {
      await this.#writer?.close();
    } finally {
      await this.#models.close();
    }
  }

  /** False where a re-index holds the index. */
  async #take(): Promise<boolean> {
    const { runId } = this.#options;
    try {
      this.#writer = await openIndexWriter(
        this.#store,
        this.#models.generation.models,
        { runId, wait: false },
        contextOf(this.#env),
      );
      return true;
    } catch (error) {
      if (error instanceof FatalError && error.code === 'STORE_LOCKED') return false;
      throw error;
    }
  }

  #indexer(writer: IndexWriter): Indexer {
    return new Indexer(this.#models, writer, embedContext(this.#env), (error) => {
      if (!this.#isLost)
        this.#env.logger.error({ error }, `${error.message}; the run goes on without embedding`);
      this.#isLost = true;
    });
  }
}

/** What this run stored and is embedded by now, an earlier part of it embedded. */
const ofThisRun = (result: Indexed): Indexed =>
  result.code === 'INPUT_INDEXED' ? { ...result, code: 'INPUT_REINDEX_SUCCESS' } : result;

/** What embedding needs of a run's environment. */
export function embedContext(env: RunEnvironment): EmbedContext {
  let tools: Promise<MediaTools> | undefined;
  return { tools: () => (tools ??= findTools({ path: env.searchPath })), signal: env.abort };
}

async function* counted<T>(inputs: AsyncIterable<T>, accounts: IndexAccounts): AsyncGenerator<T> {
  for await (const input of inputs) {
    accounts.listed++;
    yield input;
  }
}

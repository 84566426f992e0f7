import type { Input } from '../../../../model/input.ts';
import type { Kind } from '../../../../model/kind.ts';
import type { Found, HitParts, Metric, SearchFilter } from '../../../../model/search.ts';
import type { VectorPart } from '../../../../model/vector-index.ts';
import type { IndexedModel, IndexState } from '../../../../model/workflow.ts';
import { type Connection, connectTables, findTable, readFailure, sqlText, type Table } from '../../lance.ts';
import { findStore } from '../../layout.ts';
import { indexPaths } from '../index-paths.ts';
import { readIndexState } from '../state.ts';
import { findVectors } from '../tables.ts';
import { findAllowed } from './allowed.ts';
import { CurrentInputs } from './current.ts';
import { meanVector } from './mean-vector.ts';
import { nearerFirst, searchTable } from './search-table.ts';

/**
 * Rows up to which every vector is compared: 0.1 s for 100 000 of 512 numbers (bench/search.ts), and no neighbour is
 * missed.
 */
export const EXACT_ROWS = 100_000;

export interface NearestRequest {
  vector: Float32Array;
  metric: Metric;
  hits: HitParts;
  top: number;
  maxDistance: number;
  filter?: SearchFilter | undefined;
  /** An input that is no hit. */
  except?: string | undefined;
  /** Whose tables are searched: all of one space. */
  models: readonly IndexedModel[];
  /** Instead of `EXACT_ROWS`. */
  exactRows?: number | undefined;
}

export interface Nearest {
  found: Found[];
  /** Whether the index of a table was used, so that a neighbour may be missed. */
  approximate: boolean;
}

/** How much of what is searched has a vector. */
export interface Indexed {
  n: number;
  of: number;
}

/** The vectors that searches use, read at one moment. Never waits for a writer. */
export class VectorSearch {
  readonly state: IndexState;
  readonly #root: string;
  readonly #inputs: Table | undefined;
  readonly #connections: readonly Connection[];
  readonly #index: Connection;

  private constructor(
    root: string,
    state: IndexState,
    inputs: Table | undefined,
    store: Connection,
    index: Connection,
  ) {
    this.#root = root;
    this.state = state;
    this.#inputs = inputs;
    this.#connections = [store, index];
    this.#index = index;
  }

  /** Throws FatalError STORE_NOT_FOUND, STORE_SCHEMA_NEWER or STORE_CORRUPT, the last from every other call too. */
  static async open(root: string): Promise<VectorSearch> {
    const state = await readIndexState(root);
    const paths = await findStore(root);
    try {
      const store = await connectTables(paths.db);
      const inputs = await findTable(store, 'inputs');
      return new VectorSearch(root, state, inputs, store, await connectTables(indexPaths(paths).db));
    } catch (error) {
      throw readFailure(error, root);
    }
  }

  /** The nearest of all tables together, each input or region once. */
  nearest(request: NearestRequest, signal: AbortSignal): Promise<Nearest> {
    const { hits, filter, except, exactRows = EXACT_ROWS, ...search } = request;
    return this.#read(async () => {
      const allowed =
        filter === undefined || this.#inputs === undefined
          ? undefined
          : await findAllowed(this.#inputs, filter, hits, signal);
      const current = new CurrentInputs(this.#inputs, this.state.serving.regions);
      const found: Found[] = [];
      let approximate = false;
      for (const model of request.models) {
        const part = partOf(model.kind, hits);
        await this.#withVectors(model, async (table) => {
          // The index is for cosine; after a filter, exact comparing is what is asked for.
          const byIndex =
            allowed === undefined && request.metric === 'cosine' && (await isLarge(table, exactRows));
          approximate ||= byIndex;
          const options = { ...search, hits, part, allowed, except, current, signal, approximate: byIndex };
          found.push(...(await searchTable(table, options)));
        });
      }
      return { found: nearestOnce(found).slice(0, request.top), approximate };
    });
  }

  /** Of length 1, over an input's own vectors as it is now, of a video those of its frames; undefined where it has none. */
  meanVector(input: Input, model: IndexedModel): Promise<Float32Array | undefined> {
    const part = partOf(model.kind, 'inputs');
    const { regions } = this.state.serving;
    return this.#read(() => this.#withVectors(model, (table) => meanVector(table, input, { part, regions })));
  }

  /**
   * Of the inputs of these models’ kinds. Counted by rows, which takes milliseconds for a million: the rows of inputs
   * that have changed since are counted until a re-index removes them.
   */
  coverage(models: readonly IndexedModel[]): Promise<Indexed> {
    return this.#read(async () => {
      const indexed: Indexed = { n: 0, of: 0 };
      for (const [kind, of] of Map.groupBy(models, (model) => model.kind)) {
        const inputs = (await this.#inputs?.countRows(`kind = ${sqlText(kind)}`)) ?? 0;
        const rows = await Promise.all(
          of.map((model) => this.#withVectors(model, (table) => table.countRows("part = 'whole'"))),
        );
        indexed.of += inputs;
        // An input is whole when all of its models have embedded it.
        indexed.n += Math.min(inputs, ...rows.map((count) => count ?? 0));
      }
      return indexed;
    });
  }

  close(): void {
    this.#inputs?.close();
    for (const connection of this.#connections) connection.close();
  }

  /** Undefined where nothing was embedded under the model. */
  async #withVectors<T>(model: IndexedModel, use: (table: Table) => Promise<T>): Promise<T | undefined> {
    const table = await findVectors(this.#index, model.fingerprint);
    if (table === undefined) return undefined;
    try {
      return await use(table);
    } finally {
      table.close();
    }
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw readFailure(error, this.#root);
    }
  }
}

function partOf(kind: Kind, hits: HitParts): VectorPart {
  if (hits === 'regions') return 'region';
  return kind === 'video' ? 'frame' : 'whole';
}

async function isLarge(table: Table, exactRows: number): Promise<boolean> {
  if ((await table.countRows()) <= exactRows) return false;
  return (await table.listIndices()).some(({ columns }) => columns.includes('vector'));
}

/** An input may be found under several models. */
function nearestOnce(found: readonly Found[]): Found[] {
  const seen = new Set<string>();
  return [...found].sort(nearerFirst).filter(({ inputId, annotation }) => {
    const key = `${inputId}\n${annotation?.id ?? ''}`;
    return !seen.has(key) && seen.add(key);
  });
}

import type { Input } from '../../../../model/input.ts';
import type { Kind } from '../../../../model/kind.ts';
import type { Found, HitParts, Metric, SearchFilter } from '../../../../model/search.ts';
import type { VectorPart } from '../../../../model/vector-index.ts';
import type { IndexedModel, IndexState } from '../../../../model/workflow.ts';
import {
  type Connection,
  connectTables,
  findTable,
  idIn,
  readFailure,
  sqlText,
  type Table,
} from '../../lance.ts';
import { findStore } from '../../layout.ts';
import { stringColumn } from '../../result.ts';
import { indexPaths } from '../index-paths.ts';
import { readIndexState } from '../state.ts';
import { findVectors } from '../tables.ts';
import { VECTOR_INDEX } from '../vector-search-index.ts';
import { findAllowed } from './allowed.ts';
import { CurrentInputs } from './current.ts';
import { meanVector } from './mean-vector.ts';
import { nearerFirst, searchTable } from './search-table.ts';

/** A text in a row has up to 64 kB. */
const TEXTS_AT_ONCE = 512;

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
}

export interface Nearest {
  found: Found[];
  /** Whether the index of a table was used, so that a neighbour may be missed. */
  approximate: boolean;
}

/** How much of what is searched has a vector. */
interface Indexed {
  n: number;
  of: number;
}

/** The vectors that searches use, read at one moment. Never waits for a writer. */
export class VectorSearch {
  readonly state: IndexState;
  readonly #root: string;
  readonly #inputs: Table | undefined;
  readonly #store: Connection;
  readonly #index: Connection | undefined;

  private constructor(
    root: string,
    state: IndexState,
    inputs: Table | undefined,
    store: Connection,
    index: Connection | undefined,
  ) {
    this.#root = root;
    this.state = state;
    this.#inputs = inputs;
    this.#store = store;
    this.#index = index;
  }

  /** Throws FatalError STORE_NOT_FOUND, STORE_SCHEMA_NEWER or STORE_CORRUPT, the last from every other call too. */
  static async open(root: string): Promise<VectorSearch> {
    const state = await readIndexState(root);
    const paths = await findStore(root);
    try {
      const store = await connectTables(paths.db, paths.files);
      const inputs = await findTable(store, 'inputs');
      // Connecting makes the folder, which is not for a reader to do.
      const { models } = state.serving;
      const index = models.length === 0 ? undefined : await connectTables(indexPaths(paths).db, paths.files);
      return new VectorSearch(root, state, inputs, store, index);
    } catch (error) {
      throw readFailure(error, root);
    } finally {
      paths.files.close();
    }
  }

  /** The nearest of all tables together, each input or region once. */
  nearest(request: NearestRequest, signal: AbortSignal): Promise<Nearest> {
    const { hits, filter, except, ...search } = request;
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
          // The index is for the cosine; behind a filter, and where there are few, every vector is compared.
          const byIndex = allowed === undefined && request.metric === 'cosine' && (await hasIndex(table));
          approximate ||= byIndex;
          const options = { ...search, hits, part, allowed, except, current, signal, approximate: byIndex };
          found.push(...(await searchTable(table, options)));
        });
      }
      return { found: nearestOnce(found).slice(0, request.top), approximate };
    });
  }

  /** Over an input's own vectors as it is now, of a video those of its frames; undefined where it has none. */
  meanVector(input: Input, model: IndexedModel): Promise<Float32Array | undefined> {
    const part = partOf(model.kind, 'inputs');
    const of = { part, regions: this.state.serving.regions, normalised: model.normalised };
    return this.#read(() => this.#withVectors(model, (table) => meanVector(table, input, of)));
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

  /** Of the texts of inputs that have one in their row, by id: at most so many characters. */
  beginnings(ids: readonly string[], length: number): Promise<Map<string, string>> {
    return this.#read(async () => {
      const texts = new Map<string, string>();
      const unique = [...new Set(ids)];
      for (let at = 0; at < unique.length; at += TEXTS_AT_ONCE) {
        const where = idIn(unique.slice(at, at + TEXTS_AT_ONCE));
        for await (const batch of this.#inputs?.query().where(where).select(['id', 'text']) ?? []) {
          const found = stringColumn(batch, 'id') as string[];
          stringColumn(batch, 'text').forEach((text, i) => {
            if (text === undefined) return;
            const beginning = text.slice(0, length).toWellFormed();
            texts.set(found[i]!, text.length > length ? `${beginning}…` : beginning);
          });
        }
      }
      return texts;
    });
  }

  close(): void {
    this.#inputs?.close();
    this.#store.close();
    this.#index?.close();
  }

  /** Undefined where nothing was embedded under the model. */
  async #withVectors<T>(model: IndexedModel, use: (table: Table) => Promise<T>): Promise<T | undefined> {
    const table = this.#index && (await findVectors(this.#index, model.fingerprint));
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

/** `ensureVectorIndex` makes one of large tables. */
const hasIndex = async (table: Table): Promise<boolean> =>
  (await table.listIndices()).some(({ name }) => name === VECTOR_INDEX);

/** An input may be found under several models. */
function nearestOnce(found: readonly Found[]): Found[] {
  const seen = new Set<string>();
  return [...found].sort(nearerFirst).filter(({ inputId, annotation }) => {
    const key = `${inputId}\n${annotation?.id ?? ''}`;
    return !seen.has(key) && seen.add(key);
  });
}

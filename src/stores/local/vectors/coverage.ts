import { KeyTable } from '../../../io/key-table.ts';
import type { Context } from '../../../model/contracts.ts';
import type { ModelCoverage } from '../../../model/vector-index.ts';
import type { Generation, IndexCounts } from '../../../model/workflow.ts';
import { type Connection, connectTables, readFailure } from '../lance.ts';
import { findStore, type StorePaths } from '../layout.ts';
import { lockHolder } from '../lock.ts';
import { type CurrentInput, scanCurrent } from './current-inputs.ts';
import { findFailures, scanFailures } from './failure-table.ts';
import { indexPaths } from './index-paths.ts';
import { readIndexState } from './state.ts';
import { findVectors, pairKey, scanPairs } from './tables.ts';

/** What has vectors of one model, and what was tried and failed; 13 bytes of flat memory for each. */
interface Covered {
  indexed: KeyTable;
  failed: KeyTable;
}

type Covers = ReadonlyMap<string, Covered>;

/**
 * How far the index is for each model of a generation, in its order; an input counts where it is embedded as it is
 * now. In flat memory. Throws FatalError STORE_NOT_FOUND and the like.
 */
export function indexCoverage(
  root: string,
  generation: Generation,
  ctx: Pick<Context, 'signal'>,
): Promise<ModelCoverage[]> {
  return counting(root, [generation], ctx, async (covers, inputs) => {
    const all = generation.models.map(({ fingerprint, kind }) => ({
      ...{ fingerprint, kind, inputs: 0, indexed: 0, failed: 0 },
    }));
    for await (const input of inputs) {
      const key = pairKey(input.id, contentUnder(generation, input));
      for (const coverage of all) {
        if (coverage.kind !== input.kind) continue;
        const { indexed, failed } = covers.get(coverage.fingerprint)!;
        coverage.inputs++;
        if (indexed.has(key)) coverage.indexed++;
        else if (failed.has(key)) coverage.failed++;
      }
    }
    return all;
  });
}

/**
 * The platform’s counters. Inputs of kinds without a model count nowhere. While a run writes the index, what waits for
 * it is `processing`, or of a base that is not served yet `reindexing`.
 */
export async function indexCounts(
  root: string,
  ctx: Pick<Context, 'signal' | 'clock'>,
): Promise<IndexCounts> {
  const { base, serving } = await readIndexState(root);
  const isWhole = base.id === serving.id;
  const paths = await findStore(root);
  const lock = paths.files.lock(indexPaths(paths).lock, ctx.clock);
  const isWritten = (await lockHolder(lock, ctx.clock)) !== undefined;
  return counting(root, isWhole ? [serving] : [serving, base], ctx, async (covers, inputs) => {
    const ofServing = { done: 0, waiting: 0, failed: 0 };
    const ofBase = { done: 0, waiting: 0, failed: 0 };
    for await (const input of inputs) {
      count(ofServing, serving, input, covers);
      if (!isWhole) count(ofBase, base, input, covers);
    }
    return {
      processed: ofServing.done,
      to_process: isWritten && isWhole ? 0 : ofServing.waiting,
      errors: ofServing.failed,
      processing: isWritten && isWhole ? ofServing.waiting : 0,
      reindexed: ofBase.done,
      to_reindex: isWritten ? 0 : ofBase.waiting,
      reindex_errors: ofBase.failed,
      reindexing: isWritten ? ofBase.waiting : 0,
    };
  });
}

function count(
  counts: { done: number; waiting: number; failed: number },
  generation: Generation,
  input: CurrentInput,
  covers: Covers,
): void {
  const models = generation.models.filter(({ kind }) => kind === input.kind);
  if (models.length === 0) return;
  const key = pairKey(input.id, contentUnder(generation, input));
  const missing = models.filter(({ fingerprint }) => !covers.get(fingerprint)!.indexed.has(key));
  if (missing.length === 0) counts.done++;
  else if (missing.some(({ fingerprint }) => covers.get(fingerprint)!.failed.has(key))) counts.failed++;
  else counts.waiting++;
}

const contentUnder = ({ regions }: Generation, { sha256, withRegions }: CurrentInput): string =>
  regions ? withRegions : sha256;

async function counting<T>(
  root: string,
  generations: readonly Generation[],
  { signal }: Pick<Context, 'signal'>,
  work: (covers: Covers, inputs: AsyncIterable<CurrentInput>) => Promise<T>,
): Promise<T> {
  const paths = await findStore(root);
  const models = generations.flatMap((generation) => generation.models);
  const regions = generations.some((generation) => generation.regions);
  try {
    const covers = await readCovers(
      paths,
      models.map(({ fingerprint }) => fingerprint),
      signal,
    );
    const connection = await connectTables(paths.db, paths.files);
    try {
      return await work(covers, models.length === 0 ? none() : scanCurrent(connection, { regions }));
    } finally {
      connection.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw readFailure(error, root);
  } finally {
    paths.files.close();
  }
}

async function* none(): AsyncGenerator<CurrentInput> {}

async function readCovers(
  paths: StorePaths,
  fingerprints: readonly string[],
  signal: AbortSignal,
): Promise<Covers> {
  const covers = new Map<string, Covered>();
  if (fingerprints.length === 0) return covers;
  const connection = await connectTables(indexPaths(paths).db, paths.files);
  try {
    for (const fingerprint of fingerprints) {
      if (covers.has(fingerprint)) continue;
      signal.throwIfAborted();
      covers.set(fingerprint, await readCovered(connection, fingerprint));
    }
  } finally {
    connection.close();
  }
  return covers;
}

async function readCovered(connection: Connection, fingerprint: string): Promise<Covered> {
  const [vectors, failures] = [await findVectors(connection, fingerprint), await findFailures(connection)];
  try {
    return {
      indexed: await keysOf(vectors && scanPairs(vectors, { wholeOnly: true })),
      failed: await keysOf(failures && scanFailures(failures, fingerprint)),
    };
  } finally {
    vectors?.close();
    failures?.close();
  }
}

async function keysOf(
  scanned: AsyncIterable<{ inputIds: string[]; contents: string[] }> | undefined,
): Promise<KeyTable> {
  const keys = new KeyTable({ values: false });
  for await (const { inputIds, contents } of scanned ?? []) {
    inputIds.forEach((inputId, i) => {
      keys.set(pairKey(inputId, contents[i]!));
    });
  }
  return keys;
}

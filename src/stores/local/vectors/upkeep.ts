import type { Context } from '../../../model/contracts.ts';
import { asError, SluiceError } from '../../../model/errors.ts';
import type { Generation, IndexState } from '../../../model/workflow.ts';
import { LOOKUP_CHUNK } from '../ids.ts';
import { type Connection, connectTables, sqlText, storeFailure } from '../lance.ts';
import { findStore, type StorePaths } from '../layout.ts';
import { StoreLock } from '../lock.ts';
import { WrittenTable } from '../written-table.ts';
import { readCurrent } from './current-inputs.ts';
import { FAILURES, findFailures } from './failure-table.ts';
import { indexPaths } from './index-paths.ts';
import { findStale } from './stale.ts';
import { readIndexState } from './state.ts';
import {
  findVectors,
  inputIn,
  type Pair,
  pairIn,
  storedFingerprints,
  tableFolder,
  tableName,
} from './tables.ts';

/** Generations that a state names, each once, the served one first. */
const generationsOf = ({ base, serving, previous }: IndexState): Generation[] => [
  ...new Map([serving, base, ...previous].map((generation) => [generation.id, generation])).values(),
];

/** Every model of a state, and whether its vectors are of inputs with their regions. */
export const usedFingerprints = (state: IndexState): Map<string, { regions: boolean }> =>
  new Map(
    generationsOf(state).flatMap(({ models, regions }) =>
      models.map(({ fingerprint, kind }) => [fingerprint, { regions: regions && kind === 'image' }]),
    ),
  );

/**
 * Removes the vectors of models that no generation of the state names. For the holder of the index's lock.
 *
 * @returns how many models there were.
 */
export async function dropUnusedVectors(root: string, state: IndexState, ctx: Context): Promise<number> {
  const paths = await findStore(root);
  if (!(await hasIndex(paths))) return 0;
  const { db } = indexPaths(paths);
  const connection = await connectTables(db, paths.files);
  try {
    const used = usedFingerprints(state);
    const unused = (await storedFingerprints(connection)).filter((fingerprint) => !used.has(fingerprint));
    for (const fingerprint of unused) {
      ctx.signal.throwIfAborted();
      await connection.dropTable(tableName(fingerprint));
    }
    if (unused.length > 0) {
      await removeFailures(connection, db, root, `fingerprint IN (${unused.map(sqlText).join(',')})`, ctx);
    }
    return unused.length;
  } catch (error) {
    throw storeFailure(error, root);
  } finally {
    connection.close();
    paths.files.close();
  }
}

/**
 * Removes what was embedded of inputs that are gone. Never fails: what stays, for a run writes the index just now, is
 * stale, and no hit; the end of that run removes it.
 */
export async function removeVectorsOf(
  paths: StorePaths,
  ids: readonly string[],
  ctx: Context,
): Promise<void> {
  try {
    await withIndex(paths, 'delete', ctx, async (connection) => {
      for (const fingerprint of await storedFingerprints(connection)) {
        await change(connection, paths, fingerprint, ctx, async (written) => {
          for (let at = 0; at < ids.length; at += LOOKUP_CHUNK) {
            const where = inputIn(ids.slice(at, at + LOOKUP_CHUNK));
            await written.write(() => written.table.delete(where));
          }
        });
      }
      const { db } = indexPaths(paths);
      for (let at = 0; at < ids.length; at += LOOKUP_CHUNK) {
        await removeFailures(connection, db, paths.root, inputIn(ids.slice(at, at + LOOKUP_CHUNK)), ctx);
      }
    });
  } catch (error) {
    const message = 'the vectors of deleted inputs could not be removed; sluice store gc removes them';
    ctx.logger.warn({ error: asError(error).message }, message);
  }
}

/** Removes rows of inputs that are gone or changed, and the vectors of models that no generation names. */
export async function collectVectors(
  paths: StorePaths,
  inputs: Connection,
  { dryRun }: { dryRun: boolean },
  ctx: Context,
): Promise<{ vectors: number; models: number }> {
  const collected = await withIndex(paths, 'gc', ctx, async (connection) => {
    const state = await readIndexState(paths.root);
    const used = usedFingerprints(state);
    const stored = await storedFingerprints(connection);
    const unused = stored.filter((fingerprint) => !used.has(fingerprint));
    const vectors = await collectStale({ paths, inputs, index: connection }, used, { dryRun }, ctx);
    // Another workflow may have been set since: what it names stays.
    if (!dryRun) await dropUnusedVectors(paths.root, await readIndexState(paths.root), ctx);
    return { vectors, models: unused.length };
  });
  return collected ?? { vectors: 0, models: 0 };
}

/**
 * Removes, of the models that a state names beside those of its base, the rows of inputs that are gone or changed: what a
 * revert goes back to. For the holder of the index's lock, which looks after the base itself.
 */
export async function removeStaleOfOthers(root: string, state: IndexState, ctx: Context): Promise<number> {
  const used = usedFingerprints(state);
  for (const { fingerprint } of state.base.models) used.delete(fingerprint);
  if (used.size === 0) return 0;
  const paths = await findStore(root);
  const [inputs, index] = [await connectTables(paths.db), await connectTables(indexPaths(paths).db)];
  try {
    return await collectStale({ paths, inputs, index }, used, { dryRun: false }, ctx);
  } catch (error) {
    throw storeFailure(error, root);
  } finally {
    inputs.close();
    index.close();
  }
}

/** Counts the rows. */
async function collectStale(
  { paths, inputs, index }: { paths: StorePaths; inputs: Connection; index: Connection },
  used: ReadonlyMap<string, { regions: boolean }>,
  { dryRun }: { dryRun: boolean },
  ctx: Context,
): Promise<number> {
  const stored = await storedFingerprints(index);
  let vectors = 0;
  for (const regions of [false, true]) {
    const chosen = stored.filter((fingerprint) => used.get(fingerprint)?.regions === regions);
    if (chosen.length === 0) continue;
    const isCurrent = await readCurrent(inputs, { regions }, ctx.signal);
    for (const fingerprint of chosen) {
      await change(index, paths, fingerprint, ctx, async (written) => {
        const remove = async (pairs: readonly Pair[]) => {
          if (!dryRun) await written.write(() => written.table.delete(pairIn(pairs)));
        };
        vectors += await findStale(written.table, isCurrent, remove, ctx.signal);
      });
    }
  }
  return vectors;
}

/** Joins the fragments of all tables of the index. */
export async function compactVectors(
  paths: StorePaths,
  retainMs: number | undefined,
  ctx: Context,
): Promise<void> {
  await withIndex(paths, 'compact', ctx, async (connection) => {
    for (const fingerprint of await storedFingerprints(connection)) {
      await change(connection, paths, fingerprint, ctx, (written) => written.compact(retainMs));
    }
    const failures = await findFailures(connection);
    if (failures === undefined) return;
    const folder = tableFolder(indexPaths(paths).db, FAILURES);
    await (await WrittenTable.open(failures, paths.root, folder, ctx)).compact(retainMs);
    failures.close();
  });
}

/** For one task of the holder of the store's lock; nothing is done, and that is said, where a run writes the index. */
async function withIndex<T>(
  paths: StorePaths,
  task: string,
  ctx: Context,
  work: (connection: Connection) => Promise<T>,
): Promise<T | undefined> {
  if (!(await hasIndex(paths))) return undefined;
  const { db, lock: folder } = indexPaths(paths);
  let lock: StoreLock;
  try {
    lock = await StoreLock.acquire(
      paths.files.lock(folder, ctx.clock),
      { runId: task, wait: false, what: 'the index' },
      ctx,
    );
  } catch (error) {
    // Waiting, perhaps for hours, would hold up every writer of inputs.
    if (!(error instanceof SluiceError && error.code === 'STORE_LOCKED')) throw error;
    ctx.logger.warn({ task }, `${error.message}; the index was left out`);
    return undefined;
  }
  try {
    const connection = await connectTables(db, paths.files);
    try {
      return await work(connection);
    } finally {
      connection.close();
    }
  } finally {
    await lock.release();
  }
}

export const hasIndex = async (paths: StorePaths): Promise<boolean> =>
  (await paths.files.names(paths.index)).length > 0;

async function change(
  connection: Connection,
  paths: StorePaths,
  fingerprint: string,
  ctx: Context,
  work: (written: WrittenTable) => Promise<void>,
): Promise<void> {
  const table = await findVectors(connection, fingerprint);
  if (table === undefined) return;
  ctx.signal.throwIfAborted();
  try {
    const folder = tableFolder(indexPaths(paths).db, tableName(fingerprint));
    await work(await WrittenTable.open(table, paths.root, folder, ctx));
  } finally {
    table.close();
  }
}

async function removeFailures(
  connection: Connection,
  db: string,
  root: string,
  where: string,
  ctx: Context,
): Promise<void> {
  const table = await findFailures(connection);
  if (table === undefined) return;
  try {
    const written = await WrittenTable.open(table, root, tableFolder(db, FAILURES), ctx);
    await written.write(() => table.delete(where));
  } finally {
    table.close();
  }
}

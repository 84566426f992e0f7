import { joinPlace } from '../../io/place.ts';
import type { Context } from '../../model/contracts.ts';
import { InputTable } from './input-table.ts';
import { type Connection, connectTables, findTable, storeFailure } from './lance.ts';
import { findStore, raiseSchema, type StorePaths } from './layout.ts';
import { StoreLock } from './lock.ts';
import { addMissingColumns } from './migrate.ts';

export interface MaintenanceOptions {
  /** Wait for a writer to end, instead of STORE_LOCKED. */
  wait?: boolean;
}

/** A store whose lock is held. */
export interface HeldStore {
  paths: StorePaths;
  connection: Connection;
  /** Undefined where nothing was ever ingested. */
  inputs: InputTable | undefined;
}

/** Takes the lock of a store for one task. Throws FatalError STORE_LOCKED and the like. */
export async function holdStore<T>(
  root: string,
  task: string,
  { wait = false }: MaintenanceOptions,
  ctx: Context,
  work: (store: HeldStore) => Promise<T>,
): Promise<T> {
  const paths = await findStore(root);
  const lock = await StoreLock.acquire(paths.files.lock(paths.lock, ctx.clock), { runId: task, wait }, ctx);
  try {
    const connection = await connectTables(paths.db, paths.files);
    try {
      const table = await findTable(connection, 'inputs');
      const folder = joinPlace(paths.db, 'inputs.lance');
      const inputs = table === undefined ? undefined : await InputTable.open(table, root, folder, ctx);
      return await work({ paths, connection, inputs });
    } finally {
      connection.close();
    }
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw storeFailure(error, root);
  } finally {
    await lock.release();
    paths.files.close();
  }
}

/** The same, for a task that writes what older versions do not know: the store has the newest schema first. */
export function changeStore<T>(
  root: string,
  task: string,
  options: MaintenanceOptions,
  ctx: Context,
  work: (store: HeldStore) => Promise<T>,
): Promise<T> {
  return holdStore(root, task, options, ctx, async (store) => {
    await raiseSchema(store.paths);
    if (store.inputs !== undefined) {
      await addMissingColumns(store.inputs.table, joinPlace(store.paths.db, 'inputs.lance'));
    }
    return work(store);
  });
}

import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import { without } from './dataset-changes.ts';
import { noDataset } from './dataset-errors.ts';
import { findDataset } from './dataset-table.ts';
import { changeStore, type HeldStore, type MaintenanceOptions } from './held-store.ts';
import { type ChosenRows, changeRows, uniqueIds } from './row-changes.ts';

export interface ChangedMembers {
  /** Inputs whose membership changed. */
  changed: number;
  /** Those that were as they should be already. */
  unchanged: number;
  /** Ids that no input has. */
  missing: number;
}

/** Adds inputs to a dataset; those that are in it stay. Throws FatalError DATASET_NOT_FOUND. */
export function addMembers(
  root: string,
  dataset: string,
  members: ChosenRows,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedMembers> {
  return changeMembers(root, 'datasets add', dataset, members, options, ctx, (store) =>
    changeRows(
      store,
      members,
      (row) =>
        row.datasets.includes(dataset) ? undefined : { ...row, datasets: [...row.datasets, dataset] },
      ctx,
    ),
  );
}

/** Takes inputs out of a dataset; they stay in the store. Throws FatalError DATASET_NOT_FOUND. */
export function removeMembers(
  root: string,
  dataset: string,
  members: ChosenRows,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<ChangedMembers> {
  return changeMembers(root, 'datasets remove', dataset, members, options, ctx, (store) =>
    changeRows(
      store,
      members,
      (row) => (row.datasets.includes(dataset) ? without(row, dataset) : undefined),
      ctx,
    ),
  );
}

function changeMembers(
  root: string,
  task: string,
  dataset: string,
  members: ChosenRows,
  options: MaintenanceOptions,
  ctx: Context,
  change: (store: HeldStore) => Promise<{ found: number; changed: number }>,
): Promise<ChangedMembers> {
  if ('dataset' in members && members.dataset === dataset) {
    throw new FatalError('CONFIG_INVALID', `the dataset ${dataset} is named twice; name two datasets`);
  }
  return changeStore(root, task, options, ctx, async (store) => {
    for (const id of 'dataset' in members ? [members.dataset, dataset] : [dataset]) {
      if ((await findDataset(store.connection, id)) === undefined)
        throw await noDataset(store.connection, id);
    }
    const { found, changed } = await change(store);
    const asked = 'ids' in members ? uniqueIds(members.ids).length : found;
    return { changed, unchanged: found - changed, missing: asked - found };
  });
}

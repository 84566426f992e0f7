import type { Context } from '../../model/contracts.ts';
import type { DatasetInfo } from '../../model/dataset.ts';
import { FatalError } from '../../model/errors.ts';
import type { Metadata } from '../../model/labels.ts';
import { type PatchAction, patchObject } from '../../model/patch.ts';
import { noDataset, noFilter } from './dataset-errors.ts';
import { listFilters } from './dataset-filters.ts';
import { checkName } from './dataset-name.ts';
import { findDataset, putDataset, removeDataset } from './dataset-table.ts';
import { changeStore, type MaintenanceOptions } from './held-store.ts';
import type { Connection } from './lance.ts';
import { changeRows } from './row-changes.ts';
import { listVersions, removeManifest } from './versions/manifest.ts';

/** What can be said of a dataset. */
export interface DatasetFields {
  description?: string;
  metadata?: Metadata;
  /** The filter that versions take when none is named. */
  defaultFilterId?: string;
}

/** Throws FatalError DATASET_EXISTS, FILTER_NOT_FOUND, CONFIG_INVALID for a name that cannot be. */
export function createDataset(
  root: string,
  id: string,
  fields: DatasetFields,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<DatasetInfo> {
  checkName('dataset', id);
  return changeStore(root, 'datasets create', options, ctx, async ({ connection, paths }) => {
    if ((await findDataset(connection, id)) !== undefined) {
      throw new FatalError('DATASET_EXISTS', `there is a dataset ${id} already`);
    }
    const at = new Date(ctx.clock.now()).toISOString();
    const dataset = {
      id,
      metadata: {},
      ...(await checked(connection, fields)),
      createdAt: at,
      modifiedAt: at,
    };
    await putDataset(connection, paths.db, dataset);
    return dataset;
  });
}

export interface DatasetPatch extends DatasetFields {
  /** Of the metadata; the other fields replace, and an empty one removes. */
  action: PatchAction;
}

/** Throws FatalError DATASET_NOT_FOUND or FILTER_NOT_FOUND. */
export function patchDataset(
  root: string,
  id: string,
  { action, metadata, ...fields }: DatasetPatch,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<DatasetInfo> {
  return changeStore(root, 'datasets patch', options, ctx, async ({ connection, paths }) => {
    const stored = await findDataset(connection, id);
    if (stored === undefined) throw await noDataset(connection, id);
    const patched = {
      ...stored,
      ...(await checked(connection, fields)),
      metadata: metadata === undefined ? stored.metadata : patchObject(action, stored.metadata, metadata),
      modifiedAt: new Date(ctx.clock.now()).toISOString(),
    };
    const dataset = withoutEmpty(patched);
    await putDataset(connection, paths.db, dataset);
    return dataset;
  });
}

export interface DeletedDataset {
  /** Inputs that were in it; they stay. */
  inputs: number;
  versions: number;
}

/** Removes a dataset, with its versions only if asked to. Throws FatalError DATASET_NOT_FOUND. */
export function deleteDataset(
  root: string,
  id: string,
  options: MaintenanceOptions & { versions?: boolean },
  ctx: Context,
): Promise<DeletedDataset> {
  return changeStore(root, 'datasets delete', options, ctx, async (store) => {
    const { connection, paths } = store;
    const isThere = (await findDataset(connection, id)) !== undefined;
    const versions = options.versions ? await listVersions(paths, id) : [];
    if (!isThere && versions.length === 0) throw await noDataset(connection, id);
    const { changed } = await changeRows(store, { dataset: id }, (row) => without(row, id), ctx);
    for (const version of versions) await removeManifest(paths, id, version.id);
    // Last, so that what a kill leaves can be deleted again.
    if (isThere) await removeDataset(connection, paths.db, id);
    return { inputs: changed, versions: versions.length };
  });
}

export const without = <Row extends { datasets: string[] }>(row: Row, dataset: string): Row => ({
  ...row,
  datasets: row.datasets.filter((name) => name !== dataset),
});

async function checked(connection: Connection, fields: DatasetFields): Promise<DatasetFields> {
  const { defaultFilterId } = fields;
  if (defaultFilterId !== undefined && defaultFilterId !== '') {
    const filters = await listFilters(connection);
    if (!filters.some(({ id }) => id === defaultFilterId)) throw noFilter(defaultFilterId, filters);
  }
  return fields;
}

/** Without the fields that were emptied. */
function withoutEmpty({ description, defaultFilterId, ...dataset }: DatasetInfo): DatasetInfo {
  return {
    ...dataset,
    ...(description ? { description } : {}),
    ...(defaultFilterId ? { defaultFilterId } : {}),
  };
}

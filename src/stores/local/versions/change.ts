import type { Context } from '../../../model/contracts.ts';
import type { DatasetVersion } from '../../../model/dataset.ts';
import type { Metadata } from '../../../model/labels.ts';
import { type PatchAction, patchObject } from '../../../model/patch.ts';
import { noDataset, noVersion } from '../dataset-errors.ts';
import { findDataset } from '../dataset-table.ts';
import { changeStore, type HeldStore, type MaintenanceOptions } from '../held-store.ts';
import { listVersions, readManifest, removeManifest, writeManifest } from './manifest.ts';

/** What of a version can be changed; its content cannot. An empty name or description is removed. */
export interface VersionPatch {
  name?: string;
  description?: string;
  metadata?: Metadata;
  /** Of the metadata. */
  action: PatchAction;
}

/** Throws FatalError DATASET_NOT_FOUND or DATASET_VERSION_NOT_FOUND. */
export function patchVersion(
  root: string,
  { dataset, id }: Pick<DatasetVersion, 'dataset' | 'id'>,
  patch: VersionPatch,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<DatasetVersion> {
  return changeStore(root, 'datasets patch-version', options, ctx, async (store) => {
    const manifest = await readManifest(store.paths, dataset, id);
    if (manifest === undefined) throw await missing(store, dataset, id);
    const { name, description, ...stored } = manifest.version;
    const version: DatasetVersion = {
      ...stored,
      ...named({ name: patch.name ?? name, description: patch.description ?? description }),
      metadata:
        patch.metadata === undefined
          ? stored.metadata
          : patchObject(patch.action, stored.metadata, patch.metadata),
    };
    await writeManifest(store.paths, { ...manifest, version });
    return version;
  });
}

/**
 * Removes a version; what no other version has of it goes with the next `collectGarbage`. Throws FatalError
 * DATASET_NOT_FOUND or DATASET_VERSION_NOT_FOUND.
 */
export function deleteVersion(
  root: string,
  { dataset, id }: Pick<DatasetVersion, 'dataset' | 'id'>,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<void> {
  return changeStore(root, 'datasets delete-version', options, ctx, async (store) => {
    if (!(await removeManifest(store.paths, dataset, id))) throw await missing(store, dataset, id);
  });
}

async function missing({ connection, paths }: HeldStore, dataset: string, id: string): Promise<Error> {
  const versions = await listVersions(paths, dataset);
  const isKnown = versions.length > 0 || (await findDataset(connection, dataset)) !== undefined;
  return isKnown ? noVersion(dataset, id, versions) : noDataset(connection, dataset);
}

/** Those of the two that are not empty. */
const named = ({ name, description }: { name: string | undefined; description: string | undefined }) => ({
  ...(name ? { name } : {}),
  ...(description ? { description } : {}),
});

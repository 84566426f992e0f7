import { parseFilter } from '../../formats/annotation-filter.ts';
import type { Context } from '../../model/contracts.ts';
import type { AnnotationFilter, StoredFilter } from '../../model/dataset.ts';
import { FatalError } from '../../model/errors.ts';
import { noFilter } from './dataset-errors.ts';
import { listFilters, putFilter, removeFilter } from './dataset-filters.ts';
import { checkName } from './dataset-name.ts';
import { storedDatasets } from './dataset-table.ts';
import { changeStore, type MaintenanceOptions } from './held-store.ts';

/** Throws FatalError CONFIG_INVALID when there is one of that name, or the filter cannot be. */
export function createFilter(
  root: string,
  id: string,
  given: AnnotationFilter,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<StoredFilter> {
  checkName('filter', id);
  const filter = parseFilter(given);
  return changeStore(root, 'filters create', options, ctx, async ({ connection, paths }) => {
    if ((await listFilters(connection)).some((stored) => stored.id === id)) {
      throw new FatalError(
        'CONFIG_INVALID',
        `there is a filter ${id} already; sluice filters patch changes it`,
      );
    }
    const at = new Date(ctx.clock.now()).toISOString();
    const stored = { id, filter, createdAt: at, modifiedAt: at };
    await putFilter(connection, paths.db, stored);
    return stored;
  });
}

/**
 * Replaces the fields that are given (`merge`), or the whole filter (`overwrite`); versions keep what they were made
 * with. Throws FatalError FILTER_NOT_FOUND or CONFIG_INVALID.
 */
export function patchFilter(
  root: string,
  id: string,
  { action, filter }: { action: 'merge' | 'overwrite'; filter: AnnotationFilter },
  options: MaintenanceOptions,
  ctx: Context,
): Promise<StoredFilter> {
  const given = parseFilter(filter);
  return changeStore(root, 'filters patch', options, ctx, async ({ connection, paths }) => {
    const filters = await listFilters(connection);
    const stored = filters.find((other) => other.id === id);
    if (stored === undefined) throw noFilter(id, filters);
    const patched = {
      ...stored,
      filter: action === 'overwrite' ? given : { ...stored.filter, ...given },
      modifiedAt: new Date(ctx.clock.now()).toISOString(),
    };
    await putFilter(connection, paths.db, patched);
    return patched;
  });
}

/** Throws FatalError FILTER_NOT_FOUND, or CONFIG_INVALID while it is the default one of a dataset. */
export function deleteFilter(
  root: string,
  id: string,
  options: MaintenanceOptions,
  ctx: Context,
): Promise<void> {
  return changeStore(root, 'filters delete', options, ctx, async ({ connection, paths }) => {
    const filters = await listFilters(connection);
    if (!filters.some((stored) => stored.id === id)) throw noFilter(id, filters);
    const users = (await storedDatasets(connection)).filter((dataset) => dataset.defaultFilterId === id);
    if (users.length > 0) {
      const names = users.map((dataset) => dataset.id).join(', ');
      throw new FatalError('CONFIG_INVALID', `the filter ${id} is the default one of ${names}`);
    }
    await removeFilter(connection, paths.db, id);
  });
}

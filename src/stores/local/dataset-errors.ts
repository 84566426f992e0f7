import { closest } from '../../model/closest.ts';
import { FatalError } from '../../model/errors.ts';
import { storedDatasets } from './dataset-table.ts';
import type { Connection } from './lance.ts';

const NAMED = 10;

export async function noDataset(connection: Connection, id: string): Promise<FatalError> {
  const there = (await storedDatasets(connection)).map((dataset) => dataset.id);
  return new FatalError('DATASET_NOT_FOUND', `there is no dataset ${id}; ${whatIs(id, there)}`);
}

export function noVersion(dataset: string, id: string, versions: readonly { id: string }[]): FatalError {
  const there = versions.map((version) => version.id);
  return new FatalError(
    'DATASET_VERSION_NOT_FOUND',
    `the dataset ${dataset} has no version ${id}; ${whatIs(id, there)}`,
  );
}

export function noFilter(id: string, filters: readonly { id: string }[]): FatalError {
  const there = filters.map((filter) => filter.id);
  return new FatalError('FILTER_NOT_FOUND', `there is no filter ${id}; ${whatIs(id, there)}`);
}

/** What was probably meant, or what there is: the last ones of many, for those are the newest. */
function whatIs(given: string, there: readonly string[]): string {
  const meant = closest(given, there);
  if (meant !== undefined) return `did you mean ${meant}?`;
  if (there.length === 0) return 'there are none';
  return `there are ${there.length > NAMED ? '… ' : ''}${there.slice(-NAMED).join(', ')}`;
}

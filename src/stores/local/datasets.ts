import type { DatasetInfo } from '../../model/dataset.ts';
import type { Kind } from '../../model/kind.ts';
import type { Concept } from '../../model/labels.ts';
import {
  type AnnotationCounts,
  type ConceptCount,
  ConceptCounter,
  countAnnotations,
  noAnnotations,
} from './dataset-counts.ts';
import { findDataset, storedDatasets } from './dataset-table.ts';
import { type Connection, inDataset, type Table } from './lance.ts';
import { stringColumn } from './result.ts';

/** A named set of inputs; membership is in the rows of the inputs. */
export interface DatasetSummary extends DatasetInfo {
  inputs: number;
  /** Of the inputs; one that is in two datasets counts in both. */
  bytes: number;
  byKind: Partial<Record<Kind, number>>;
}

export interface DatasetDetails extends DatasetSummary {
  /** Of inputs as a whole. */
  concepts: ConceptCount[];
  annotations: AnnotationCounts;
  /** Inputs by split; those without one are left out. */
  bySplit: Record<string, number>;
}

/** By id. */
export async function listDatasets(
  connection: Connection,
  inputs: Table | undefined,
): Promise<DatasetSummary[]> {
  const datasets = new Map<string, DatasetSummary>();
  for (const dataset of await storedDatasets(connection)) datasets.set(dataset.id, uncounted(dataset));
  for await (const batch of inputs?.query().select(['datasets', 'kind', 'bytes']) ?? []) {
    const kinds = stringColumn(batch, 'kind') as Kind[];
    const sizes = batch.getChild('bytes')!;
    const memberships = batch.getChild('datasets')!;
    for (let i = 0; i < batch.numRows; i++) {
      for (const id of memberships.get(i) as Iterable<string>) {
        const dataset = datasets.get(id);
        if (dataset !== undefined) count(dataset, kinds[i]!, Number(sizes.get(i)));
      }
    }
  }
  return [...datasets.values()];
}

/** Undefined where there is no such dataset. */
export async function showDataset(
  connection: Connection,
  inputs: Table | undefined,
  id: string,
): Promise<DatasetDetails | undefined> {
  const stored = await findDataset(connection, id);
  if (stored === undefined) return undefined;
  const dataset = uncounted(stored);
  const concepts = new ConceptCounter();
  const bySplit = new Map<string, number>();
  const members = inputs?.query().where(inDataset(id)).select(['kind', 'bytes', 'concepts', 'split']);
  for await (const batch of members ?? []) {
    const kinds = stringColumn(batch, 'kind') as Kind[];
    const labels = stringColumn(batch, 'concepts') as string[];
    const splits = stringColumn(batch, 'split');
    const sizes = batch.getChild('bytes')!;
    for (let i = 0; i < batch.numRows; i++) {
      count(dataset, kinds[i]!, Number(sizes.get(i)));
      if (labels[i] !== '[]') for (const label of JSON.parse(labels[i]!) as Concept[]) concepts.add(label);
      const split = splits[i];
      if (split !== undefined) bySplit.set(split, (bySplit.get(split) ?? 0) + 1);
    }
  }
  return {
    ...dataset,
    concepts: concepts.counts(),
    annotations: inputs === undefined ? noAnnotations() : await countAnnotations(inputs, inDataset(id)),
    bySplit: Object.fromEntries([...bySplit].sort()),
  };
}

const uncounted = (dataset: DatasetInfo): DatasetSummary => ({ ...dataset, inputs: 0, bytes: 0, byKind: {} });

function count(dataset: DatasetSummary, kind: Kind, bytes: number): void {
  dataset.inputs++;
  dataset.bytes += bytes;
  dataset.byKind[kind] = (dataset.byKind[kind] ?? 0) + 1;
}

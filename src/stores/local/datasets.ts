import { Field, Schema, TimestampMillisecond, Utf8 } from 'apache-arrow';
import type { Kind } from '../../model/kind.ts';
import type { Concept } from '../../model/labels.ts';
import { timeColumn, utf8Column } from './columns.ts';
import {
  type AnnotationCounts,
  type ConceptCount,
  ConceptCounter,
  countAnnotations,
  noAnnotations,
} from './dataset-counts.ts';
import { compareUtf8 } from './id-order.ts';
import { type Connection, findTable, inDataset, makeTable, sqlText, type Table } from './lance.ts';
import { stringColumn } from './result.ts';
import { tableOf } from './rows.ts';

/** A named set of inputs; membership is in the rows of the inputs. */
export interface DatasetSummary {
  id: string;
  inputs: number;
  /** Of the inputs; one that is in two datasets counts in both. */
  bytes: number;
  byKind: Partial<Record<Kind, number>>;
  /** ISO 8601. */
  createdAt: string;
}

export interface DatasetDetails extends DatasetSummary {
  /** Of inputs as a whole. */
  concepts: ConceptCount[];
  annotations: AnnotationCounts;
  /** Inputs by split; those without one are left out. */
  bySplit: Record<string, number>;
}

const datasetSchema = new Schema([
  new Field('id', new Utf8(), false),
  new Field('createdAt', new TimestampMillisecond(), false),
]);

/** Makes the dataset where there is none. For the holder of the store's lock. */
export async function ensureDataset(connection: Connection, id: string, now: number): Promise<void> {
  const table = await makeTable(connection, 'datasets', datasetSchema);
  if ((await table.countRows(`id = ${sqlText(id)}`)) === 0) {
    await table.add(tableOf(datasetSchema, 1, [utf8Column([id]), timeColumn([now])]));
  }
  table.close();
}

/** By id. */
export async function listDatasets(
  connection: Connection,
  inputs: Table | undefined,
): Promise<DatasetSummary[]> {
  const datasets = new Map<string, DatasetSummary>();
  for await (const dataset of storedDatasets(connection)) datasets.set(dataset.id, dataset);
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
  return [...datasets.values()].sort((a, b) => compareUtf8(a.id, b.id));
}

/** Undefined where there is no such dataset. */
export async function showDataset(
  connection: Connection,
  inputs: Table | undefined,
  id: string,
): Promise<DatasetDetails | undefined> {
  for await (const dataset of storedDatasets(connection, `id = ${sqlText(id)}`)) {
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
  return undefined;
}

/** The datasets that were made, with nothing counted yet. */
async function* storedDatasets(connection: Connection, where?: string): AsyncGenerator<DatasetSummary> {
  const table = await findTable(connection, 'datasets');
  if (table === undefined) return;
  const query = table.query();
  if (where !== undefined) query.where(where);
  for await (const batch of query) {
    const ids = stringColumn(batch, 'id') as string[];
    const times = batch.getChild('createdAt')!;
    for (let i = 0; i < batch.numRows; i++) {
      const createdAt = new Date(Number(times.get(i))).toISOString();
      yield { id: ids[i]!, inputs: 0, bytes: 0, byKind: {}, createdAt };
    }
  }
}

function count(dataset: DatasetSummary, kind: Kind, bytes: number): void {
  dataset.inputs++;
  dataset.bytes += bytes;
  dataset.byKind[kind] = (dataset.byKind[kind] ?? 0) + 1;
}

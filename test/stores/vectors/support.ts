import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import type { Context } from '../../../src/model/contracts.ts';
import type { IndexWriter, VectorRow } from '../../../src/model/vector-index.ts';
import type { Generation, IndexedModel } from '../../../src/model/workflow.ts';
import { openIndexWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';

const DIMENSIONS = 4;

/** A model of texts, unless said otherwise. */
export const model = (fingerprint: string, fields: Partial<IndexedModel> = {}): IndexedModel => ({
  kind: 'text',
  node: { name: 'default', model: `models/${fingerprint}` },
  fingerprint,
  space: fingerprint,
  dimensions: DIMENSIONS,
  normalised: true,
  dtype: 'fp32',
  ...fields,
});

export const generation = (
  id: string,
  models: IndexedModel[],
  fields: Partial<Generation> = {},
): Generation => ({
  id,
  workflow: id,
  regions: false,
  models,
  createdAt: '2026-01-01T00:00:00.000Z',
  ...fields,
});

/** A vector that tells by its numbers which one it is. */
export const vectorOf = (seed: number): Float32Array => Float32Array.of(seed, seed / 2, -seed, 0.1);

export const whole = (inputId: string, content: string, seed = 1): VectorRow => ({
  inputId,
  content,
  part: 'whole',
  vector: vectorOf(seed),
});

export const frame = (inputId: string, content: string, timeMs: number, seed = 1): VectorRow => ({
  inputId,
  content,
  part: 'frame',
  timeMs,
  vector: vectorOf(seed),
});

export const opened = (
  store: string,
  models: IndexedModel[] = [model('aaaa')],
  runId = 'run-1',
  context: Context = testContext(),
): Promise<IndexWriter> => openIndexWriter(store, models, { runId, wait: false, reserveBytes: 0 }, context);

/** Appends and does not wait for more. */
export async function appendNow(writer: IndexWriter, fingerprint: string, rows: VectorRow[]): Promise<void> {
  await Promise.all([writer.append(fingerprint, rows), writer.flush()]);
}

export type StoredRow = { inputId: string; content: string; part: string; timeMs: bigint | null } & Record<
  string,
  unknown
>;

/** Rows as another program sees them, in the order of ids, parts and times. */
export async function storedRows(store: string, table = 'vectors_aaaa'): Promise<StoredRow[]> {
  const connection = await connect(join(store, 'index', 'db'));
  const rows = await (await connection.openTable(table)).query().toArray();
  connection.close();
  const orderOf = ({ inputId, content, part, timeMs }: StoredRow) =>
    JSON.stringify([inputId, content, part, String(timeMs ?? '').padStart(20)]);
  return rows
    .map((row): StoredRow => {
      const { vector, ...fields } = row.toJSON();
      return { ...fields, ...(vector ? { vector: [...vector] } : {}) };
    })
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

export const idsOf = (rows: StoredRow[]): string[] => rows.map(({ inputId }) => inputId);

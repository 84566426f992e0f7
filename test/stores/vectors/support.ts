import type { VectorRow } from '../../../src/model/vector-index.ts';
import type { Generation, IndexedModel } from '../../../src/model/workflow.ts';

export const DIMENSIONS = 4;

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

import type { Embedder } from '../../src/model/embedding.ts';
import { reindex } from '../../src/pipeline/indexing/reindex.ts';
import { setWorkflow } from '../../src/pipeline/indexing/workflow.ts';

/** Re-indexes the texts of a store with a model that computes nothing. Throws where it was not all ok. */
export async function reindexAtNoCost(store: string, dimensions: number): Promise<void> {
  const env = { openModel: async () => idleModel(dimensions) };
  await setWorkflow({ store, name: 'idle', models: { text: [{ model: 'idle' }] } }, env);
  const { exitCode, totals } = await reindex({ store }, env);
  if (exitCode !== 0 || totals.ok !== totals.listed) throw new Error(JSON.stringify(totals));
}

const idleModel = (dimensions: number): Embedder => ({
  info: {
    model: 'idle',
    engine: 'onnx',
    modality: 'text',
    dimensions,
    normalised: true,
    dtype: 'fp32',
    fingerprint: 'idle',
    space: 'idle',
  },
  device: { asked: ['cpu'], tried: [], got: 'cpu', sessions: 1, threads: 1, deviceBatch: 128 },
  async embed(items) {
    return items.map((_, i) => {
      const vector = new Float32Array(dimensions);
      vector[i % dimensions] = 1;
      return vector;
    });
  },
  async close() {},
});

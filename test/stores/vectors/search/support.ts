import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentKey } from '../../../../src/model/content-key.ts';
import type { Input } from '../../../../src/model/input.ts';
import type { Kind } from '../../../../src/model/kind.ts';
import type { VectorRow } from '../../../../src/model/vector-index.ts';
import type { Generation, IndexedModel } from '../../../../src/model/workflow.ts';
import { connectTables } from '../../../../src/stores/local/lance.ts';
import { makeVectors } from '../../../../src/stores/local/vectors/tables.ts';
import { encodeVectors } from '../../../../src/stores/local/vectors/vector-rows.ts';

export const model = (kind: Kind, fields: Partial<IndexedModel> = {}): IndexedModel => ({
  kind,
  node: { name: 'default', model: 'default' },
  fingerprint: `${kind}0123456789ab`,
  space: 'space',
  dimensions: 4,
  normalised: true,
  dtype: 'fp32',
  ...fields,
});

/** Makes a generation of these models the one that searches use. */
export async function serve(
  store: string,
  models: readonly IndexedModel[],
  fields: Partial<Generation> = {},
): Promise<Generation> {
  const generation: Generation = {
    id: 'generation',
    workflow: 'general',
    regions: false,
    models: [...models],
    createdAt: new Date(0).toISOString(),
    ...fields,
  };
  const state = {
    schema: 1,
    type: 'index',
    workflows: [],
    base: generation,
    serving: generation,
    previous: [],
  };
  await mkdir(join(store, 'index', 'db'), { recursive: true });
  await writeFile(join(store, 'index', 'state.json'), JSON.stringify(state));
  return generation;
}

/** A row of an input as it is now, unless said otherwise. */
export const rowOf = (
  input: Pick<Input, 'id' | 'kind' | 'sha256' | 'annotations'>,
  vector: readonly number[] | Float32Array,
  { regions = false, ...fields }: Partial<VectorRow> & { regions?: boolean } = {},
): VectorRow => ({
  inputId: input.id,
  content: contentKey(input, regions),
  part: 'whole',
  vector: Float32Array.from(vector),
  ...fields,
});

/** Writes rows of a model, in as many commits as there are lists. */
export async function writeVectors(
  store: string,
  of: IndexedModel,
  ...commits: (readonly VectorRow[])[]
): Promise<void> {
  const connection = await connectTables(join(store, 'index', 'db'));
  const table = await makeVectors(connection, of);
  for (const rows of commits) {
    await table.add(encodeVectors(rows, of.dimensions, { runId: 'run-1', now: 0 }));
  }
  table.close();
  connection.close();
}

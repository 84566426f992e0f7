import { join } from 'node:path';
import { readIndexState } from '../../src/stores/index.ts';
import { connectTables } from '../../src/stores/local/lance.ts';
import { findVectors } from '../../src/stores/local/vectors/tables.ts';

export interface StoredVector {
  fingerprint: string;
  inputId: string;
  content: string;
  part: string;
  timeMs: number | null;
  annotationId: string | null;
  vector: number[];
}

/** Every row of the base generation's tables, stale ones too. */
export async function vectorsIn(store: string): Promise<StoredVector[]> {
  const { base } = await readIndexState(store);
  const connection = await connectTables(join(store, 'index', 'db'));
  const found: StoredVector[] = [];
  try {
    for (const fingerprint of new Set(base.models.map((model) => model.fingerprint))) {
      const table = await findVectors(connection, fingerprint);
      for (const row of (await table?.query().toArray()) ?? []) {
        const { inputId, content, part, timeMs, annotationId, vector } = row as StoredVector;
        found.push({ fingerprint, inputId, content, part, timeMs, annotationId, vector: [...vector] });
      }
      table?.close();
    }
  } finally {
    connection.close();
  }
  return found;
}

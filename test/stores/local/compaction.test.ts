import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isFragmented, readFragmentation } from '../../../src/stores/local/compaction.ts';
import { InputTable } from '../../../src/stores/local/input-table.ts';
import { connectTables } from '../../../src/stores/local/lance.ts';
import { encodeRows, type InputRow } from '../../../src/stores/local/rows.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, ingest } from './support.ts';

const rowOf = (n: number): InputRow => ({
  id: `id-${String(n).padStart(5, '0')}`,
  kind: 'text',
  uri: `u${n}`,
  sha256: String(n),
  bytes: 1,
  fingerprint: undefined,
  media: { format: 'text' },
  text: Buffer.from('x'),
  concepts: [],
  metadata: {},
  geo: undefined,
  datasets: ['default'],
  split: undefined,
  source: undefined,
  runId: 'run-1',
  runCode: 'INPUT_SUCCESS',
  createdAt: 0,
  updatedAt: 0,
  annotations: '[]',
});

async function emptyStore(): Promise<{ store: string; inputs: InputTable }> {
  const store = await tempFolder();
  await ingest(store, []);
  const connection = await connectTables(join(store, 'db'));
  onTestFinished(() => connection.close());
  const table = await connection.openTable('inputs');
  const inputs = await InputTable.open(table, store, join(store, 'db', 'inputs.lance'), testContext());
  return { store, inputs };
}

describe('compaction', () => {
  test('after 1 000 small commits leaves one fragment, no old files, and the same inputs', async () => {
    const { store, inputs } = await emptyStore();
    for (let n = 0; n < 1000; n++) await inputs.table.add(encodeRows([rowOf(n)]).table);
    expect((await readFragmentation(inputs.table)).fragments).toBe(1000);
    const before = await allInputs(store);
    expect(before.map(({ id }) => id)).toEqual(Array.from({ length: 1000 }, (_, n) => rowOf(n).id));
    await inputs.compact(0);
    expect((await readFragmentation(inputs.table)).fragments).toBe(1);
    expect(await allInputs(store)).toEqual(before);
    // The first pass keeps the version that it began on, the second lets go of it.
    await inputs.compact(0);
    expect(await readdir(join(store, 'db', 'inputs.lance', 'data'))).toHaveLength(1);
    expect(await allInputs(store)).toEqual(before);
  });

  test('keeps the fragments of a run of small commits bounded', async () => {
    const { store, inputs } = await emptyStore();
    let compactions = 0;
    let most = 0;
    for (let n = 0; n < 200; n++) {
      await inputs.append(encodeRows([rowOf(n)]));
      most = Math.max(most, (await readFragmentation(inputs.table)).fragments);
      if (await inputs.compactIfFragmented()) compactions++;
    }
    expect(compactions).toBeGreaterThan(1);
    expect(most).toBeLessThan(70);
    expect(await allInputs(store)).toHaveLength(200);
  });

  test('is not due for a table of full commits, and is for one of small ones', () => {
    expect(isFragmented({ fragments: 122, rows: 1_000_000, bytes: 60_000_000 })).toBe(false);
    expect(isFragmented({ fragments: 70, rows: 70, bytes: 10_000 })).toBe(true);
    // Texts of 60 kB fill a commit with a few hundred rows.
    expect(isFragmented({ fragments: 400, rows: 100_000, bytes: 6_000_000_000 })).toBe(false);
  });
});

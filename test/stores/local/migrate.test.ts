import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkStore, collectGarbage, openPlan, openReader } from '../../../src/stores/index.ts';
import { connectTables } from '../../../src/stores/local/lance.ts';
import { encodeRows, type InputRow, inputSchema } from '../../../src/stores/local/rows.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import {
  allInputs,
  box,
  codes,
  collect,
  imageItem,
  ingest,
  textItem,
  withAnnotations,
  writerOptions,
} from './support.ts';

const ctx = testContext();
const COLUMNS_OF_SCHEMA_1 = [
  ...['id', 'kind', 'uri', 'sha256', 'bytes', 'fingerprint', 'media', 'text', 'concepts', 'metadata'],
  ...['latitude', 'longitude', 'datasets', 'split', 'source', 'runId', 'runCode', 'createdAt', 'updatedAt'],
];
const items = () => [
  imageItem('image', 'image bytes'),
  textItem('large', 'x'.repeat(64_001)),
  textItem('note', 'grüße'),
];

/** The items as schema 1 had them. */
async function storeOfSchema1(): Promise<string> {
  const store = await tempFolder();
  await ingest(store, [items()]);
  const connection = await connectTables(join(store, 'db'));
  const rows = items().map(({ item, kind, sha256, bytes, media }): InputRow => {
    const text = item.id === 'note' ? Buffer.from('grüße') : undefined;
    const none = { fingerprint: undefined, geo: undefined, split: undefined, source: undefined };
    const run = { runId: 'run-1', runCode: 'INPUT_SUCCESS', createdAt: 1, updatedAt: 1 } as const;
    const labels = { concepts: [], metadata: {}, datasets: ['default'], annotations: '[]' };
    return { id: item.id, kind, uri: item.uri, sha256, bytes, media, text, ...none, ...labels, ...run };
  });
  const schema = inputSchema.select(COLUMNS_OF_SCHEMA_1);
  const table = await connection.createEmptyTable('inputs', schema, { mode: 'overwrite' });
  await table.add(encodeRows(rows).table.select(COLUMNS_OF_SCHEMA_1));
  table.close();
  connection.close();
  await writeFile(join(store, 'sluice-store.json'), '{"schema":1,"type":"store","created":"then"}\n');
  return store;
}

const markerOf = async (store: string) =>
  JSON.parse(await readFile(join(store, 'sluice-store.json'), 'utf8')) as object;

describe('a store of schema 1', () => {
  test('is read as it is, its inputs without annotations', async () => {
    const store = await storeOfSchema1();
    expect(await allInputs(store)).toMatchObject([
      { id: 'image', annotations: [] },
      { id: 'large', annotations: [] },
      { id: 'note', text: 'grüße', annotations: [] },
    ]);
    const reader = await openReader(store);
    expect(await reader.showDataset('default')).toMatchObject({ inputs: 3, annotations: { total: 0 } });
    expect(await reader.listConcepts()).toEqual([]);
    reader.close();
    const findings = await collect(checkStore(store, { deep: true }, ctx));
    expect(findings.filter(({ finding }) => finding !== 'RUN_MISSING')).toEqual([]);
    expect(await collectGarbage(store, { graceMs: -60_000 }, ctx)).toMatchObject({ blobs: 0 });
    const plan = await openPlan(store, { ...writerOptions(), spoolDir: await tempFolder() });
    const brought = withAnnotations(imageItem('image', 'image bytes'), box('x'));
    expect(codes(await plan.write([brought, textItem('note', 'grüße')]))).toEqual([
      'INPUT_UPDATED',
      'INPUT_UNCHANGED',
    ]);
    await plan.close();
    expect(await markerOf(store)).toEqual({ schema: 1, type: 'store', created: 'then' });
  });

  test('becomes one of schema 2 when it is written to, and loses nothing', async () => {
    const store = await storeOfSchema1();
    const before = await allInputs(store);
    await ingest(store, []);
    expect(await markerOf(store)).toEqual({ schema: 3, type: 'store', created: 'then' });
    expect(await allInputs(store)).toEqual(before);
    const [image, large, note] = items();
    const relabelled = [large!, { ...note!, payload: { unchanged: true } as const }].map((item) => ({
      ...item,
      item: { ...item.item, split: 'val' },
    }));
    const batch = [withAnnotations(image!, box('x')), ...relabelled, imageItem('new', 'new')];
    expect(codes(await ingest(store, [batch], { runId: 'run-2' }))).toEqual([
      'INPUT_UPDATED',
      'INPUT_UPDATED',
      'INPUT_UPDATED',
      'INPUT_SUCCESS',
    ]);
    expect(await allInputs(store)).toMatchObject([
      { id: 'image', annotations: [box('x')] },
      { id: 'large', split: 'val' },
      { id: 'new', annotations: [] },
      { id: 'note', split: 'val', text: 'grüße' },
    ]);
  });

  test('that a kill left between its marker and its table is finished by the next writer', async () => {
    const store = await storeOfSchema1();
    await writeFile(join(store, 'sluice-store.json'), '{"schema":2,"type":"store"}');
    expect(await allInputs(store)).toHaveLength(3);
    await ingest(store, [[withAnnotations(imageItem('image', 'image bytes'), box('x'))]]);
    expect(await allInputs(store)).toMatchObject([
      { annotations: [box('x')] },
      { id: 'large' },
      { text: 'grüße' },
    ]);
  });
});

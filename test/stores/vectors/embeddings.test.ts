import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentKey } from '../../../src/model/content-key.ts';
import type { Input } from '../../../src/model/input.ts';
import { inputLine } from '../../../src/pipeline/shapes.ts';
import { changeIndexState, createVersion, deleteInputs, openReader } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { allInputs, box, collect, imageItem, ingest, textItem, withAnnotations } from '../local/support.ts';
import { appendNow, frame, generation, model, opened, vectorOf, whole } from './support.ts';

const ctx = testContext();
const TEXT = model('aaaa');
const TEXT_2 = model('bbbb', { node: { name: 'second', model: 'models/second' } });
const IMAGE = model('cccc', { kind: 'image' });

const contentOf = (inputs: Input[], id: string) => contentKey(inputs.find((input) => input.id === id)!, true);

async function indexedStore(): Promise<string> {
  const store = await tempFolder();
  const image = withAnnotations(imageItem('i1', 'image 1'), box('b2'), box('b1', 'dog', 0.5));
  await ingest(store, [[textItem('t1', 'one'), textItem('t2', 'two'), image]]);
  const serving = generation('g', [TEXT_2, TEXT, IMAGE], { regions: true });
  await changeIndexState(store, (state) => ({ ...state, serving }), ctx);
  const inputs = await allInputs(store);
  const writer = await opened(store, serving.models);
  const [t1, i1] = [contentOf(inputs, 't1'), contentOf(inputs, 'i1')];
  await appendNow(writer, 'aaaa', [frame('t1', t1, 9000), frame('t1', t1, 1000), whole('t1', t1, 0.3)]);
  await appendNow(writer, 'aaaa', [whole('t2', 'of what it was')]);
  await appendNow(writer, 'bbbb', [whole('t1', t1, 7)]);
  const region = (annotationId: string) => ({ ...whole('i1', i1), part: 'region' as const, annotationId });
  await appendNow(writer, 'cccc', [region('b1'), region('b2'), whole('i1', i1)]);
  await writer.close();
  return store;
}

test('inputs are listed with the vectors that searches use, in their order, and none that is stale', async () => {
  const store = await indexedStore();
  const reader = await openReader(store);
  const listed = await collect(reader.withEmbeddings(reader.listInputs()));
  const told = listed.map(({ id, embeddings }) => [
    id,
    ...embeddings.map(({ model: name, part }) => `${name} ${part}`),
  ]);
  expect(told).toEqual([
    ['i1', 'models/cccc whole', 'models/cccc region:b2', 'models/cccc region:b1'],
    ['t1', 'models/second whole', 'models/aaaa whole', 'models/aaaa frame:1000', 'models/aaaa frame:9000'],
    ['t2'],
  ]);
  const t1 = listed.find(({ id }) => id === 't1')!;
  expect(Float32Array.from(t1.embeddings[1]!.vector)).toEqual(vectorOf(0.3));
  expect(inputLine.parse(JSON.parse(JSON.stringify(t1)))).toMatchObject({ id: 't1' });
  reader.close();
});

test('more inputs than are read at once, of all kinds, keep their order', async () => {
  const store = await tempFolder();
  const items = Array.from({ length: 600 }, (_, n) =>
    textItem(`t${String(n).padStart(4, '0')}`, `text ${n}`),
  );
  await ingest(store, [items]);
  const serving = generation('g', [TEXT]);
  await changeIndexState(store, (state) => ({ ...state, serving }), ctx);
  const writer = await opened(store);
  const inputs = await allInputs(store);
  await appendNow(
    writer,
    'aaaa',
    inputs.map(({ id, sha256 }, n) => whole(id, sha256, n)),
  );
  await writer.close();
  const reader = await openReader(store);
  const listed = await collect(reader.withEmbeddings(reader.listInputs()));
  expect(listed.map(({ id }) => id)).toEqual(inputs.map(({ id }) => id));
  expect(listed.map(({ embeddings }) => embeddings[0]?.vector[0])).toEqual(inputs.map((_, n) => n));
  reader.close();
});

test('a version gives the vectors of inputs that are still its own, asked for in any order', async () => {
  const store = await indexedStore();
  await createVersion(store, { dataset: 'default', id: 'v1', wait: false }, ctx);
  const reader = await openReader(store);
  const source = await reader.openVersion('default', 'v1');
  const inputs = await collect(source.inputs());
  const partsOf = async (input: Input) => (await source.embeddings!(input)).map(({ part }) => part);
  const asked = await Promise.all(inputs.toReversed().map(partsOf));
  expect(asked).toEqual([
    [],
    ['whole', 'whole', 'frame:1000', 'frame:9000'],
    ['whole', 'region:b2', 'region:b1'],
  ]);
  reader.close();

  await deleteInputs(store, ['t1'], {}, ctx);
  const later = await openReader(store);
  const again = await later.openVersion('default', 'v1');
  expect(await again.embeddings!(inputs.find(({ id }) => id === 't1')!)).toEqual([]);
  later.close();
});

test('the bytes of an input are told by their place: a text, a blob, or the file that is referred to', async () => {
  const store = await tempFolder();
  const referred = join(await tempFolder(), 'a.jpg');
  await writeFile(referred, 'stays');
  const long = 'long '.repeat(20_000);
  await ingest(store, [[textItem('short', 'short'), textItem('long', long), imageItem('i', 'image bytes')]]);
  await ingest(store, [[imageItem('r', 'stays', { file: Buffer.from(referred) })]], { media: 'reference' });
  const reader = await openReader(store);
  const place = async (id: string) => reader.locate((await reader.getInput(id))!);
  expect(await place('short')).toEqual({ text: 'short' });
  for (const [id, bytes] of [
    ['long', long],
    ['i', 'image bytes'],
  ] as const) {
    const located = await place(id);
    expect(await readFile((located as { path: string }).path, 'utf8')).toBe(bytes);
  }
  expect(await place('r')).toEqual({ path: referred });
  const gone = { ...(await reader.getInput('i'))!, id: 'gone', sha256: '0'.repeat(64) };
  await expect(reader.locate(gone)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
  reader.close();
});

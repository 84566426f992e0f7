import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RejectedItemError } from '../../../src/model/errors.ts';
import type { Input } from '../../../src/model/input.ts';
import type { SearchRequest } from '../../../src/pipeline/search/request.ts';
import { searchResult } from '../../../src/pipeline/search-shapes.ts';
import { allInputs, box, imageItem, ingest, textItem, withAnnotations } from '../../stores/local/support.ts';
import { rowOf, serve, writeVectors } from '../../stores/vectors/search/support.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { FakeModels } from './support.ts';

const EAST = [1, 0, 0, 0];
const NORTH_EAST = [0.6, 0.8, 0, 0];
const NORTH = [0, 1, 0, 0];
const WEST = [-1, 0, 0, 0];

const QUERIES: Record<string, number[]> = { east: EAST, north: NORTH, west: WEST };

/** Two texts by a model of texts; two images and a video by a model with a side for texts, too. */
async function media() {
  const folder = await tempFolder();
  const store = join(folder, 'store');
  await ingest(store, [
    [
      textItem('t1', 'A long way to the east', { concepts: [{ id: 'way', name: 'way', value: 1 }] }),
      textItem('t2', `north ${'and north '.repeat(40)}`),
      withAnnotations(imageItem('i1', 'i1'), box('cat-1')),
      imageItem('i2', 'i2'),
      { ...imageItem('v1', 'v1'), kind: 'video' },
    ],
  ]);
  const inputs = new Map((await allInputs(store)).map((input) => [input.id, input]));
  const of = (id: string): Input => inputs.get(id)!;
  const models = new FakeModels(folder);
  const textSide = (item: object, role: string) => {
    expect(role).toBe('query');
    return 'text' in item ? QUERIES[item.text as string]! : WEST;
  };
  await models.add('words', { modality: 'text', file: 'words.onnx', vectorOf: textSide });
  const spaceFiles = ['vision.onnx', 'texts.onnx'];
  await models.add(
    'clip',
    { modality: 'image', file: 'vision.onnx', spaceFiles, vectorOf: () => NORTH },
    { modality: 'text', file: 'texts.onnx', spaceFiles, vectorOf: textSide },
  );
  const regions = true;
  const texts = await models.indexed('text', 'words', { regions });
  const images = await models.indexed('image', 'clip', { regions });
  const videos = await models.indexed('video', 'clip', { regions, sampleMs: 1000 });
  await serve(store, [images, videos, texts], { regions });
  await writeVectors(store, texts, [rowOf(of('t1'), EAST), rowOf(of('t2'), NORTH)]);
  await writeVectors(store, images, [
    rowOf(of('i1'), EAST, { regions }),
    rowOf(of('i1'), NORTH_EAST, { regions, part: 'region', annotationId: 'cat-1' }),
    rowOf(of('i2'), WEST),
  ]);
  await writeVectors(store, videos, [
    rowOf(of('v1'), EAST),
    rowOf(of('v1'), NORTH, { part: 'frame', timeMs: 0 }),
    rowOf(of('v1'), NORTH_EAST, { part: 'frame', timeMs: 1000 }),
  ]);
  const search = (request: Omit<SearchRequest, 'store'>) => models.search({ ...request, store });
  return { folder, store, models, search, images, texts, videos };
}

const idsOf = ({ hits }: { hits: { id: string }[] }): string[] => hits.map(({ id }) => id);

describe('a search', () => {
  test('by text finds texts, and says all of it in the published shape', async () => {
    const { search } = await media();
    const result = await search({ query: { text: 'east' } });
    searchResult.parse(JSON.parse(JSON.stringify(result)));
    expect(result.query).toMatchObject({ by: 'text', text: 'east', top: 10, metric: 'cosine' });
    expect(result.models.map(({ kind, name }) => [kind, name])).toEqual([['text', 'words']]);
    expect(result.indexed).toEqual({ n: 2, of: 2 });
    expect(result.hits[0]).toMatchObject({
      rank: 1,
      id: 't1',
      kind: 'text',
      part: 'whole',
      text: 'A long way to the east',
      concepts: [{ id: 'way' }],
    });
    expect(result.hits[0]!.score).toBeCloseTo(1, 6);
    expect(result.hits[1]!.text).toHaveLength(201);
  });

  test('by text finds images and frames where one model embeds both', async () => {
    const { search } = await media();
    const result = await search({ query: { text: 'east' }, model: 'clip' });
    searchResult.parse(JSON.parse(JSON.stringify(result)));
    expect(result.hits.map(({ id, part, timeMs }) => [id, part, timeMs])).toEqual([
      ['i1', 'whole', undefined],
      ['v1', 'frame', 1000],
      ['i2', 'whole', undefined],
    ]);
    expect(result.indexed).toEqual({ n: 3, of: 3 });
  });

  test('looks at inputs of some kinds only, and then takes a model of theirs', async () => {
    const { search } = await media();
    expect(idsOf(await search({ query: { text: 'east' }, kinds: ['image'] }))).toEqual(['i1', 'i2']);
    expect(idsOf(await search({ query: { text: 'east' }, kinds: ['video'] }))).toEqual(['v1']);
  });

  test('by a file of an image finds what is like it', async () => {
    const { search, folder } = await media();
    const file = join(folder, 'query.jpg');
    await writeFile(file, 'bytes');
    const result = await search({ query: { image: file }, top: 1 });
    expect(result.query).toMatchObject({ by: 'image', file });
    expect(idsOf(result)).toEqual(['v1']);
  });

  test('by an input takes the mean of its vectors, and is no hit itself', async () => {
    const { search } = await media();
    // The mean of its frames points between north and north-east.
    const result = await search({ query: { id: 'v1' } });
    expect(idsOf(result)).toEqual(['i1', 'i2']);
    expect(result.hits[0]!.score).toBeCloseTo(0.6 / Math.hypot(0.6, 1.8), 5);
    expect(idsOf(await search({ query: { id: 'i1' }, kinds: ['video'] }))).toEqual(['v1']);
  });

  test('by an input takes the model that can be compared with the kinds that are wanted', async () => {
    const { search, store, models, images, texts } = await media();
    const both = await models.indexed('text', 'words', { name: 'clip', regions: true });
    const clip = { ...both, fingerprint: 'clip', space: images.space };
    await serve(store, [images, texts, clip], { regions: true });
    const t1 = (await allInputs(store)).find(({ id }) => id === 't1')!;
    await writeVectors(store, clip, [rowOf(t1, EAST)]);
    expect(idsOf(await search({ query: { id: 't1' }, kinds: ['image'] }))).toEqual(['i1', 'i2']);
  });

  test('for objects gives regions with their boxes', async () => {
    const { search } = await media();
    const result = await search({ query: { text: 'north' }, objects: true });
    searchResult.parse(JSON.parse(JSON.stringify(result)));
    expect(result.hits).toHaveLength(1);
    expect(result.hits[0]).toMatchObject({
      id: 'i1',
      part: 'region',
      annotation: { id: 'cat-1', box: { left: 0.25 }, concepts: [{ id: 'cat' }] },
    });
  });

  test('by the euclidean distance scores equal vectors 1, and less the farther they are', async () => {
    const { search } = await media();
    const { hits } = await search({ query: { text: 'east' }, metric: 'euclidean' });
    expect(hits.map(({ distance, score }) => [distance!.toFixed(3), score.toFixed(3)])).toEqual([
      ['0.000', '1.000'],
      ['1.414', '0.414'],
    ]);
  });

  test.each([
    ['cosine', 1, ['t1']],
    ['cosine', 0, ['t1', 't2']],
    ['euclidean', 1, ['t1']],
    ['euclidean', 0.41, ['t1', 't2']],
  ] as const)('by %s leaves out what scores less than %d', async (metric, minScore, ids) => {
    const { search } = await media();
    expect(idsOf(await search({ query: { text: 'east' }, metric, minScore }))).toEqual(ids);
  });

  test('takes a filter', async () => {
    const { search } = await media();
    expect(idsOf(await search({ query: { text: 'east' }, filter: { not: { concept: 'way' } } }))).toEqual([
      't2',
    ]);
  });

  test('says how many inputs are indexed when not all are', async () => {
    const { search, store } = await media();
    await ingest(store, [[textItem('t3', 'new')]]);
    expect((await search({ query: { text: 'east' } })).indexed).toEqual({ n: 2, of: 3 });
  });
});

describe('a search is refused', () => {
  const refused = async (
    change: (m: Awaited<ReturnType<typeof media>>) => Promise<unknown>,
    request: Omit<SearchRequest, 'store'>,
  ) => {
    const all = await media();
    await change(all);
    return expect(all.search(request)).rejects;
  };
  const text = { query: { text: 'east' } };

  test('when a model is not what the index was made with, naming both fingerprints', async () => {
    const changed = await refused(({ models }) => models.write('words.onnx', 'others'), text);
    await changed.toMatchObject({
      code: 'MODEL_CHANGED',
      message: expect.stringMatching(/fingerprint [0-9a-f]{16} .*now give [0-9a-f]{16}/),
    });
  });

  test('when the side for the query changed, also where the other one did not', async () => {
    const changed = await refused(({ models }) => models.write('texts.onnx', 'others'), {
      ...text,
      model: 'clip',
    });
    await changed.toMatchObject({ code: 'SPACE_MISMATCH', message: expect.stringContaining('clip') });
  });

  test('when the vectors of a space are not of one length', async () => {
    const other = await refused(({ store, texts }) => serve(store, [{ ...texts, dimensions: 8 }]), text);
    await other.toMatchObject({ code: 'SPACE_MISMATCH', message: expect.stringContaining('4 numbers') });
  });

  test('when no model takes such a query', async () => {
    const none = await refused(async () => {}, { query: { audio: Buffer.from('x') } });
    await none.toMatchObject({ code: 'SPACE_MISMATCH', message: expect.stringContaining('takes no audio') });
  });

  test('when the input has no vector among those of the kinds that are wanted', async () => {
    for (const wanted of [{ kinds: ['image' as const] }, { objects: true }]) {
      const none = await refused(async () => {}, { query: { id: 't1' }, ...wanted });
      await none.toMatchObject({
        code: 'SPACE_MISMATCH',
        message: expect.stringContaining('the input t1 (text) with'),
      });
    }
  });

  test('when nothing is indexed, with what to run', async () => {
    const folder = await tempFolder();
    const store = join(folder, 'store');
    await ingest(store, [[textItem('t', 't')]]);
    await expect(new FakeModels(folder).search({ ...text, store })).rejects.toMatchObject({
      code: 'INDEX_EMPTY',
      message: expect.stringContaining('sluice workflow set general --text default'),
    });
    const empty = await refused(
      ({ store: path, texts }) => serve(path, [{ ...texts, fingerprint: 'none' }]),
      {
        query: { id: 't1' },
      },
    );
    await empty.toMatchObject({ code: 'INPUT_NOT_INDEXED' });
  });

  test('when the input has no vector', async () => {
    const none = await refused(({ store }) => ingest(store, [[textItem('t3', 'new')]]), {
      query: { id: 't3' },
    });
    await none.toMatchObject({
      code: 'INPUT_NOT_INDEXED',
      message: expect.stringContaining('sluice reindex'),
    });
  });

  test('when the model cannot embed the query', async () => {
    const unreadable = await refused(
      ({ models }) =>
        models.add('words', {
          modality: 'text',
          file: 'words.onnx',
          vectorOf: () => new RejectedItemError('EMBED_UNREADABLE', 'the text is empty'),
        }),
      text,
    );
    await unreadable.toMatchObject({ code: 'QUERY_UNREADABLE', message: 'the text is empty' });
  });

  test.each<[what: string, request: object, said: string]>([
    ['an unknown input', { query: { id: 'nothing' } }, 'there is no input nothing'],
    ['an unknown model', { ...text, model: 'other' }, 'has no model other'],
    ['no query', { query: {} }, 'exactly one of'],
    ['two queries', { query: { text: 'a', id: 'b' } }, 'exactly one of'],
    ['an empty text', { query: { text: '' } }, 'is empty'],
    ['no hits', { ...text, top: 0 }, 'top'],
    ['a filter that is none', { ...text, filter: { concepts: ['cat'] } }, 'expected one of all, any'],
    [
      'a box upside down',
      { ...text, filter: { geoBox: { south: 2, west: 0, north: 1, east: 1 } } },
      'south is greater than north',
    ],
    [
      'a place that is none',
      { ...text, filter: { geo: { latitude: 91, longitude: 0, radiusKm: 1 } } },
      'geo: latitude: Too big: expected number to be <=90',
    ],
    ['a bad part of a filter', { ...text, filter: { all: [{ not: { kind: 'film' } }] } }, '.all[0].not'],
  ])('for %s', async (_, request, said) => {
    const wrong = await refused(async () => {}, request as Omit<SearchRequest, 'store'>);
    await wrong.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(said) });
  });

  test('for an unknown data set or a file that is not there', async () => {
    const { search } = await media();
    await expect(search({ ...text, filter: { dataset: 'nope' } })).rejects.toMatchObject({
      code: 'DATASET_NOT_FOUND',
    });
    await expect(search({ query: { image: '/nowhere/a.jpg' } })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  });

  test('for objects where the workflow has no regions', async () => {
    const none = await refused(({ store, images }) => serve(store, [images]), { ...text, objects: true });
    await none.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('--regions') });
  });
});

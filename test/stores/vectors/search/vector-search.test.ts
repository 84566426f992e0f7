import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Input } from '../../../../src/model/input.ts';
import type { SearchFilter } from '../../../../src/model/search.ts';
import { deleteInputs, type NearestRequest, openVectorSearch } from '../../../../src/stores/index.ts';
import { testContext } from '../../../support/context.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { allInputs, box, imageItem, ingest, textItem, withAnnotations } from '../../local/support.ts';
import { model, rowOf, serve, writeVectors } from './support.ts';

const EAST = [1, 0, 0, 0];
const NORTH_EAST = [Math.SQRT1_2, Math.SQRT1_2, 0, 0];
const NORTH = [0, 1, 0, 0];
const WEST = [-1, 0, 0, 0];

const { signal } = new AbortController();

async function nearest(store: string, request: Partial<NearestRequest> & Pick<NearestRequest, 'models'>) {
  const search = await openVectorSearch(store);
  try {
    const whole: NearestRequest = {
      vector: Float32Array.from(EAST),
      metric: 'cosine',
      hits: 'inputs',
      top: 10,
      maxDistance: Number.POSITIVE_INFINITY,
      ...request,
    };
    return (await search.nearest(whole, signal)).found;
  } finally {
    search.close();
  }
}

const idsOf = (found: { inputId: string }[]): string[] => found.map(({ inputId }) => inputId);

/** Four texts, each with a vector: a, b, c and d from near to far. */
async function fourTexts(items: Parameters<typeof textItem>[2][] = []) {
  const store = join(await tempFolder(), 'store');
  const names = ['a', 'b', 'c', 'd'];
  await ingest(store, [names.map((id, i) => textItem(id, `text ${id}`, items[i]))]);
  const inputs = await allInputs(store);
  const texts = model('text');
  await serve(store, [texts]);
  const vectors = [EAST, NORTH_EAST, NORTH, WEST];
  await writeVectors(
    store,
    texts,
    inputs.map((input, i) => rowOf(input, vectors[i]!)),
  );
  return { store, texts, inputs, models: [texts] };
}

describe('the nearest', () => {
  test('come first, with their distance, and what is known of the input', async () => {
    const { store, models } = await fourTexts();
    const found = await nearest(store, { models });
    expect(idsOf(found)).toEqual(['a', 'b', 'c', 'd']);
    expect(found.map(({ distance }) => Math.round(distance * 1000) / 1000)).toEqual([0, 0.293, 1, 2]);
    expect(found[0]).toMatchObject({
      kind: 'text',
      uri: 'a.src',
      part: 'whole',
      datasets: ['default'],
      concepts: [],
    });
  });

  test('are measured by the euclidean distance where that is asked for', async () => {
    const { store, models } = await fourTexts();
    const found = await nearest(store, { models, metric: 'euclidean' });
    const distances = found.map(({ distance }) => distance);
    expect(idsOf(found)).toEqual(['a', 'b', 'c', 'd']);
    [0, Math.sqrt(2 - Math.SQRT2), Math.SQRT2, 2].forEach((distance, i) => {
      expect(distances[i]).toBeCloseTo(distance, 5);
    });
  });

  test('are not more than asked for, and not farther', async () => {
    const { store, models } = await fourTexts();
    expect(idsOf(await nearest(store, { models, top: 2 }))).toEqual(['a', 'b']);
    expect(idsOf(await nearest(store, { models, maxDistance: 0.5 }))).toEqual(['a', 'b']);
    expect(await nearest(store, { models, maxDistance: -1 })).toEqual([]);
  });

  test('leave out the input that is searched by', async () => {
    const { store, models } = await fourTexts();
    expect(idsOf(await nearest(store, { models, except: 'a', top: 2 }))).toEqual(['b', 'c']);
  });

  test('come in the order of their ids where they are equally near, however they were written', async () => {
    const store = join(await tempFolder(), 'store');
    const ids = Array.from({ length: 200 }, (_, i) => `id-${String((i * 71) % 200).padStart(3, '0')}`);
    await ingest(store, [ids.map((id) => textItem(id, id))]);
    const inputs = new Map((await allInputs(store)).map((input) => [input.id, input]));
    const texts = model('text');
    await serve(store, [texts]);
    const commits = [ids.slice(0, 90), ids.slice(90)];
    await writeVectors(store, texts, ...commits.map((of) => of.map((id) => rowOf(inputs.get(id)!, EAST))));
    const found = await nearest(store, { models: [texts], top: 5 });
    expect(idsOf(found)).toEqual(['id-000', 'id-001', 'id-002', 'id-003', 'id-004']);
  });

  test('of several models of a space are ranked together, each input once', async () => {
    const { store, texts, inputs } = await fourTexts();
    const other = model('text', { fingerprint: 'other' });
    await writeVectors(store, other, [rowOf(inputs[3]!, EAST), rowOf(inputs[0]!, NORTH)]);
    const found = await nearest(store, { models: [texts, other] });
    expect(idsOf(found)).toEqual(['a', 'd', 'b', 'c']);
  });
});

describe('a row whose input is not as it was', () => {
  test('is no hit when the input was deleted', async () => {
    const { store, models } = await fourTexts();
    await deleteInputs(store, ['a', 'c'], { wait: false }, testContext());
    expect(idsOf(await nearest(store, { models, top: 2 }))).toEqual(['b', 'd']);
  });

  test('is no hit when its content was replaced, and the new one is', async () => {
    const { store, texts, models } = await fourTexts();
    await ingest(store, [[textItem('a', 'other words')]], { onDuplicate: 'replace' });
    expect(idsOf(await nearest(store, { models }))).toEqual(['b', 'c', 'd']);
    const [changed] = await allInputs(store);
    await writeVectors(store, texts, [rowOf(changed!, NORTH)]);
    expect(idsOf(await nearest(store, { models }))).toEqual(['b', 'a', 'c', 'd']);
  });

  test('does not hide hits behind thousands of such rows', async () => {
    const { store, texts, inputs, models } = await fourTexts();
    const stale = Array.from({ length: 3000 }, (_, i) => ({
      ...rowOf(inputs[i % 4]!, EAST),
      content: `old-${i}`,
    }));
    await writeVectors(store, texts, stale);
    expect(idsOf(await nearest(store, { models }))).toEqual(['a', 'b', 'c', 'd']);
  });
});

test('a video is found by its nearest frame, which is told by its time', async () => {
  const store = join(await tempFolder(), 'store');
  const video = (id: string) => ({ ...imageItem(id, id), kind: 'video' as const });
  await ingest(store, [[video('v'), video('w')]]);
  const [v, w] = await allInputs(store);
  const videos = model('video');
  await serve(store, [videos]);
  const frames = (input: Input, vectors: number[][]) => [
    rowOf(input, vectors[0]!),
    ...vectors.map((vector, i) => rowOf(input, vector, { part: 'frame', timeMs: i * 1000 })),
  ];
  const many = Array.from({ length: 300 }, () => NORTH_EAST);
  await writeVectors(store, videos, frames(v!, [WEST, ...many]), frames(w!, [WEST, NORTH]));
  const found = await nearest(store, { models: [videos], top: 2 });
  expect(found.map(({ inputId, part, timeMs }) => [inputId, part, timeMs])).toEqual([
    ['v', 'frame', 1000],
    ['w', 'frame', 1000],
  ]);
});

describe('regions', () => {
  async function twoImages() {
    const store = join(await tempFolder(), 'store');
    const cats = [{ id: 'animal', name: 'animal', value: 1 }];
    await ingest(store, [
      [
        withAnnotations(imageItem('i', 'i', { concepts: cats }), box('cat-1'), box('dog-1', 'dog', 0.5)),
        withAnnotations(imageItem('j', 'j'), box('cat-2')),
      ],
    ]);
    const [i, j] = await allInputs(store);
    const images = model('image');
    await serve(store, [images], { regions: true });
    const region = (input: Input, annotationId: string, vector: number[]) =>
      rowOf(input, vector, { regions: true, part: 'region', annotationId });
    await writeVectors(store, images, [
      rowOf(i!, EAST, { regions: true }),
      region(i!, 'cat-1', NORTH),
      region(i!, 'dog-1', NORTH_EAST),
      rowOf(j!, WEST, { regions: true }),
      region(j!, 'cat-2', EAST),
    ]);
    return { store, models: [images] };
  }
  const regionsOf = (found: { inputId: string; annotation?: { id: string } }[]) =>
    found.map(({ inputId, annotation }) => [inputId, annotation?.id]);

  test('are hits of their own when they are asked for, and never otherwise', async () => {
    const { store, models } = await twoImages();
    const found = await nearest(store, { models, hits: 'regions' });
    expect(regionsOf(found)).toEqual([
      ['j', 'cat-2'],
      ['i', 'dog-1'],
      ['i', 'cat-1'],
    ]);
    expect(found[0]!.annotation!.region!.box).toEqual({ top: 0.125, left: 0.25, bottom: 0.5, right: 0.75 });
    expect(idsOf(await nearest(store, { models }))).toEqual(['i', 'j']);
  });

  test('are filtered by the concepts of the region and of its image', async () => {
    const { store, models } = await twoImages();
    const through = async (filter: SearchFilter) =>
      regionsOf(await nearest(store, { models, hits: 'regions', filter }));
    expect(await through({ concept: 'cat' })).toEqual([
      ['j', 'cat-2'],
      ['i', 'cat-1'],
    ]);
    expect(await through({ all: [{ concept: 'animal' }, { not: { concept: 'cat' } }] })).toEqual([
      ['i', 'dog-1'],
    ]);
  });

  test('of an image whose boxes changed are stale', async () => {
    const { store, models } = await twoImages();
    await ingest(store, [[withAnnotations(imageItem('j', 'j'), box('cat-2', 'cat', 0.3))]], {
      onAnnotations: 'replace',
    });
    expect(regionsOf(await nearest(store, { models, hits: 'regions' })).map(([id]) => id)).toEqual([
      'i',
      'i',
    ]);
  });
});

describe('a filter', () => {
  const concept = (id: string, value = 1) => [{ id, name: id, value }];
  const store = async () =>
    fourTexts([
      {
        concepts: concept('cat'),
        metadata: { camera: { iso: 100, lenses: ['wide', 'tele'] } },
        geo: { latitude: 52.52, longitude: 13.405 },
      },
      { concepts: concept('cat', 0), metadata: { 'a.b': 1 }, geo: { latitude: 52.4, longitude: 13.06 } },
      {
        concepts: [...concept('dog'), ...concept('cat')],
        metadata: { camera: { iso: '100' } },
        geo: { latitude: 0, longitude: -179.9 },
      },
      { split: 'test', geo: { latitude: 0, longitude: 179.9 } },
    ]);

  test.each<[what: string, filter: SearchFilter, ids: string]>([
    ['takes inputs with a concept', { concept: 'cat' }, 'ac'],
    ['takes inputs with a negative concept', { concept: 'cat', value: 0 }, 'b'],
    ['takes inputs without', { not: { concept: 'cat' } }, 'bd'],
    ['takes either', { any: [{ concept: 'dog' }, { concept: 'cat', value: 0 }] }, 'bc'],
    ['takes both only', { all: [{ concept: 'dog' }, { concept: 'cat' }] }, 'c'],
    ['takes a nested value, by its type', { metadata: 'camera.iso', equals: 100 }, 'a'],
    ['takes a value of a list', { metadata: 'camera.lenses', equals: 'tele' }, 'a'],
    ['takes a key with a period', { metadata: ['a.b'], equals: 1 }, 'b'],
    ['takes no key of the prototype', { metadata: 'constructor.name', equals: 'Object' }, ''],
    ['takes a radius in kilometres', { geo: { latitude: 52.52, longitude: 13.405, radiusKm: 20 } }, 'a'],
    ['takes a larger one', { geo: { latitude: 52.52, longitude: 13.405, radiusKm: 30 } }, 'ab'],
    ['takes a radius over the 180th meridian', { geo: { latitude: 0, longitude: 180, radiusKm: 12 } }, 'cd'],
    ['takes a box', { geoBox: { south: 52, west: 13.2, north: 53, east: 14 } }, 'a'],
    ['takes a box over the 180th meridian', { geoBox: { south: -1, west: 179, north: 1, east: -179 } }, 'cd'],
    ['takes a split', { split: 'test' }, 'd'],
    ['takes a kind', { kind: 'image' }, ''],
    ['takes a dataset', { dataset: 'default' }, 'abcd'],
    ['takes a dataset within a branch', { any: [{ dataset: 'none' }, { split: 'test' }] }, 'd'],
  ])('%s', async (_, filter, ids) => {
    const { store: path, models } = await store();
    expect(idsOf(await nearest(path, { models, filter })).join('')).toBe(ids);
  });
});

test('the mean of an input has length 1, and is of its vectors as they are now', async () => {
  const { store, texts, inputs } = await fourTexts();
  await writeVectors(store, texts, [{ ...rowOf(inputs[0]!, WEST), content: 'old' }]);
  const search = await openVectorSearch(store);
  try {
    expect([...(await search.meanVector(inputs[0]!, texts))!]).toEqual(EAST);
    // Of a model whose vectors have lengths of their own, the mean has one, too: distances are between such vectors.
    await writeVectors(store, texts, [rowOf(inputs[0]!, [3, 0, 0, 0])]);
    expect([...(await search.meanVector(inputs[0]!, { ...texts, normalised: false }))!]).toEqual([
      2, 0, 0, 0,
    ]);
    expect([...(await search.meanVector(inputs[0]!, texts))!]).toEqual(EAST);
    expect(await search.meanVector({ ...inputs[0]!, id: 'unknown' }, texts)).toBeUndefined();
    expect(await search.meanVector(inputs[0]!, model('text', { fingerprint: 'none' }))).toBeUndefined();
  } finally {
    search.close();
  }
});

test('how much is indexed counts the inputs of the kinds that are searched', async () => {
  const { store, models } = await fourTexts();
  await ingest(store, [[textItem('e', 'e'), imageItem('i', 'i')]]);
  const search = await openVectorSearch(store);
  expect(await search.coverage(models)).toEqual({ n: 4, of: 5 });
  search.close();
});

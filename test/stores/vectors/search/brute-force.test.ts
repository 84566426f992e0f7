import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Input } from '../../../../src/model/input.ts';
import type { Metric, SearchFilter } from '../../../../src/model/search.ts';
import { type NearestRequest, openVectorSearch } from '../../../../src/stores/index.ts';
import { randomFrom } from '../../../support/random.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { allInputs, ingest, textItem } from '../../local/support.ts';
import { model, rowOf, serve, writeVectors } from './support.ts';

const DIMENSIONS = 6;
const INPUTS = 2400;
const SEARCHES = 120;
const COLOURS = ['red', 'green', 'blue'];

const distances: Record<Metric, (a: Float32Array, b: Float32Array) => number> = {
  cosine: (a, b) => 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
  euclidean: (a, b) => Math.hypot(...a.map((value, i) => value - b[i]!)),
};

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

test('a search finds what comparing every vector with the query finds', async () => {
  const random = randomFrom(6);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const randomVector = () => Float32Array.from({ length: DIMENSIONS }, () => random() * 2 - 1);

  const store = join(await tempFolder(), 'store');
  const items = Array.from({ length: INPUTS }, (_, i) =>
    textItem(`t${i}`, `text ${i}`, {
      concepts: [{ id: pick(COLOURS), name: 'c', value: random() < 0.7 ? 1 : 0 }],
      metadata: { size: Math.floor(random() * 4) },
      ...(random() < 0.5 ? {} : { geo: { latitude: random() * 180 - 90, longitude: random() * 360 - 180 } }),
    }),
  );
  await ingest(store, [items]);
  const inputs = await allInputs(store);
  const texts = model('text', { dimensions: DIMENSIONS, normalised: false });
  await serve(store, [texts]);
  const vectors = new Map(inputs.map(({ id }) => [id, randomVector()]));
  const rows = inputs.map((input) => rowOf(input, vectors.get(input.id)!));
  await writeVectors(store, texts, rows.slice(0, 700), rows.slice(700));

  /** A filter, and the same as a function that is written another way. */
  const randomFilter = (depth: number): [SearchFilter, (input: Input) => boolean] => {
    const kinds = depth === 0 ? 3 : 6;
    switch (Math.floor(random() * kinds)) {
      case 0: {
        const [id, value] = [pick(COLOURS), pick([0, 1] as const)];
        return [
          { concept: id, value },
          ({ concepts }) => concepts[0]!.id === id && concepts[0]!.value === value,
        ];
      }
      case 1: {
        const size = Math.floor(random() * 5);
        return [{ metadata: 'size', equals: size }, ({ metadata }) => metadata['size'] === size];
      }
      case 2: {
        const [south, west] = [random() * 120 - 90, random() * 360 - 180];
        const east = west + 100 > 180 ? west + 100 - 360 : west + 100;
        return [
          { geoBox: { south, west, north: south + 60, east } },
          ({ geo }) =>
            geo !== undefined &&
            geo.latitude >= south &&
            geo.latitude <= south + 60 &&
            (geo.longitude - west + 360) % 360 <= 100,
        ];
      }
      case 3: {
        const [filter, is] = randomFilter(depth - 1);
        return [{ not: filter }, (input) => !is(input)];
      }
      case 4: {
        const [[a, isA], [b, isB]] = [randomFilter(depth - 1), randomFilter(depth - 1)];
        return [{ all: [a, b] }, (input) => isA(input) && isB(input)];
      }
      default: {
        const [[a, isA], [b, isB]] = [randomFilter(depth - 1), randomFilter(depth - 1)];
        return [{ any: [a, b] }, (input) => isA(input) || isB(input)];
      }
    }
  };

  const search = await openVectorSearch(store);
  try {
    for (let i = 0; i < SEARCHES; i++) {
      const metric = pick(['cosine', 'euclidean'] as const);
      const [filter, is] = random() < 0.7 ? randomFilter(2) : [undefined, () => true];
      const request: NearestRequest = {
        vector: randomVector(),
        metric,
        hits: 'inputs',
        top: 1 + Math.floor(random() * 30),
        maxDistance: random() < 0.5 ? Number.POSITIVE_INFINITY : random() * 1.5,
        filter,
        models: [texts],
      };
      const expected = inputs
        .filter(is)
        .map(({ id }) => ({ id, distance: distances[metric](request.vector, vectors.get(id)!) }))
        .filter(({ distance }) => distance <= request.maxDistance)
        .sort((a, b) => a.distance - b.distance)
        .slice(0, request.top);
      const { found, approximate } = await search.nearest(request, new AbortController().signal);
      expect(approximate).toBe(false);
      expect(found.map(({ inputId }) => inputId)).toEqual(expected.map(({ id }) => id));
      expected.forEach(({ distance }, at) => {
        expect(found[at]!.distance).toBeCloseTo(distance, 5);
      });
    }
  } finally {
    search.close();
  }
});

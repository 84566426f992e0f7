import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnnotationTarget, checkAnnotations } from '../../src/annotations/check.ts';
import { encodeMask } from '../../src/annotations/mask.ts';
import { polygonRuns } from '../../src/annotations/polygon-runs.ts';
import { decodeColumns } from '../../src/annotations/runs.ts';
import type { AnnotationDraft, AnnotationEntry, Polygon, Region } from '../../src/model/annotation.ts';
import { CODES } from '../../src/model/codes.ts';
import { KINDS } from '../../src/model/kind.ts';
import type { Concept } from '../../src/model/labels.ts';

const [WIDTH, HEIGHT] = [60, 40];

/** Mostly inside, often on the edge or outside, now and then no coordinate at all. */
const coordinate = fc.oneof(
  { weight: 40, arbitrary: fc.double({ min: -40, max: 100, noNaN: true }) },
  { weight: 40, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 12, arbitrary: fc.constantFrom(0, -0, WIDTH, HEIGHT, 1e-12, -1e-12, 1e300) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY, '3' as unknown as number) },
);
const point = fc.record(
  {
    x: coordinate,
    y: coordinate,
    visibility: fc.constantFrom('visible' as const, 'not_present' as const),
  },
  { requiredKeys: ['x', 'y'] },
);
const ring = fc.array(fc.tuple(coordinate, coordinate), { minLength: 2, maxLength: 7 });
const mask = fc
  .tuple(fc.constantFrom(WIDTH, WIDTH, HEIGHT), fc.constantFrom(HEIGHT, HEIGHT, WIDTH), fc.nat({ max: 30 }))
  .map(([width, height, ones]) =>
    encodeMask(new Uint8Array(width * height).fill(1, 3, 3 + ones), width, height),
  );
const region: fc.Arbitrary<Region> = fc.record(
  {
    box: fc.record({ top: coordinate, left: coordinate, bottom: coordinate, right: coordinate }),
    polygon: fc.array(fc.array(ring, { maxLength: 3 }), { maxLength: 2 }),
    mask,
    point,
    keypoints: fc.array(point, { maxLength: 4 }),
  },
  { requiredKeys: [] },
);
const simple: fc.Arbitrary<Region> = fc.oneof(
  fc.record({ box: fc.record({ top: coordinate, left: coordinate, bottom: coordinate, right: coordinate }) }),
  fc.record({ polygon: ring.map((points) => [[points]]) }),
  fc.record({ mask }),
  fc.record({ keypoints: fc.array(point, { maxLength: 4 }) }),
);
/** Where it is; most are of images. */
const place: fc.Arbitrary<Partial<AnnotationDraft>> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ region: fc.oneof(simple, region) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      frame: fc.record({ timeMs: fc.integer({ min: -1, max: 1200 }) }),
      region: simple,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      segment: fc.record({
        beginMs: fc.integer({ min: -1, max: 1200 }),
        endMs: fc.double({ min: 0, max: 2000 }),
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      span: fc.record({ start: fc.integer({ min: -1, max: 5 }), end: fc.integer({ max: 9 }) }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({}) },
);
const words = fc.record(
  { id: fc.constantFrom('1', '2', '3'), text: fc.string(), score: fc.double({ min: -0.1, max: 1 }) },
  { requiredKeys: [] },
);
const draft: fc.Arbitrary<AnnotationDraft> = fc
  .tuple(
    fc.record({
      ref: fc.string(),
      unit: fc.constantFrom('pixels' as const, 'pixels' as const, 'normalised' as const),
      concepts: fc.constantFrom<Concept[]>([], [{ id: 'a', name: 'a', value: 1 }]),
    }),
    place,
    fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: words }),
  )
  .map(([base, at, rest]) => ({ ...base, ...at, ...rest }));
const problem = fc.constant({ ref: 'x', code: 'CONCEPT_UNKNOWN' as const, message: 'x' });
const entries: fc.Arbitrary<AnnotationEntry[]> = fc.array(
  fc.oneof({ weight: 9, arbitrary: draft }, { weight: 1, arbitrary: problem }),
  { maxLength: 12 },
);
const target: fc.Arbitrary<AnnotationTarget> = fc.record(
  {
    inputId: fc.constant('input'),
    kind: fc.oneof(
      { weight: 4, arbitrary: fc.constant('image' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...KINDS) },
    ),
    media: fc.record(
      {
        format: fc.constant('any'),
        width: fc.constant(WIDTH),
        height: fc.constant(HEIGHT),
        orientation: fc.integer({ min: 1, max: 8 }),
        durationMs: fc.constant(1000),
      },
      { requiredKeys: ['format', 'width', 'height'] },
    ),
    labelledSize: fc.constantFrom(
      { width: WIDTH, height: HEIGHT },
      { width: HEIGHT, height: WIDTH },
      { width: WIDTH * 2, height: HEIGHT * 2 },
      { width: WIDTH, height: WIDTH },
    ),
  },
  { requiredKeys: ['inputId', 'kind', 'media'] },
);

/** Every coordinate of a region. */
function coordinatesOf({ box, polygon, point: single, keypoints }: Region): number[] {
  const points = [...(single === undefined ? [] : [single]), ...(keypoints ?? [])];
  return [
    ...(box === undefined ? [] : [box.top, box.left, box.bottom, box.right]),
    ...(polygon ?? []).flat(3),
    ...points.flatMap(({ x, y }) => [x, y]),
  ];
}

const RUNS = { numRuns: 2000 };

describe('checking annotations', () => {
  it('loses nothing: every entry is an annotation or a problem', () => {
    let good = 0;
    fc.assert(
      fc.property(entries, target, (given, about) => {
        const { annotations, problems } = checkAnnotations(given, about);
        expect(annotations.length + problems.length).toBe(given.length);
        good += annotations.length;
        expect(new Set(annotations.map(({ id }) => id)).size).toBe(annotations.length);
        for (const { code } of problems) expect(CODES[code].class).toBe('rejected');
      }),
      RUNS,
    );
    // Else the drafts of this test would prove nothing of what is good.
    expect(good).toBeGreaterThan(500);
  });

  it('gives coordinates within the image, boxes with an area and rings of three points and more', () => {
    fc.assert(
      fc.property(entries, target, (given, about) => {
        for (const { region: checked } of checkAnnotations(given, about).annotations) {
          if (checked === undefined) continue;
          for (const value of coordinatesOf(checked)) {
            expect(value >= 0 && value <= 1 && !Object.is(value, -0)).toBe(true);
          }
          const { box, polygon, mask: pixels } = checked;
          if (box !== undefined) expect(box.left < box.right && box.top < box.bottom).toBe(true);
          for (const rings of polygon?.flat(1) ?? []) expect(rings.length).toBeGreaterThan(2);
          if (pixels !== undefined) expect(pixels.size).toEqual([about.media.height, about.media.width]);
        }
      }),
      RUNS,
    );
  });

  it('changes nothing and warns of nothing the second time', () => {
    fc.assert(
      fc.property(entries, target, (given, { labelledSize: _, ...about }) => {
        const first = checkAnnotations(given, about).annotations;
        const again = first.map((annotation) => ({ ...annotation, ref: '', unit: 'normalised' as const }));
        expect(checkAnnotations(again, about)).toEqual({ annotations: first, problems: [], warnings: [] });
      }),
      RUNS,
    );
  });

  it('keeps the pixels of a polygon that it cuts, but for those on the cut', () => {
    const inReach = fc.integer({ min: -40, max: 100 });
    const shape = fc.array(fc.tuple(inReach, inReach), { minLength: 3, maxLength: 6 });
    fc.assert(
      fc.property(shape, (points) => {
        const polygon: Polygon = [[points]];
        const { annotations } = checkAnnotations(
          [{ ref: '', unit: 'pixels', concepts: [], region: { polygon } }],
          { inputId: 'x', kind: 'image', media: { format: 'png', width: WIDTH, height: HEIGHT } },
        );
        const cut = (annotations[0]?.region?.polygon ?? []).map((part) =>
          part.map((line) => line.map(([x, y]): [number, number] => [x * WIDTH, y * HEIGHT])),
        );
        const [before, after] = [polygon, cut].map((shapeOf) =>
          decodeColumns(polygonRuns(shapeOf, HEIGHT, WIDTH), WIDTH * HEIGHT),
        );
        // An edge that is cut begins at another point, so that its points may be rounded to the next pixel.
        const differing = before!.filter((bit, i) => bit !== after![i]).length;
        expect(differing).toBeLessThanOrEqual(points.length * (WIDTH + HEIGHT) * 0.25);
      }),
      RUNS,
    );
  });
});

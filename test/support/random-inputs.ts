import fc from 'fast-check';
import { encodeMask } from '../../src/annotations/mask.ts';
import { ANNOTATION_STATUSES, type Annotation, VISIBILITIES } from '../../src/model/annotation.ts';
import type { Kind } from '../../src/model/kind.ts';
import type { Held } from './memory-export.ts';

const SIZE = { width: 13, height: 7 };
const DURATION_MS = 10_000;

const word = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.constantFrom('naïve 猫 😀', 'a/b', '__proto', 'sluice', '0'),
);
const optional = <T>(key: string, value: fc.Arbitrary<T>): fc.Arbitrary<object> =>
  fc.option(value).map((each) => (each === null ? {} : { [key]: each }));
const together = (...parts: fc.Arbitrary<object>[]): fc.Arbitrary<object> =>
  fc.tuple(...parts).map((each) => Object.assign({}, ...each) as object);

const share = fc.oneof(
  fc.constantFrom(0, 1, 0.5, 0.1),
  fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0),
);
const concepts = fc.uniqueArray(
  fc.record({ id: word, name: word, value: fc.oneof(fc.constantFrom(0, 1), share) }),
  { selector: ({ id }) => id, maxLength: 3 },
);
const geo = fc.record({
  latitude: fc.oneof(
    fc.constant(0),
    fc.double({ min: -90, max: 90, noNaN: true }).map((value) => value + 0),
  ),
  longitude: fc.oneof(fc.constant(0), fc.integer({ min: -180, max: 180 })),
});
const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  .filter((value) => !JSON.stringify(value).includes('__proto__'));
const metadata = fc.dictionary(
  word.filter((key) => key !== '__proto__'),
  json,
  { maxKeys: 3 },
);

const box = fc.oneof(
  fc.constant({ top: 0, left: 0, bottom: 1 / SIZE.height, right: 1 / SIZE.width }),
  fc
    .tuple(fc.integer({ min: 0, max: SIZE.height - 1 }), fc.integer({ min: 0, max: SIZE.width - 1 }))
    .map(([y, x]) => ({ top: y / SIZE.height, left: x / SIZE.width, bottom: 1, right: 1 })),
);
const square = (x: number, y: number, side: number): [number, number][] => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
];
const polygon = fc.constantFrom(
  [[square(0, 0, 1 / 3)]],
  [[square(0, 0, 0.5)]],
  [[square(0, 0, 0.4), square(0.1, 0.1, 0.1)], [square(0.6, 0.6, 0.25)]],
);
const mask = fc
  .uint8Array({ minLength: SIZE.width * SIZE.height, maxLength: SIZE.width * SIZE.height })
  .map((bytes) => bytes.map((byte) => byte & 1))
  .map((bits) => {
    if (!bits.includes(1)) bits[0] = 1;
    return encodeMask(bits, SIZE.width, SIZE.height);
  });
const point = together(
  fc.record({ x: share, y: share }),
  optional('z', fc.constantFrom(0, 0.5, 0.3)),
  optional('visibility', fc.constantFrom(...VISIBILITIES)),
  optional('name', word),
);
const region = fc.oneof(
  fc.record({ box }),
  fc.record({ polygon }),
  fc.record({ mask }),
  fc.record({ point }),
  fc.record({ box, polygon, mask, point, keypoints: fc.array(point, { minLength: 1, maxLength: 3 }) }),
);
const frame = together(
  fc.record({ timeMs: fc.constantFrom(0, 40, 33.333, DURATION_MS) }),
  optional('index', fc.constantFrom(0, 1, 7)),
);
const segment = fc.constantFrom(
  { beginMs: 0, endMs: 500 },
  { beginMs: 0.1, endMs: 333.3 },
  { beginMs: 1500, endMs: DURATION_MS },
);
const span = fc.constantFrom(
  { start: 0, end: 1 },
  { start: 1, end: 3, text: 'ex' },
  { start: 0, end: 2, text: '' },
);

const place: Record<Kind, fc.Arbitrary<object>> = {
  image: fc.oneof(fc.constant({}), fc.record({ region })),
  video: fc.oneof(
    fc.constant({}),
    fc.record({ frame }),
    fc.record({ frame, region }),
    fc.record({ segment }),
  ),
  audio: fc.oneof(fc.constant({}), fc.record({ segment })),
  text: fc.oneof(fc.constant({}), fc.record({ span })),
};
const annotation = (kind: Kind): fc.Arbitrary<Omit<Annotation, 'id'>> =>
  together(
    fc.record({ concepts }),
    place[kind],
    optional('trackId', word),
    // Without a concept or a place, this is what it says.
    fc.record({ text: word }),
    optional('geo', geo),
    optional('metadata', metadata),
    optional('info', metadata),
    optional('score', share),
    optional('status', fc.constantFrom(...ANNOTATION_STATUSES)),
    optional('annotator', word),
    optional('createdAt', fc.constant('2026-01-02T03:04:05Z')),
  ) as fc.Arbitrary<Omit<Annotation, 'id'>>;

const media = {
  image: { format: 'png', ...SIZE },
  video: { format: 'mp4', ...SIZE, durationMs: DURATION_MS },
  audio: { format: 'wav', durationMs: DURATION_MS, sampleRate: 8000 },
  text: { format: 'text' },
};

const inputOf = (kind: Kind): fc.Arbitrary<Held> =>
  together(
    fc.record({
      id: word,
      kind: fc.constant(kind),
      media: fc.constant(media[kind]),
      concepts,
      metadata,
      annotations: fc
        .uniqueArray(fc.tuple(word, annotation(kind)), { selector: ([id]) => id, maxLength: 5 })
        .map((all) => all.map(([id, rest]) => ({ id, ...rest }))),
    }),
    optional('geo', geo),
    optional('split', fc.constantFrom('train', 'test', 'all', '..', 'a/b:c', 'été')),
    kind === 'text'
      ? fc.record({ text: fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => `text ${text}`) })
      : fc.record({
          content: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
        }),
    kind === 'image' ? optional('text', word) : fc.constant({}),
  ) as fc.Arbitrary<Held>;

/** Inputs of all kinds with annotations of all kinds, as they are in a store: checked, normalised, ids unique. */
export const randomInputs = fc.uniqueArray(
  fc.constantFrom<Kind>('image', 'video', 'audio', 'text').chain(inputOf),
  { selector: ({ id }) => id, maxLength: 8 },
);

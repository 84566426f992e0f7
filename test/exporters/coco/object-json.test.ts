import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { CocoObject } from '../../../src/exporters/coco/annotation.ts';
import { ObjectJson } from '../../../src/exporters/coco/object-json.ts';
import type { Metadata } from '../../../src/model/labels.ts';

const number = fc.oneof(
  fc.double(),
  fc.integer({ min: 0, max: 100_000_000 }).map((hundredths) => hundredths / 100),
  // Beside and beyond what is written by hand.
  fc.integer({ min: -100, max: 1000 }).map((thousandths) => thousandths / 1000),
  fc.integer({ min: 2_147_483_600, max: 2_147_483_700 }).map((hundredths) => hundredths / 100),
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, 0.1 + 0.2, 0.01, 0.29, 1.005, 99.99, 100, 1e21, 5e-324, Number.MAX_VALUE),
);
const object: fc.Arbitrary<CocoObject> = fc.record({
  id: fc.maxSafeInteger(),
  image_id: fc.maxSafeInteger(),
  category_id: fc.nat(),
  bbox: fc.tuple(number, number, number, number),
  area: number,
  iscrowd: fc.constantFrom(0 as const, 1 as const),
  segmentation: fc.oneof(
    fc.array(fc.array(number, { maxLength: 5000 }), { maxLength: 3 }),
    fc.record({ size: fc.tuple(fc.nat(), fc.nat()), counts: fc.string({ unit: 'binary-ascii' }) }),
  ),
  keypoints: fc.option(fc.record({ flat: fc.array(number), labelled: fc.nat() }), { nil: undefined }),
  rest: fc.oneof(
    fc.constant({}),
    fc.record({ score: number, attributes: fc.dictionary(fc.string(), fc.string({ unit: 'binary' })) }),
  ) as fc.Arbitrary<Metadata>,
});

it('has every number, text and member as JSON.stringify has them', () => {
  const json = new ObjectJson();
  fc.assert(
    fc.property(fc.array(object, { maxLength: 4 }), (objects) => {
      const plain = objects.map(({ keypoints, rest, ...fixed }) => ({
        ...fixed,
        ...(keypoints && { keypoints: keypoints.flat, num_keypoints: keypoints.labelled }),
        ...rest,
      }));
      expect(`[${json.elements(objects)}]`).toBe(JSON.stringify(plain));
    }),
    { numRuns: 300 },
  );
});

it('has room for objects of any length', () => {
  const flat = Array.from({ length: 50_000 }, (_, i) => i / 7);
  const [bbox, long] = [[1, 2, 3, 4] as const, '犬"\n'.repeat(50_000)];
  const fixed = {
    id: 1,
    image_id: 1,
    category_id: 1,
    bbox,
    area: 12,
    iscrowd: 0 as const,
    segmentation: [flat],
  };
  const objects = [{ ...fixed, keypoints: undefined, rest: { long } }];
  expect(JSON.parse(new ObjectJson().elements(objects))).toEqual({ ...fixed, long });
});

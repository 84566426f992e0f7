import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { checkAnnotations } from '../../src/annotations/check.ts';
import { annotationShape, parseAnnotation } from '../../src/formats/annotation-json.ts';
import { type Annotation, type AnnotationProblem, isProblem } from '../../src/model/annotation.ts';
import type { Kind } from '../../src/model/kind.ts';

const REF = 'inputs.jsonl#L5/annotations/2';

/** One with every field of the model that an image can have. */
const full: Annotation = {
  id: 'a1',
  concepts: [
    { id: 'cat', name: 'Cat', value: 1 },
    { id: 'dog', name: 'Dog', value: 0 },
  ],
  region: {
    box: { top: 0.1, left: 0.2, bottom: 0.3, right: 0.4 },
    polygon: [
      [
        [
          [0, 0],
          [1, 0],
          [0.5, 1],
        ],
      ],
    ],
    mask: { size: [2, 3], counts: '15' },
    point: { x: 0.5, y: 0.5, z: -3, visibility: 'not_visible' },
    keypoints: [{ x: 0, y: 1, name: 'left_eye', visibility: 'visible' }],
  },
  trackId: '9',
  text: 'STOP',
  geo: { latitude: -1.5, longitude: 2.5 },
  metadata: { any: ['thing', null, { deep: 1 }] },
  info: { coco: { iscrowd: 0 } },
  score: 0.75,
  status: 'success',
  annotator: 'ann',
  createdAt: '2024-05-06T07:08:09Z',
  modifiedAt: '2024-05-06T07:08:10.5Z',
};

/** What is read again of an annotation's JSON. */
function readAgain(annotation: Annotation, kind: Kind) {
  const entry = parseAnnotation(JSON.parse(JSON.stringify(annotation)), REF);
  const media = { format: 'any', width: 3, height: 2, durationMs: 9000 };
  return checkAnnotations([entry], { inputId: 'x', kind, media });
}

describe('the JSON of an annotation', () => {
  it.each<[Kind, Annotation]>([
    ['image', full],
    ['video', { id: '2', concepts: [], frame: { timeMs: 1001.5, index: 30 }, region: full.region! }],
    ['audio', { id: '3', concepts: [], segment: { beginMs: 0, endMs: 12.5 } }],
    ['text', { id: '4', concepts: [], span: { start: 3, end: 7, text: 'four' } }],
  ])('of an %s is what was written when it is read again', (kind, annotation) => {
    expect(annotationShape.parse(annotation)).toEqual(annotation);
    expect(readAgain(annotation, kind)).toEqual({ annotations: [annotation], problems: [], warnings: [] });
  });

  it('has the type of the model', () => {
    expectTypeOf<Annotation>().toExtend<z.input<typeof annotationShape>>();
    expectTypeOf<keyof Annotation>().toEqualTypeOf<keyof z.input<typeof annotationShape>>();
  });

  it('may leave out the id, the concepts, and their names and values', () => {
    expect(parseAnnotation({ text: 'STOP' }, REF)).toEqual({
      ref: REF,
      unit: 'normalised',
      concepts: [],
      text: 'STOP',
    });
    expect(parseAnnotation({ concepts: [{ id: 'cat' }] }, REF)).toMatchObject({
      concepts: [{ id: 'cat', name: 'cat', value: 1 }],
    });
  });

  it('may have a mask that is not compressed', () => {
    const mask = { size: [2, 3], counts: [1, 5] };
    expect(parseAnnotation({ region: { mask } }, REF)).toMatchObject({
      region: { mask: { size: [2, 3], counts: '15' } },
    });
  });

  it('may have coordinates outside the image, which are for the check to cut', () => {
    const box = { top: -0.5, left: 0, bottom: 2, right: 1 };
    expect(isProblem(parseAnnotation({ region: { box } }, REF))).toBe(false);
    expect(annotationShape.safeParse({ id: '1', concepts: [], region: { box } }).success).toBe(false);
  });

  it.each<[unknown, AnnotationProblem['code'], string]>([
    [null, 'ANNOTATION_INVALID_ARGUMENT', 'expected object, received null'],
    [['box'], 'ANNOTATION_INVALID_ARGUMENT', 'expected object, received array'],
    [{ regoin: {} }, 'ANNOTATION_INVALID_ARGUMENT', 'Unrecognized key: "regoin"'],
    [
      { region: { box: { top: '1', left: 0, bottom: 1, right: 1 } } },
      'ANNOTATION_INVALID_ARGUMENT',
      'region.box.top: expected number, received string',
    ],
    [
      {
        region: {
          polygon: [
            [
              [
                [0, 0],
                [1, null],
                [1, 1],
              ],
            ],
          ],
        },
      },
      'ANNOTATION_INVALID_ARGUMENT',
      'region.polygon[0][0][1][1]: expected number, received null',
    ],
    [{ concepts: ['cat'] }, 'ANNOTATION_INVALID_ARGUMENT', 'concepts[0]: expected object, received string'],
    [
      { region: { mask: { size: [2, 3], counts: 7 } } },
      'MASK_INVALID',
      'region.mask.counts: expected string, received number',
    ],
    [
      { region: { mask: { size: [2, 3], counts: [7, -1] } } },
      'MASK_INVALID',
      'region.mask.counts[1]: Too small: expected number to be >=0',
    ],
  ])('%j is a problem that names the field', (value, code, message) => {
    expect(parseAnnotation(value, REF)).toEqual({ ref: REF, code, message });
  });
});

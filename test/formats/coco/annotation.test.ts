import { describe, expect, it } from 'vitest';
import { parseRuns } from '../../../src/annotations/runs.ts';
import { annotationOf } from '../../../src/formats/coco/annotation.ts';
import { Categories } from '../../../src/formats/coco/categories.ts';
import { elementOf } from '../../../src/formats/coco/element-json.ts';
import { type AnnotationDraft, type AnnotationProblem, isProblem } from '../../../src/model/annotation.ts';

const categories = new Categories();
categories.add({ id: 0, name: 'cat', supercategory: 'animal' });
categories.add({ id: 3, name: 'person', keypoints: ['nose', 'eye'], skeleton: [[1, 2]] });
categories.add({ id: 4, name: 'cat' });
categories.add({ id: 5, name: 'bus' });
categories.add({ id: 5, name: 'tram' });
categories.add({ id: 6 });

const entry = (annotation: object | string) =>
  annotationOf(
    elementOf(typeof annotation === 'string' ? annotation : JSON.stringify(annotation)),
    'a.json',
    120,
    categories,
  );

function draft(annotation: object | string): AnnotationDraft {
  const made = entry(annotation);
  if (isProblem(made)) throw new Error(made.message);
  return made;
}

function problem(annotation: object | string): AnnotationProblem {
  const made = entry(annotation);
  if (!isProblem(made)) throw new Error(`no problem: ${JSON.stringify(made)}`);
  return made;
}

describe('an annotation of COCO', () => {
  it('is one draft with all that describes the object, in pixels', () => {
    const made = draft({
      id: 7,
      image_id: 1,
      category_id: 3,
      bbox: [1.5, 2, 10, 20],
      segmentation: [[0, 0, 4, 0, 4, 4], [], [10, 10, 14, 10, 14, 14, 10, 10]],
      keypoints: [1, 2, 2, 0, 0, 0],
      num_keypoints: 1,
      area: 12.5,
      iscrowd: 0,
      attributes: { occluded: true },
      score: 0.5,
      mine: 'kept',
    });
    expect(made).toEqual({
      id: '7',
      ref: 'a.json#annotations/7',
      unit: 'pixels',
      concepts: [{ id: 'person', name: 'person', value: 1 }],
      region: {
        box: { left: 1.5, top: 2, right: 11.5, bottom: 22 },
        polygon: [
          [[[0, 0], [4, 0], [4, 4]]], // biome-ignore format: a ring a line
          [[[10, 10], [14, 10], [14, 14]]], // biome-ignore format: a ring a line
        ],
        keypoints: [
          { x: 1, y: 2, visibility: 'visible', name: 'nose' },
          { x: 0, y: 0, visibility: 'not_present', name: 'eye' },
        ],
      },
      score: 0.5,
      info: {
        coco: {
          id: 7,
          num_keypoints: 1,
          area: 12.5,
          iscrowd: 0,
          attributes: { occluded: true },
          mine: 'kept',
        },
      },
    });
  });

  it('takes the category 0 for a category', () => {
    expect(draft({ id: 0, category_id: 0, bbox: [0, 0, 1, 1] })).toMatchObject({
      id: '0',
      concepts: [{ id: 'cat' }],
    });
  });

  it('keeps the number of a category whose name an earlier one has', () => {
    const made = draft({ id: 1, category_id: 4, bbox: [0, 0, 1, 1] });
    expect(made.concepts).toEqual([{ id: 'cat', name: 'cat', value: 1 }]);
    expect(made.info).toEqual({ coco: { id: 1, category_id: 4 } });
    expect(categories.definitions.map(({ id, sourceId }) => [id, sourceId])).toEqual([
      ['cat', 0],
      ['person', 3],
      ['bus', 5],
    ]);
  });

  it.each([
    ['a list', [6, 2, 4]],
    ['compressed', '624'],
    ['the text of Python’s bytes', "b'624'"],
  ])('reads the runs of a mask that are %s', (_, counts) => {
    const { region, info } = draft({
      id: 1,
      category_id: 0,
      iscrowd: 1,
      segmentation: { size: [3, 4], counts },
    });
    expect(region?.mask?.size).toEqual([3, 4]);
    expect([...parseRuns(region!.mask!.counts)]).toEqual([6, 2, 4]);
    expect(info).toEqual({ coco: { id: 1, iscrowd: 1 } });
  });

  it.each([[[]], [[[]]], [null]])('has only its box when the segmentation is %j', (segmentation) => {
    const { region } = draft({ category_id: 0, bbox: [0, 0, 1, 1], segmentation });
    expect(region).toEqual({ box: { left: 0, top: 0, right: 1, bottom: 1 } });
  });

  it('takes a segmentation without its outer list, ids as text and a crowd of polygons', () => {
    const made = draft({
      id: 'seven',
      image_id: '1',
      category_id: '3',
      iscrowd: 1,
      segmentation: [0, 0, 4, 0, 4, 4],
    });
    expect(made).toMatchObject({ id: 'seven', concepts: [{ id: 'person' }] });
    expect(made.region?.polygon).toHaveLength(1);
  });

  it('leaves out key points that nobody placed', () => {
    const { region, info } = draft({
      category_id: 3,
      bbox: [0, 0, 1, 1],
      keypoints: [0, 0, 0, 0, 0, 0],
      num_keypoints: 0,
    });
    expect(region?.keypoints).toBeUndefined();
    expect(info).toEqual({ coco: { num_keypoints: 0 } });
  });

  it('is a label of the whole image when it says nothing of a region', () => {
    const made = draft({ id: 4, image_id: 1, category_id: 0 });
    expect(made).toMatchObject({ id: 'label-4', concepts: [{ id: 'cat' }] });
    expect(made.region).toBeUndefined();
  });

  it('is a caption, whatever category it has', () => {
    expect(draft({ id: 4, image_id: 1, category_id: 99, caption: 'a cat' })).toMatchObject({
      id: 'caption-4',
      concepts: [],
      info: { caption: 'a cat', coco: { id: 4 } },
    });
  });

  it.each([
    ['a box of text', { bbox: ['1', '2', '3', '4'] }, 'ANNOTATION_INVALID_ARGUMENT', 'bbox[0] is "1"'],
    ['a short box', { bbox: [1, 2, 3] }, 'ANNOTATION_INVALID_ARGUMENT', 'bbox has 3 numbers, not 4'],
    ['a box that is no list', { bbox: 'x' }, 'ANNOTATION_INVALID_ARGUMENT', 'bbox is "x"'],
    ['a negative width', { bbox: [9, 9, -5, 5] }, 'REGION_DEGENERATE', 'bbox is -5 wide and 5 high'],
    [
      'neither box nor outline',
      { area: 4, iscrowd: 0, segmentation: [] },
      'ANNOTATION_INVALID_ARGUMENT',
      'it has segmentation, area, iscrowd, but neither',
    ],
    [
      'half a point',
      { segmentation: [[1, 2, 3, 4, 5, 6, 7]] },
      'ANNOTATION_INVALID_ARGUMENT',
      'segmentation[0] has 7 coordinates',
    ],
    [
      'points as lists',
      { segmentation: [[[1, 2], [3, 4]]] }, // biome-ignore format: as it is meant
      'ANNOTATION_INVALID_ARGUMENT',
      'segmentation[0][0] is [1,2]',
    ],
    [
      'a negative run',
      { segmentation: { size: [2, 2], counts: [-1, 5] } },
      'MASK_INVALID',
      'segmentation.counts has a run',
    ],
    [
      'no size of the mask',
      { segmentation: { counts: [4] } },
      'ANNOTATION_INVALID_ARGUMENT',
      'segmentation.size is missing',
    ],
    [
      'a key point too few numbers',
      { keypoints: [1, 2, 2, 3] },
      'ANNOTATION_INVALID_ARGUMENT',
      'keypoints has 4 numbers',
    ],
    [
      'a visibility that there is not',
      { keypoints: [1, 2, 3] },
      'ANNOTATION_INVALID_ARGUMENT',
      'keypoints[2] is 3',
    ],
    ['an unknown category', { category_id: 42 }, 'CONCEPT_UNKNOWN', 'has the id 42'],
    ['a category without a name', { category_id: 6 }, 'CONCEPT_UNKNOWN', 'has the id 6'],
    ['a category declared twice', { category_id: 5 }, 'CONCEPT_UNKNOWN', 'both bus and tram'],
    ['no category', { category_id: undefined }, 'CONCEPT_UNKNOWN', 'category_id is missing'],
  ])('with %s is a problem of its own', (_, fields, code, message) => {
    const found = problem({ id: 9, image_id: 1, category_id: 0, ...fields });
    expect(found).toMatchObject({ ref: 'a.json#annotations/9', code });
    expect(found.message).toContain(message);
  });

  it('with NaN, as Python writes it, is a problem that names the place', () => {
    const found = problem(
      '{"id": 9, "category_id": 0, "note": "NaN \\" NaN", "bbox": [NaN, 1, -Infinity, 2]}',
    );
    expect(found).toMatchObject({ ref: 'a.json#annotations/9', code: 'ANNOTATION_INVALID_ARGUMENT' });
    expect(found.message).toContain('bbox[0] is "NaN"');
  });

  it('that is no JSON, or no object, is a problem at its byte', () => {
    expect(problem('{"id": 9,, }')).toMatchObject({ ref: 'a.json#annotations/@120' });
    expect(problem('7').message).toBe('it is no JSON object');
  });
});

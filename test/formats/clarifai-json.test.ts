import { describe, expect, it } from 'vitest';
import { decodeMask } from '../../src/annotations/mask.ts';
import { clarifaiLabels } from '../../src/formats/clarifai-json.ts';
import { readClarifaiJson } from '../../src/formats/clarifai-json-parts.ts';
import type { AnnotationDraft } from '../../src/model/annotation.ts';
import { maskPng } from '../support/mask-png.ts';

const { signal } = new AbortController();
const labelsOf = (value: unknown) => clarifaiLabels(readClarifaiJson(value, 'a.json'), signal);
const only = async (element: object): Promise<AnnotationDraft> =>
  (await labelsOf([element])).annotations![0] as AnnotationDraft;
const cow = { id: 'id-cow', name: 'cow', value: 1, appId: 'demo' };
const concepts = [{ id: 'id-cow', name: 'cow', value: 1 }];
const unit = 'normalised';

describe('the annotations of a Clarifai export', () => {
  it('are metadata, regions and concepts side by side', async () => {
    const box = { topRow: 0.1, leftCol: 0.2, bottomRow: 0.3, rightCol: 0.4 };
    const labels = await labelsOf([
      { metadata: { filename: 'a.jpg' } },
      { id: 'r1', regionInfo: { boundingBox: box }, data: { concepts: [cow] }, value: 0.75 },
      cow,
      { id: 'id-dog', name: 'dog', appId: 'demo' },
    ]);
    expect(labels).toEqual({
      metadata: { filename: 'a.jpg' },
      concepts: [concepts[0], { id: 'id-dog', name: 'dog', value: 0 }],
      annotations: [
        {
          id: 'r1',
          ref: 'a.json#1',
          unit,
          concepts,
          region: { box: { top: 0.1, left: 0.2, bottom: 0.3, right: 0.4 } },
          score: 0.75,
        },
      ],
    });
  });

  it('have zeros where values are left out, also in negatives', async () => {
    const region = await only({
      regionInfo: {
        boundingBox: { bottomRow: 1, rightCol: 0.5 },
        polygon: { points: [{}, { col: 1 }, { row: 1 }] },
      },
      data: { concepts: [{ id: 'x' }] },
    });
    expect(region.region).toEqual({
      box: { top: 0, left: 0, bottom: 1, right: 0.5 },
      polygon: [
        [
          [
            [0, 0],
            [1, 0],
            [0, 1],
          ],
        ],
      ],
    });
    expect(region.concepts).toEqual([{ id: 'x', name: 'x', value: 0 }]);
  });

  it('are read in snake case as well', async () => {
    const camel = {
      id: 'a',
      userId: 'ann',
      createdAt: '2024-01-02T03:04:05Z',
      annotationInfo: { tool: 'x' },
      data: {
        regions: [{ trackId: 't1', regionInfo: { boundingBox: { topRow: 0.5, bottomRow: 1, rightCol: 1 } } }],
      },
    };
    const snake = JSON.parse(
      JSON.stringify(camel).replace(/"[a-z]+[A-Z][A-Za-z]*":/g, (key) =>
        key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      ),
    );
    expect(snake).toHaveProperty('annotation_info');
    expect(await labelsOf([snake])).toEqual(await labelsOf([camel]));
    expect(await only(snake)).toEqual({
      id: 'a',
      ref: 'a.json#0',
      unit,
      concepts: [],
      annotator: 'ann',
      createdAt: '2024-01-02T03:04:05Z',
      info: { tool: 'x' },
      trackId: 't1',
      region: { box: { top: 0.5, left: 0, bottom: 1, right: 1 } },
    });
  });

  it('have points, key points by name, spans and text in a region', async () => {
    const skeleton = { ...cow, keypointInfo: { keypointNames: ['nose', 'tail'] } };
    const draft = await only({
      regionInfo: {
        point: { row: 0.1, col: 0.2, z: 3, visibility: 'NOT_VISIBLE' },
        keypointLocations: [
          { row: 0.3, col: 0.4, visibility: 'VISIBLE' },
          { row: 0.5, col: 0.6, visibility: 3 },
          { visibility: 'NOT_SET' },
        ],
      },
      data: {
        concepts: [skeleton],
        text: { raw: 'STOP' },
        geo: { geoPoint: { longitude: 7, latitude: 46 } },
      },
    });
    expect(draft).toMatchObject({
      concepts,
      text: 'STOP',
      geo: { latitude: 46, longitude: 7 },
      region: {
        point: { x: 0.2, y: 0.1, z: 3, visibility: 'not_visible' },
        keypoints: [
          { x: 0.4, y: 0.3, visibility: 'visible', name: 'nose' },
          { x: 0.6, y: 0.5, visibility: 'not_present', name: 'tail' },
          { x: 0, y: 0 },
        ],
      },
    });
    const span = await only({
      regionInfo: { span: { charEnd: 4, rawText: 'Bern' } },
      data: { concepts: [cow] },
    });
    expect(span.span).toEqual({ start: 0, end: 4, text: 'Bern' });
    expect(span.region).toBeUndefined();
  });

  it('have masks as PNG, of which every pixel that is not black counts', async () => {
    const rows = [
      [0, 255, 1],
      [0, 0, 7],
    ];
    const base64 = maskPng(rows, { bitDepth: 8, colourType: 0 }).toString('base64');
    const { region } = await only({ regionInfo: { mask: { image: { base64 } } }, data: { concepts: [cow] } });
    expect(region!.mask!.size).toEqual([2, 3]);
    expect([...decodeMask(region!.mask!)]).toEqual([0, 1, 1, 0, 0, 1]);
    const empty = maskPng([[0, 0]], { bitDepth: 1, colourType: 0 }).toString('base64');
    const none = await only({ regionInfo: { mask: { image: { base64: empty } } } });
    expect([...decodeMask(none.region!.mask!)]).toEqual([0, 0]);
  });

  it('have frames by their time and segments in seconds', async () => {
    const box = { bottomRow: 1, rightCol: 1 };
    const region = { regionInfo: { boundingBox: box }, data: { concepts: [cow] } };
    const { annotations } = await labelsOf([
      {
        id: 'f',
        data: {
          frames: [{ frameInfo: { time: 40, number: 1 }, data: { regions: [{ id: 'q', ...region }] } }],
        },
      },
      { frameInfo: {}, data: { concepts: [cow] } },
      {
        id: 's',
        data: { timeSegments: [{ timeInfo: { beginTime: 0.5, endTime: 2 }, data: { concepts: [cow] } }] },
      },
      {
        id: 'many',
        data: { frames: [{ frameInfo: { time: 7 }, data: { regions: [region, { id: 'z', ...region }] } }] },
      },
    ]);
    expect(annotations).toMatchObject([
      { id: 'f', ref: 'a.json#0', frame: { timeMs: 40, index: 1 }, region: { box: { bottom: 1 } } },
      { ref: 'a.json#1', frame: { timeMs: 0 }, concepts },
      { id: 's', segment: { beginMs: 500, endMs: 2000 }, concepts },
      { ref: 'a.json#3.0', frame: { timeMs: 7 } },
      { id: 'z', ref: 'a.json#3.1', frame: { timeMs: 7 } },
    ]);
    expect(annotations![3]).not.toHaveProperty('id');
  });

  it('keep the status, by name or number', async () => {
    const statuses = [
      { code: 24158 },
      { code: 'ANNOTATION_AWAITING_REVIEW' },
      { code: 24150 },
      { code: 11102 },
    ];
    const { annotations } = await labelsOf(statuses.map((status) => ({ status, data: { concepts: [cow] } })));
    expect(annotations!.map((each) => (each as AnnotationDraft).status)).toEqual([
      'review_denied',
      'awaiting_review',
      'success',
      undefined,
    ]);
  });

  it('that are of the whole input are its concepts and metadata', async () => {
    const data = { concepts: [cow], metadata: { a: 1 }, geo: { geoPoint: { latitude: 1 } } };
    expect(await labelsOf([{ inputLevel: true, data }])).toEqual({
      concepts,
      metadata: { a: 1 },
      geo: { latitude: 1, longitude: 0 },
    });
  });

  it('that cannot be read are problems, and the others go on', async () => {
    const region = (regionInfo: object) => ({ regionInfo, data: { concepts: [cow] } });
    const good = region({ boundingBox: { bottomRow: 1, rightCol: 1 } });
    const bad: [object | number, string][] = [
      [region({ boundingBox: { topRow: '0.1' } }), 'regionInfo.boundingBox.topRow: expected a number'],
      [region({ polygon: { points: [{}, 3] } }), 'regionInfo.polygon.points[1]: expected an object'],
      [region({}), 'regionInfo.boundingBox: the region has no box, polygon, mask, point or span'],
      [{ ...cow, value: 2 }, 'value: expected 0 to 1, found 2'],
      [{ regionInfo: {}, data: { concepts: {} } }, 'data.concepts: expected a list'],
      [7, 'expected an object'],
      [{ foo: 1 }, 'neither metadata, a region, a concept'],
      [{ ...cow, value: 0 }, 'the concept id-cow is given with the values 1 and 0'],
    ];
    const { annotations, concepts: kept } = await labelsOf([cow, ...bad.map(([element]) => element), good]);
    expect(annotations).toHaveLength(bad.length + 1);
    for (const [, message] of bad) {
      expect(annotations).toContainEqual({
        ref: expect.stringMatching(/^a\.json#\d$/),
        code: 'ANNOTATION_INVALID_ARGUMENT',
        message: expect.stringContaining(message),
      });
    }
    expect(kept).toEqual(concepts);
    expect(await labelsOf([region({ mask: { image: { base64: 'AAAA' } } })])).toMatchObject({
      annotations: [{ code: 'MASK_INVALID', message: expect.stringContaining('a.json#0: not a PNG') }],
    });
    expect(await labelsOf([region({ mask: { image: { url: 'https://x/m.png' } } })])).toMatchObject({
      annotations: [
        { code: 'MASK_INVALID', message: expect.stringContaining('regionInfo.mask.image.base64') },
      ],
    });
    expect(await labelsOf({ inputs: [] })).toMatchObject({
      annotations: [{ ref: 'a.json', message: 'a.json: expected a list of annotations' }],
    });
  });

  it('lose one part of an annotation and not the others', async () => {
    const region = { regionInfo: { boundingBox: { bottomRow: 1, rightCol: 1 } } };
    const { annotations } = await labelsOf([
      { data: { regions: [region, { ...region, value: 'x' }, region] } },
    ]);
    expect(annotations).toMatchObject([
      { ref: 'a.json#0.0', region: {} },
      { ref: 'a.json#0.1', code: 'ANNOTATION_INVALID_ARGUMENT' },
      { ref: 'a.json#0.2', region: {} },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { type AnnotationTarget, checkAnnotations } from '../../src/annotations/check.ts';
import { encodeMask } from '../../src/annotations/mask.ts';
import { formatRuns } from '../../src/annotations/runs.ts';
import type { AnnotationDraft, AnnotationEntry, Box, Position, Region } from '../../src/model/annotation.ts';
import type { Kind } from '../../src/model/kind.ts';

const IMAGE: AnnotationTarget = {
  inputId: 'photo',
  kind: 'image',
  media: { format: 'png', width: 200, height: 100 },
};
const VIDEO: AnnotationTarget = {
  inputId: 'clip',
  kind: 'video',
  media: { format: 'mp4', width: 200, height: 100, durationMs: 5000 },
};
const cat = { id: 'cat', name: 'cat', value: 1 };

const draft = (rest: Partial<AnnotationDraft>): AnnotationDraft => ({
  ref: 'labels.json#0',
  unit: 'pixels',
  concepts: [],
  ...rest,
});
const check = (rest: Partial<AnnotationDraft>, target = IMAGE) => checkAnnotations([draft(rest)], target);

/** The one region that becomes of another, in pixels of a 200 × 100 image. */
function regionOf(region: Region, target = IMAGE) {
  const { annotations, problems, warnings } = check({ region }, target);
  expect(problems).toEqual([]);
  return { region: annotations[0]!.region!, warnings };
}

/** The code of the one problem that becomes of a draft. */
function codeOf(rest: Partial<AnnotationDraft>, target = IMAGE): string {
  const { annotations, problems, warnings } = check(rest, target);
  expect([annotations, warnings, problems.length]).toEqual([[], [], 1]);
  expect(problems[0]!.ref).toBe('labels.json#0');
  return `${problems[0]!.code} ${problems[0]!.message}`;
}

const box = (left: number, top: number, right: number, bottom: number): Box => ({
  top,
  left,
  bottom,
  right,
});
const rectangle = (left: number, top: number, right: number, bottom: number): Position[] => [
  [left, top],
  [right, top],
  [right, bottom],
  [left, bottom],
];

describe('a box', () => {
  it('is normalised by the size of the oriented image', () => {
    expect(regionOf({ box: box(20, 10, 100, 60) })).toEqual({
      region: { box: { top: 0.1, left: 0.1, bottom: 0.6, right: 0.5 } },
      warnings: [],
    });
  });

  it('may be given by any two opposite corners', () => {
    expect(regionOf({ box: box(100, 10, 20, 60) }).region).toEqual(
      regionOf({ box: box(20, 10, 100, 60) }).region,
    );
  });

  it('is cut at the edge with a warning', () => {
    expect(regionOf({ box: box(-20, 50, 100, 140) })).toEqual({
      region: { box: { top: 0.5, left: 0, bottom: 1, right: 0.5 } },
      warnings: ['REGION_CLAMPED'],
    });
  });

  it('that is over the edge by rounding alone is put on it without a word', () => {
    expect(regionOf({ box: box(-1e-12, 0, 200.00000001, 100) })).toEqual({
      region: { box: { top: 0, left: 0, bottom: 1, right: 1 } },
      warnings: [],
    });
  });

  it.each([
    ['beside', box(200, 0, 240, 50)],
    ['above', box(0, -50, 100, -1)],
    ['far off', box(1e9, 1e9, 2e9, 2e9)],
  ])('%s the image is outside', (_, given) => {
    expect(codeOf({ region: { box: given } })).toMatch(/^REGION_OUTSIDE the box lies wholly outside/);
  });

  it.each([box(10, 10, 10, 50), box(10, 10, 50, 10), box(300, 10, 300, 50)])(
    'without area is degenerate',
    (given) => {
      expect(codeOf({ region: { box: given } })).toMatch(/^REGION_DEGENERATE/);
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '12', null, undefined])('with %s is named', (value) => {
    const given = { ...box(0, 0, 10, 10), left: value as number };
    expect(codeOf({ region: { box: given } })).toMatch(
      /^ANNOTATION_INVALID_ARGUMENT box\.left: .*finite number/,
    );
  });
});

describe('a polygon', () => {
  it('keeps its parts and holes', () => {
    const polygon = [[rectangle(0, 0, 100, 100), rectangle(20, 20, 40, 40)], [rectangle(150, 0, 200, 50)]];
    expect(regionOf({ polygon })).toEqual({
      region: {
        polygon: [[rectangle(0, 0, 0.5, 1), rectangle(0.1, 0.2, 0.2, 0.4)], [rectangle(0.75, 0, 1, 0.5)]],
      },
      warnings: [],
    });
  });

  it('that repeats its first point at its end is opened', () => {
    const ring = rectangle(0, 0, 100, 50);
    expect(regionOf({ polygon: [[[...ring, ring[0]!]]] }).region).toEqual(
      regionOf({ polygon: [[ring]] }).region,
    );
  });

  it('becomes its intersection with the image', () => {
    const { region, warnings } = regionOf({
      polygon: [
        [
          [
            [-100, 50],
            [100, -50],
            [300, 50],
            [100, 150],
          ],
        ],
      ],
    });
    expect(warnings).toEqual(['REGION_CLAMPED']);
    // The diamond holds the whole image: its slanted edges pass the corners.
    expect(new Set(region.polygon![0]![0]!.map(String))).toEqual(new Set(['0,0', '1,0', '1,1', '0,1']));
  });

  it('loses what of its parts and holes is outside, with a warning', () => {
    const inside = rectangle(0, 0, 100, 100);
    const { region, warnings } = regionOf({
      polygon: [[inside, rectangle(-40, -40, -20, -20)], [rectangle(300, 0, 400, 50)]],
    });
    expect(region.polygon).toEqual([[rectangle(0, 0, 0.5, 1)]]);
    expect(warnings).toEqual(['REGION_CLAMPED']);
  });

  it('of which nothing is inside is outside', () => {
    expect(codeOf({ region: { polygon: [[rectangle(200, 0, 300, 50)]] } })).toMatch(/^REGION_OUTSIDE/);
  });

  it('that crosses itself has an area, though its halves cancel out', () => {
    const bowTie: Position[] = [
      [0, 0],
      [100, 100],
      [100, 0],
      [0, 100],
    ];
    expect(regionOf({ polygon: [[bowTie]] }).warnings).toEqual([]);
  });

  it.each<[string, Position[][][], RegExp]>([
    ['no part', [], /no part/],
    ['a part without a ring', [[]], /polygon\[0\]/],
    [
      'two points',
      [
        [
          [
            [0, 0],
            [50, 50],
          ],
        ],
      ],
      /polygon\[0\]\[0\]: has fewer than three/,
    ],
    [
      'two points and the first again',
      [
        [
          [
            [0, 0],
            [50, 50],
            [0, 0],
          ],
        ],
      ],
      /fewer than three/,
    ],
    [
      'a line',
      [
        [
          [
            [0, 0],
            [30, 30],
            [90, 90],
          ],
        ],
      ],
      /no area/,
    ],
    ['a line of ten points there and back', [[line(10)]], /its 10 points enclose no area/],
    ['one good part and a line', [[rectangle(0, 0, 9, 9)], [line(10)]], /polygon\[1\]\[0\]/],
    [
      'a hole of two points',
      [
        [
          rectangle(0, 0, 9, 9),
          [
            [1, 1],
            [2, 2],
          ],
        ],
      ],
      /polygon\[0\]\[1\]/,
    ],
  ])('with %s is degenerate as a whole', (_, polygon, message) => {
    const found = codeOf({ region: { polygon } });
    expect(found).toMatch(/^REGION_DEGENERATE/);
    expect(found).toMatch(message);
  });

  it('with a point that is no number is named', () => {
    const ring = [...rectangle(0, 0, 9, 9), ['1', 2] as unknown as Position];
    expect(codeOf({ region: { polygon: [[ring]] } })).toMatch(
      /polygon\[0\]\[0\]\[4\]\[0\]: "1" is not a finite/,
    );
  });
});

/** Points on a slanted line, out and back. */
function line(points: number): Position[] {
  return Array.from({ length: points }, (_, i) => {
    const at = Math.min(i, points - i);
    return [3 + at * 7, 5 + at * 3];
  });
}

describe('a mask', () => {
  const half = new Uint8Array(200 * 100).fill(1, 0, 200 * 50);

  it('of the size of its image stays as it is', () => {
    const mask = encodeMask(half, 200, 100);
    expect(regionOf({ mask })).toEqual({ region: { mask }, warnings: [] });
  });

  it('with runs of 0 inside is written in the one form that its pixels have', () => {
    const odd = {
      size: [100, 200] as [number, number],
      counts: formatRuns(Uint32Array.of(5, 5, 0, 5, 19_985)),
    };
    const plain = { size: [100, 200], counts: formatRuns(Uint32Array.of(5, 10, 19_985)) };
    expect(regionOf({ mask: odd }).region).toEqual({ mask: plain });
  });

  it('of another size is a problem that names both', () => {
    expect(codeOf({ region: { mask: encodeMask(half, 100, 200) } })).toBe(
      'MASK_SIZE_MISMATCH the mask has 100 × 200 px, and its image 200 × 100 px',
    );
  });

  it('whose runs do not fill it is invalid', () => {
    const mask = { size: [100, 200] as [number, number], counts: formatRuns(Uint32Array.of(5, 10, 20)) };
    expect(codeOf({ region: { mask } })).toMatch(/^MASK_INVALID mask: its runs cover 35 pixels/);
    expect(codeOf({ region: { mask: { ...mask, counts: 'no mask' } } })).toMatch(/^MASK_INVALID/);
  });

  it('without pixels is degenerate', () => {
    expect(codeOf({ region: { mask: encodeMask(new Uint8Array(20_000), 200, 100) } })).toMatch(
      /^REGION_DEGENERATE/,
    );
  });

  it('with sides that are no numbers of pixels is named', () => {
    const mask = { ...encodeMask(half, 200, 100), size: [100, 0.5] as [number, number] };
    expect(codeOf({ region: { mask } })).toMatch(/^ANNOTATION_INVALID_ARGUMENT mask\.size\[1\]/);
  });

  it('of more pixels than runs can count is refused before it is read', () => {
    const mask = { size: [100_000, 100_000] as [number, number], counts: '' };
    expect(codeOf({ region: { mask } })).toMatch(/^MASK_INVALID/);
  });
});

describe('points', () => {
  it('are normalised with all that they say', () => {
    const point = { x: 50, y: 50, z: 3, visibility: 'visible' as const, name: 'nose' };
    expect(regionOf({ point }).region).toEqual({ point: { ...point, x: 0.25, y: 0.5 } });
  });

  it('outside are outside', () => {
    expect(codeOf({ region: { point: { x: 201, y: 50 } } })).toMatch(/^REGION_OUTSIDE the point/);
  });

  it('of a skeleton are moved to the edge while one is inside', () => {
    const keypoints = [
      { x: 20, y: 20 },
      { x: 260, y: 50 },
    ];
    expect(regionOf({ keypoints })).toEqual({
      region: {
        keypoints: [
          { x: 0.1, y: 0.2 },
          { x: 1, y: 0.5 },
        ],
      },
      warnings: ['REGION_CLAMPED'],
    });
    expect(codeOf({ region: { keypoints: keypoints.slice(1) } })).toMatch(/^REGION_OUTSIDE every key point/);
  });

  it('that are not present lie where they will', () => {
    const keypoints = [
      { x: 20, y: 20 },
      { x: -1, y: -1, visibility: 'not_present' as const },
    ];
    expect(regionOf({ keypoints }).warnings).toEqual([]);
  });

  it('that are wrong are named', () => {
    const odd = { x: 1, y: 1, visibility: 'hidden' as 'visible' };
    expect(codeOf({ region: { keypoints: [odd] } })).toMatch(
      /keypoints\[0\]\.visibility: "hidden" is not one of/,
    );
    expect(codeOf({ region: { keypoints: [] } })).toMatch(/^REGION_DEGENERATE/);
    expect(codeOf({ region: { point: { x: 1, y: Number.NaN } } })).toMatch(/point\.y: NaN is not a finite/);
  });
});

describe('the size that the labels state', () => {
  const of = (width: number, height: number, orientation?: number): AnnotationTarget => ({
    ...IMAGE,
    media: { ...IMAGE.media, ...(orientation === undefined ? {} : { orientation }) },
    labelledSize: { width, height },
  });
  const given = { box: box(10, 10, 50, 30) };

  it('scales labels of a resized copy, with a warning', () => {
    expect(regionOf(given, of(100, 50))).toEqual({
      region: { box: { top: 0.2, left: 0.1, bottom: 0.6, right: 0.5 } },
      warnings: ['LABELLED_SIZE_DIFFERS'],
    });
    expect(regionOf(given, of(1008, 500)).warnings).toEqual(['LABELLED_SIZE_DIFFERS']);
    expect(codeOf({ region: given }, of(1012, 500))).toMatch(/not a resized copy/);
  });

  it('turns labels of the stored pixels, and of a resized copy of them', () => {
    // Orientation 6: what is at the left of the stored pixels is at the top.
    const upright = { top: 0.1, left: 1 - 30 / 200, bottom: 0.5, right: 1 - 10 / 200 };
    expect(regionOf(given, of(100, 200, 6))).toEqual({
      region: { box: upright },
      warnings: ['LABELLED_SIZE_DIFFERS'],
    });
    const half = regionOf({ box: box(5, 5, 25, 15) }, of(50, 100, 6));
    expect(half).toEqual({ region: { box: upright }, warnings: ['LABELLED_SIZE_DIFFERS'] });
  });

  it('makes problems of regions alone when it is the size of another image', () => {
    const { annotations, problems, warnings } = checkAnnotations(
      [draft({ region: given }), draft({ concepts: [cat] })],
      of(100, 100),
    );
    expect(annotations).toHaveLength(1);
    expect(warnings).toEqual([]);
    expect(problems).toEqual([
      {
        ref: 'labels.json#0',
        code: 'ANNOTATION_INVALID_ARGUMENT',
        message:
          'the labels were made on an image of 100 × 100 px, and this one is 200 × 100 px: not a resized copy',
        measured: '100 × 100 px',
        limit: '200 × 100 px',
      },
    ]);
  });

  it('says nothing when it is no size', () => {
    expect(regionOf(given, of(0, Number.NaN)).warnings).toEqual([]);
  });

  it('is enough where the media has none, and pixels without any cannot be placed', () => {
    const media = { format: 'heic' };
    expect(regionOf(given, { ...of(100, 50), media }).warnings).toEqual([]);
    expect(codeOf({ region: given }, { ...IMAGE, media })).toMatch(/cannot be placed/);
    expect(
      check({ region: { box: box(0, 0, 1, 1) }, unit: 'normalised' }, { ...IMAGE, media }).problems,
    ).toEqual([]);
  });
});

describe('the kind of the input', () => {
  const of = (kind: Kind): AnnotationTarget => ({ inputId: 'x', kind, media: { format: kind } });
  const region = { box: box(0, 0, 1, 1) };

  it.each<[Kind, Partial<AnnotationDraft>]>([
    ['audio', { region }],
    ['text', { region }],
    ['image', { span: { start: 0, end: 1 } }],
    ['video', { span: { start: 0, end: 1 } }],
    ['image', { frame: { timeMs: 0 } }],
    ['audio', { frame: { timeMs: 0 } }],
    ['image', { segment: { beginMs: 0, endMs: 1 } }],
    ['text', { segment: { beginMs: 0, endMs: 1 } }],
  ])('%s does not have %o', (kind, rest) => {
    expect(codeOf(rest, of(kind))).toMatch(/^ANNOTATION_KIND_MISMATCH/);
  });

  it('video has regions in frames only', () => {
    expect(codeOf({ region, unit: 'normalised' }, VIDEO)).toMatch(/needs the frame/);
    expect(check({ region, unit: 'normalised', frame: { timeMs: 0, index: 0 } }, VIDEO).problems).toEqual([]);
  });
});

describe('times and spans', () => {
  it('lie within the recording', () => {
    expect(check({ frame: { timeMs: 5000 } }, VIDEO).problems).toEqual([]);
    expect(codeOf({ frame: { timeMs: 5001 } }, VIDEO)).toMatch(
      /frame\.timeMs: 5001 ms is beyond the duration, 5000 ms/,
    );
    expect(codeOf({ frame: { timeMs: -1 } }, VIDEO)).toMatch(/frame\.timeMs/);
    expect(codeOf({ frame: { timeMs: 1, index: 1.5 } }, VIDEO)).toMatch(/frame\.index/);
    expect(codeOf({ segment: { beginMs: 5001, endMs: 6000 } }, VIDEO)).toMatch(/segment\.beginMs/);
  });

  it('of a segment run forward and end with the recording', () => {
    const { annotations, warnings } = check({ segment: { beginMs: 4000, endMs: 9000 } }, VIDEO);
    expect(annotations[0]!.segment).toEqual({ beginMs: 4000, endMs: 5000 });
    expect(warnings).toEqual(['REGION_CLAMPED']);
    expect(codeOf({ segment: { beginMs: 3, endMs: 3 } }, VIDEO)).toMatch(/segment\.endMs: 3 is not after/);
    expect(codeOf({ segment: { beginMs: 3, endMs: Number.NaN } }, VIDEO)).toMatch(/finite/);
  });

  it('of a text lie within it', () => {
    const text: AnnotationTarget = { inputId: 't', kind: 'text', media: { format: 'text' }, textLength: 10 };
    expect(check({ span: { start: 0, end: 10, text: 'characters' } }, text).problems).toEqual([]);
    expect(codeOf({ span: { start: 5, end: 11 } }, text)).toMatch(/span\.end: 11 is beyond the text/);
    expect(codeOf({ span: { start: 5, end: 5 } }, text)).toMatch(/span\.end/);
    expect(codeOf({ span: { start: 0.5, end: 5 } }, text)).toMatch(/span\.start/);
  });
});

describe('what an annotation says', () => {
  it('is kept field by field', () => {
    const rest = {
      concepts: [cat, { id: 'dog', name: 'Dog', value: 0 }],
      trackId: '7',
      text: 'STOP',
      geo: { latitude: 1, longitude: 2 },
      metadata: { a: 1 },
      info: { coco: { iscrowd: 1 } },
      score: 0.5,
      status: 'awaiting_review' as const,
      annotator: 'ann',
      createdAt: '2024-05-06T07:08:09.123456Z',
      modifiedAt: '2024-05-06T07:08:09+02:00',
    };
    expect(check({ id: '1', ...rest }).annotations).toEqual([
      { id: '1', ...rest, modifiedAt: '2024-05-06T05:08:09.000Z' },
    ]);
  });

  it.each<[Partial<AnnotationDraft>, RegExp]>([
    [{}, /says nothing/],
    [{ score: 0.5, trackId: '1', annotator: 'a' }, /says nothing/],
    [{ region: {} }, /none of box/],
    [{ concepts: [{ ...cat, value: 2 }] }, /concepts\[0\]\.value: 2 is not within 0…1/],
    [{ concepts: [{ ...cat, id: '' }] }, /concepts\[0\]\.id/],
    [{ concepts: [cat], score: Number.NaN }, /score/],
    [{ concepts: [cat], status: 'good' as 'success' }, /status: "good" is not one of success/],
    [{ concepts: [cat], geo: { latitude: 91, longitude: 0 } }, /geo\.latitude/],
    [{ concepts: [cat], createdAt: 'yesterday' }, /createdAt: "yesterday" is not an ISO 8601 time/],
    [{ concepts: [cat], createdAt: '2024-13-01' }, /createdAt/],
    [{ concepts: [cat], id: '' }, /^ANNOTATION_INVALID_ARGUMENT id/],
  ])('must be right: %o', (rest, message) => {
    const found = codeOf(rest);
    expect(found).toMatch(/^ANNOTATION_INVALID_ARGUMENT/);
    expect(found).toMatch(message);
  });

  it('reads a time without a zone as UTC', () => {
    const at = (createdAt: string) => check({ concepts: [cat], createdAt }).annotations[0]!.createdAt;
    expect(at('2024-05-06 07:08:09')).toBe('2024-05-06T07:08:09.000Z');
    expect(at('2024-05-06')).toBe('2024-05-06T00:00:00.000Z');
  });
});

describe('ids', () => {
  const idsOf = (entries: AnnotationEntry[], inputId = 'photo') =>
    checkAnnotations(entries, { ...IMAGE, inputId }).annotations.map(({ id }) => id);

  it('that are given stay, and the second of two is a problem', () => {
    const { annotations, problems } = checkAnnotations(
      [draft({ id: '7', concepts: [cat] }), draft({ id: '7', concepts: [cat], ref: 'second' })],
      IMAGE,
    );
    expect(annotations.map(({ id }) => id)).toEqual(['7']);
    expect(problems).toMatchObject([{ ref: 'second', code: 'ANNOTATION_DUPLICATE', measured: '7' }]);
  });

  it('are free again when the first of two is no annotation', () => {
    expect(idsOf([draft({ id: '7' }), draft({ id: '7', concepts: [cat] })])).toEqual(['7']);
  });

  it('are derived of the input, of what is said and of which of equal ones it is', () => {
    const [first, second, other] = idsOf([
      draft({ concepts: [cat] }),
      draft({ concepts: [cat] }),
      draft({ concepts: [{ ...cat, value: 0 }] }),
    ]);
    expect(new Set([first, second, other]).size).toBe(3);
    expect(idsOf([draft({ concepts: [cat], ref: 'elsewhere', createdAt: '2024-01-01' })])).toEqual([first]);
    expect(idsOf([draft({ concepts: [cat] })], 'other photo')).not.toEqual([first]);
    expect(idsOf([draft({ concepts: [cat], metadata: { a: 1, b: [{ c: 1, d: 2 }] } })])).toEqual(
      idsOf([draft({ concepts: [cat], metadata: { b: [{ d: 2, c: 1 }], a: 1 } })]),
    );
  });

  it('that are derived keep clear of those that are given', () => {
    const [derived] = idsOf([draft({ concepts: [cat] })]);
    const ids = idsOf([draft({ concepts: [cat] }), draft({ id: derived!, concepts: [cat] })]);
    expect(ids).toContain(derived);
    expect(new Set(ids).size).toBe(2);
  });
});

it('hands on what was a problem already', () => {
  const problem = { ref: 'labels.json#1', code: 'CONCEPT_UNKNOWN' as const, message: 'no class 9' };
  expect(checkAnnotations([problem], IMAGE)).toEqual({ annotations: [], problems: [problem], warnings: [] });
});

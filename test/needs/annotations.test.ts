import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { areaOf, encodeColumns, formatRuns, parseRuns } from '../../src/annotations/runs.ts';
import { openReader, type PipelineFile } from '../../src/index.ts';
import type { Box } from '../../src/model/annotation.ts';
import { makeMedia } from '../media/fixtures.ts';
import {
  cocoOf,
  folderOf,
  HEIGHT,
  only,
  plainPng,
  problemsOf,
  runLabelled,
  WIDTH,
} from '../support/annotated.ts';
import { maskPng } from '../support/mask-png.ts';
import { storedIn } from '../support/stored.ts';

const coco: NonNullable<PipelineFile['annotate']> = [{ coco: { file: 'coco.json' } }];
const boxOf = (x: number, y: number, width: number, height: number) => ({
  ...{ category_id: 1, bbox: [x, y, width, height] },
});

describe('boxes on images that are stored turned', () => {
  /** Of the stored pixels, 40 × 20: one at each corner, one inside; no two alike when mirrored. */
  const BOXES = [
    [0, 0, 6, 3],
    [33, 0, 7, 4],
    [0, 15, 9, 5],
    [30, 18, 10, 2],
    [12, 5, 8, 6],
  ] as const;

  async function turned(
    [x, y, width, height]: readonly [number, number, number, number],
    orientation: number,
  ) {
    const pixels = new Uint8Array(WIDTH * HEIGHT);
    for (let row = y; row < y + height; row++) pixels.fill(255, row * WIDTH + x, row * WIDTH + x + width);
    const file = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
      .png()
      .withMetadata({ orientation })
      .toBuffer();
    return { file, seen: await whiteIn(file) };
  }

  /** Where a viewer that applies the orientation shows white, in its pixels. */
  async function whiteIn(file: Buffer): Promise<{ box: Box; width: number; height: number }> {
    const { data, info } = await sharp(file)
      .autoOrient()
      .extractChannel(0)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const box = { top: height, left: width, bottom: 0, right: 0 };
    for (const [at, value] of data.entries()) {
      if (value < 128) continue;
      const [x, y] = [at % width, Math.floor(at / width)];
      box.top = Math.min(box.top, y);
      box.left = Math.min(box.left, x);
      box.bottom = Math.max(box.bottom, y + 1);
      box.right = Math.max(box.right, x + 1);
    }
    return { box, width, height };
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('with orientation %i lie on what they are of', async (orientation) => {
    const files: Record<string, Buffer> = {};
    const document = {
      images: [] as object[],
      annotations: [] as object[],
      categories: [{ id: 1, name: 'white' }],
    };
    const expected = new Map<string, { box: Box; width: number; height: number }>();
    for (const [i, box] of BOXES.entries()) {
      const { file, seen } = await turned(box, orientation);
      const { top, left, bottom, right } = seen.box;
      const drawn = {
        upright: { width: seen.width, height: seen.height, bbox: [left, top, right - left, bottom - top] },
        // Tools that do not know of EXIF; that they did is told by the size that they state.
        ...(orientation >= 5 || orientation === 1
          ? { raw: { width: WIDTH, height: HEIGHT, bbox: box } }
          : {}),
      };
      for (const [how, { width, height, bbox }] of Object.entries(drawn)) {
        const name = `${how}-${i}.png`;
        files[name] = file;
        expected.set(name, seen);
        const id = document.images.push({ id: expected.size, file_name: name, width, height });
        document.annotations.push({ id, image_id: id, category_id: 1, bbox });
      }
    }
    const dir = await folderOf({ 'source/coco.json': document });
    for (const [name, file] of Object.entries(files)) await writeFile(join(dir, 'source', name), file);
    const { store, lines } = await runLabelled(dir, { source: 'source', annotate: coco });
    const inputs = await storedIn(store);
    expect(inputs).toHaveLength(expected.size);
    for (const { uri, media, annotations } of inputs) {
      const { box, width, height } = expected.get(uri)!;
      expect(media).toMatchObject({ width, height, ...(orientation === 1 ? {} : { orientation }) });
      const stored = only(annotations).region!.box!;
      expect(stored.left * width, uri).toBeCloseTo(box.left, 9);
      expect(stored.top * height, uri).toBeCloseTo(box.top, 9);
      expect(stored.right * width, uri).toBeCloseTo(box.right, 9);
      expect(stored.bottom * height, uri).toBeCloseTo(box.bottom, 9);
      const isTurned = uri.startsWith('raw') && orientation >= 5;
      expect(lines.get(uri)?.warnings ?? [], uri).toEqual(isTurned ? ['LABELLED_SIZE_DIFFERS'] : []);
    }
  });
});

test('a frame of a video with a variable rate is known by its presentation time, whatever its index', async () => {
  const dir = await folderOf({});
  await mkdir(join(dir, 'source'));
  // Ten frames 100 ms apart, then ten 200 ms apart: index / rate would be wrong for half of them.
  const pts = "setpts='if(lt(N,10),N*0.1,1+(N-10)*0.2)/TB'";
  await makeMedia([
    '-map',
    '0:v',
    '-vf',
    pts,
    '-fps_mode',
    'vfr',
    '-video_track_timescale',
    '1000',
    join(dir, 'source/v.mp4'),
  ]);
  const at = (id: string, frame: object) => ({
    id,
    frame,
    concepts: [{ id: 'x' }],
    region: { box: { top: 0.1, left: 0.1, bottom: 0.5, right: 0.5 } },
  });
  await folderOf(
    {
      'source/v.mp4.json': {
        annotations: [
          at('early', { timeMs: 900, index: 9 }),
          at('late', { timeMs: 2600, index: 18 }),
          at('no-index', { timeMs: 1200.5 }),
          at('beyond', { timeMs: 60_000, index: 600 }),
          at('no-time', { index: 3 }),
        ],
      },
    },
    dir,
  );
  const { store, lines } = await runLabelled(dir, { source: { folder: { path: 'source', sidecar: true } } });
  const [video] = await storedIn(store);
  expect(video!.media.durationMs).toBeGreaterThan(2700);
  expect(video!.annotations.map(({ id, frame }) => [id, frame])).toEqual([
    ['early', { timeMs: 900, index: 9 }],
    ['late', { timeMs: 2600, index: 18 }],
    ['no-index', { timeMs: 1200.5 }],
  ]);
  const problems = problemsOf(lines.get('v.mp4'));
  expect(problems.join('\n')).toMatch(/frame\.timeMs: 60000 ms is beyond the duration, \d+(\.\d+)? ms/);
  expect(problems.join('\n')).toMatch(/timeMs/);
  expect(problems).toHaveLength(2);
});

describe('names that are not plain', () => {
  const nfc = 'caf\u00e9';
  const nfd = 'cafe\u0301';
  /** What stands on the disk, and how the labels spell it. */
  const SPELLED: [onDisk: string, inLabels: string][] = [
    [`composed/${nfc}.png`, `composed/${nfd}.png`],
    [`decomposed/${nfd}.png`, `decomposed/${nfc}.png`],
    ['emoji/\u{1f980}.png', 'emoji/\u{1f980}.png'],
    ['encoded/\u{1f980} b.png', 'encoded/%F0%9F%A6%80%20b.png'],
    ['percent/a%20b.png', 'percent/a%20b.png'],
    ['dots/a.b.c.png', 'dots/a.b.c.png'],
    // Each of the two has its own labels; on macOS both names are one file.
    ...(process.platform === 'linux'
      ? ([
          [`pair/${nfc}.png`, `pair/${nfc}.png`],
          [`pair/${nfd}.png`, `pair/${nfd}.png`],
          ['pair/x y.png', 'pair/x y.png'],
          ['pair/x%20y.png', 'pair/x%20y.png'],
          ['dots/trailing.png.', 'dots/trailing.png.'],
        ] as [string, string][])
      : []),
  ];
  const label = (i: number) => `label-${i}`;
  const images = Object.fromEntries(SPELLED.map(([onDisk], i) => [`source/${onDisk}`, i]));

  /** The labels that each file on disk must have, by uri. */
  const expected = Object.fromEntries(SPELLED.map(([onDisk], i) => [onDisk, [label(i)]]));

  const imagesIn = async (store: string) => (await storedIn(store)).filter(({ kind }) => kind === 'image');

  test('are found in a COCO file', async () => {
    const dir = await folderOf({
      ...images,
      'source/coco.json': cocoOf(
        Object.fromEntries(SPELLED.map(([, inLabels], i) => [inLabels, i + 1])),
        SPELLED.map((_, i) => ({ ...boxOf(1, 1, 5, 5), id: i + 1, image_id: i + 1, category_id: i })),
        SPELLED.map((_, i) => ({ id: i, name: label(i) })),
      ),
    });
    const { store, report } = await runLabelled(dir, { source: 'source', annotate: coco });
    const found = await imagesIn(store);
    expect(
      Object.fromEntries(
        found.map(({ uri, annotations }) => [uri, annotations.map(({ concepts }) => concepts[0]?.id)]),
      ),
    ).toEqual(expected);
    expect(report).toMatchObject({ exitCode: 0, totals: { rejected: 0 } });
  });

  test('are found in the metadata of a Hugging Face folder', async () => {
    const rows = SPELLED.map(([, inLabels], i) => JSON.stringify({ file_name: inLabels, label: label(i) }));
    const dir = await folderOf({ ...images, 'source/metadata.jsonl': `${rows.join('\n')}\n` });
    const { store, report } = await runLabelled(dir, { source: 'source', annotate: [{ huggingface: {} }] });
    const found = await imagesIn(store);
    expect(Object.fromEntries(found.map(({ uri, concepts }) => [uri, concepts.map(({ id }) => id)]))).toEqual(
      expected,
    );
    expect(report).toMatchObject({ exitCode: 0, totals: { rejected: 0 } });
  });

  test('are found as masks', async () => {
    const dir = await folderOf(images);
    for (const [i, [, inLabels]] of SPELLED.entries()) {
      const path = join(dir, 'source/masks', `${inLabels}.png`);
      await mkdir(join(path, '..'), { recursive: true });
      const pixels = Array.from({ length: HEIGHT }, () => new Array<number>(WIDTH).fill(i + 1));
      await writeFile(path, maskPng(pixels, { bitDepth: 8, colourType: 0 }));
    }
    const classes = Object.fromEntries(SPELLED.map((_, i) => [i + 1, label(i)]));
    const { store, report } = await runLabelled(dir, {
      source: 'source',
      annotate: [{ masks: { pattern: 'masks/{dir}/{name}.png', classes } }],
    });
    const found = await imagesIn(store);
    expect(
      Object.fromEntries(found.map(({ uri, annotations }) => [uri, annotations.map(({ id }) => id)])),
    ).toEqual(expected);
    expect(report).toMatchObject({ exitCode: 0, totals: { rejected: 0 } });
  });

  test('are found by the rows of a CSV', async () => {
    const rows = SPELLED.map(([, inLabels], i) => `source/${inLabels},${label(i)}`);
    const dir = await folderOf({ ...images, 'rows.csv': `input,concepts\n${rows.join('\n')}\n` });
    const { store } = await runLabelled(dir, {
      source: { csv: { path: 'rows.csv', csvType: 'file' } },
    });
    const shades = await Promise.all(SPELLED.map(async (_, i) => (await plainPng(i)).toString('base64')));
    expect(new Set(shades).size).toBe(SPELLED.length);
    expect((await imagesIn(store)).flatMap(({ concepts }) => concepts.map(({ id }) => id)).sort()).toEqual(
      SPELLED.map((_, i) => label(i)).sort(),
    );
  });
});

describe('the categories of COCO', () => {
  const conceptsOf = async (store: string) => {
    const reader = await openReader(store);
    try {
      return await reader.listConcepts();
    } finally {
      reader.close();
    }
  };

  test.each([0, 1])(
    'numbered from %i keep their numbers and order, also when a class comes in between',
    async (base) => {
      const dir = await folderOf({ 'source/a.png': 1 });
      const store = join(dir, 'store');
      const ingest = async (names: string[]) => {
        const categories = names.map((name, i) => ({ id: base + i, name, supercategory: 'thing' }));
        const annotations = names.map((_, i) => ({
          ...boxOf(1 + i, 1, 5, 5),
          id: i + 1,
          image_id: 1,
          category_id: base + i,
        }));
        await folderOf({ 'source/coco.json': cocoOf({ 'a.png': 1 }, annotations, categories) }, dir);
        return runLabelled(
          dir,
          { source: 'source', annotate: coco, sink: { local: { onAnnotations: 'replace' } } },
          store,
        );
      };
      await ingest(['zebra', 'ant']);
      const before = await conceptsOf(store);
      expect(before).toEqual([
        { id: 'zebra', name: 'zebra', sourceId: base, supercategory: 'thing' },
        { id: 'ant', name: 'ant', sourceId: base + 1, supercategory: 'thing' },
      ]);
      await ingest(['zebra', 'moose', 'ant']);
      const after = await conceptsOf(store);
      expect(after.slice(0, 2)).toEqual(before);
      expect(after.map(({ id }) => id)).toEqual(['zebra', 'ant', 'moose']);
      const [input] = await storedIn(store);
      expect(input!.annotations.map(({ concepts }) => concepts[0]?.id)).toEqual(['zebra', 'moose', 'ant']);
    },
  );
});

describe('outlines', () => {
  /** As COCO's compressed run-length encoding, of a function of the pixels. */
  const rleOf = (isSet: (x: number, y: number) => boolean) => {
    const bitmap = new Uint8Array(WIDTH * HEIGHT);
    for (let x = 0; x < WIDTH; x++)
      for (let y = 0; y < HEIGHT; y++) bitmap[x * HEIGHT + y] = isSet(x, y) ? 1 : 0;
    return { size: [HEIGHT, WIDTH], counts: formatRuns(encodeColumns(bitmap)) };
  };
  const ring = (x: number, y: number) => {
    const within = (inset: number) => x >= 5 + inset && x < 25 - inset && y >= 2 + inset && y < 18 - inset;
    return within(0) && !within(4);
  };
  const islands = [
    [2, 2, 10, 2, 10, 8, 2, 8],
    [20, 10, 30, 10, 30, 18, 20, 18],
  ];

  test('with a hole, of two islands, of one pixel and of none are all kept or named, and nothing else of them is lost', async () => {
    const object = { image_id: 1, category_id: 1 };
    const annotations = [
      { ...object, id: 11, segmentation: rleOf(ring), area: 224, iscrowd: 1 },
      { ...object, id: 12, segmentation: islands, bbox: [2, 2, 28, 16], area: 128, iscrowd: 0 },
      { ...object, id: 13, segmentation: rleOf((x, y) => x === 39 && y === 19), area: 1, iscrowd: 0 },
      { ...object, id: 14, segmentation: rleOf(() => false), area: 0, iscrowd: 0 },
      {
        ...object,
        id: 15,
        segmentation: [],
        bbox: [3, 3, 4, 4],
        area: 16,
        iscrowd: 0,
        attributes: { occluded: true },
      },
      { ...object, id: 16, segmentation: [], area: 0, iscrowd: 0 },
    ];
    const dir = await folderOf({
      'source/a.png': 1,
      'source/b.png': 2,
      'source/masks/b.png': maskPng(
        Array.from({ length: HEIGHT }, (_, y) =>
          Array.from({ length: WIDTH }, (_x, x) => (ring(x, y) ? 1 : x === 0 && y === 0 ? 2 : 0)),
        ),
        { bitDepth: 8, colourType: 0 },
      ),
      'source/coco.json': cocoOf({ 'a.png': 1 }, annotations),
    });
    const { store, lines, report } = await runLabelled(dir, {
      source: 'source',
      annotate: [...coco, { masks: { classes: { 1: 'ring', 2: 'dot' } } }],
    });
    expect(report.annotations?.totals).toMatchObject({ listed: 8, ok: 6, rejected: 2 });
    expect(problemsOf(lines.get('a.png'))).toEqual([
      'REGION_DEGENERATE coco.json#annotations/14: mask: no pixel is set',
      expect.stringMatching(
        /^ANNOTATION_INVALID_ARGUMENT coco\.json#annotations\/16: it has segmentation, area, iscrowd, but neither/,
      ),
    ]);
    const [a, b] = await storedIn(store);
    const byId = new Map(a!.annotations.map((annotation) => [annotation.id, annotation]));
    expect(byId.get('11')!.region).toEqual({ mask: rleOf(ring) });
    expect(areaOf(parseRuns(byId.get('11')!.region!.mask!.counts))).toBe(20 * 16 - 12 * 8);
    expect(byId.get('12')!.region!.polygon).toHaveLength(2);
    expect(byId.get('13')!.region).toEqual({ mask: rleOf((x, y) => x === 39 && y === 19) });
    expect(byId.get('15')!.region).toEqual({
      box: { top: 3 / 20, left: 3 / 40, bottom: 7 / 20, right: 7 / 40 },
    });
    expect([...byId.values()].map(({ info }) => info?.['coco'])).toEqual([
      { id: 11, area: 224, iscrowd: 1 },
      { id: 12, area: 128, iscrowd: 0 },
      { id: 13, area: 1, iscrowd: 0 },
      { id: 15, area: 16, iscrowd: 0, attributes: { occluded: true } },
    ]);
    const areas = b!.annotations.map(({ id, region }) => [id, areaOf(parseRuns(region!.mask!.counts))]);
    expect(areas).toEqual([
      ['ring', 224],
      ['dot', 1],
    ]);
  });
});

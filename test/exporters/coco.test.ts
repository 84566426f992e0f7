import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskOfPolygon, maskOfRuns } from '../../src/annotations/mask.ts';
import { coco } from '../../src/exporters/coco.ts';
import type { Annotation, Region } from '../../src/model/annotation.ts';
import type { Clock } from '../../src/model/contracts.ts';
import type { MediaSource } from '../../src/model/export.ts';
import type { Input } from '../../src/model/input.ts';
import { testContext } from '../support/context.ts';
import { exportTo, memorySource, memoryTarget } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';

const WIDTH = 640;
const HEIGHT = 480;

const cat = { id: 'cat', name: 'cat', value: 1 };
const dog = { id: 'dog', name: 'dog', value: 1 };

/** In pixels of the image. */
const box = (left: number, top: number, width: number, height: number): Region => ({
  box: {
    left: left / WIDTH,
    top: top / HEIGHT,
    right: (left + width) / WIDTH,
    bottom: (top + height) / HEIGHT,
  },
});
const ring = (...flat: number[]): [number, number][] =>
  Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]! / WIDTH, flat[2 * i + 1]! / HEIGHT]);
const square = ring(10, 10, 50, 10, 50, 50, 10, 50);
const hole = ring(20, 20, 40, 20, 40, 40, 20, 40);

let count = 0;
const about = (region: Region | undefined, rest: Partial<Annotation> = {}): Annotation => ({
  id: `a-${count++}`,
  concepts: [cat],
  ...(region === undefined ? {} : { region }),
  ...rest,
});

const image = (id: string, annotations: Annotation[] = [], rest: Partial<Input> = {}): Input => ({
  id,
  kind: 'image',
  uri: `${id}.jpg`,
  sha256: '00',
  bytes: 5,
  media: { format: 'jpeg', width: WIDTH, height: HEIGHT },
  concepts: [],
  metadata: {},
  datasets: ['pets'],
  annotations,
  ...rest,
});

interface Coco {
  info: Record<string, unknown>;
  images: Record<string, unknown>[];
  annotations: (Record<string, unknown> & { bbox: number[]; segmentation: unknown })[];
  categories: Record<string, unknown>[];
}

async function read(folder: string, split = 'default'): Promise<Coco> {
  return JSON.parse(await readFile(join(folder, 'annotations', `instances_${split}.json`), 'utf8')) as Coco;
}

/** Exports without media and reads what was written. */
async function written(inputs: readonly Input[], options: object = {}, concepts = [cat, dog] as object[]) {
  const folder = join(await tempFolder(), 'out');
  const source = memorySource(inputs, { concepts: concepts as never });
  const { result, outcomes } = await exportTo(coco, source, memoryTarget(folder), {
    media: 'none',
    ...options,
  });
  return { ...result, outcomes, folder, coco: await read(folder) };
}

/** The objects that one image with this annotation has, and what was lost. */
async function objectsOf(annotation: Annotation, options: object = {}, concepts?: object[]) {
  const {
    coco: document,
    losses,
    annotations,
  } = await written([image('a', [annotation])], options, concepts);
  return { objects: document.annotations, losses, counts: annotations, document };
}

describe('an object in COCO', () => {
  it('has its box in the shortest decimals that are the very coordinates', async () => {
    const { objects } = await objectsOf(about(box(73.5, 0.1, 200.3, 99.99)));
    expect(objects).toEqual([
      {
        id: 1,
        image_id: 1,
        category_id: 1,
        bbox: [73.5, 0.1, 200.3, 99.99],
        area: 200.3 * 99.99,
        iscrowd: 0,
        segmentation: [],
      },
    ]);
  });

  it('comes back as it was, whatever decimals it has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 1, max: 20_000 }))), {
          minLength: 1,
          maxLength: 50,
        }),
        async (rows) => {
          const boxes = rows.map((row) => row.map((n) => n / 100));
          const { coco: document } = await written([
            image(
              'a',
              boxes.map(([l, t, w, h]) => about(box(l!, t!, w!, h!))),
            ),
          ]);
          expect(document.annotations.map(({ bbox }) => bbox)).toEqual(boxes);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('has a polygon of several parts as one object, with the area of its pixels', async () => {
    const other = ring(100.5, 100.5, 110.25, 100.5, 110.25, 120);
    const { objects } = await objectsOf(about({ polygon: [[square], [other]] }));
    expect(objects).toHaveLength(1);
    expect(objects[0]).toMatchObject({
      segmentation: [
        [10, 10, 50, 10, 50, 50, 10, 50],
        [100.5, 100.5, 110.25, 100.5, 110.25, 120],
      ],
      bbox: [10, 10, 100.25, 110],
    });
    expect(objects[0]!['area']).toBeGreaterThan(1600);
  });

  it('has a polygon with holes, and a mask, as a run-length mask that is no crowd', async () => {
    const polygon = [[square, hole]];
    const mask = maskOfPolygon(polygon, WIDTH, HEIGHT);
    for (const region of [{ polygon }, { mask }]) {
      const { objects, losses } = await objectsOf(about(region));
      expect(objects[0]).toMatchObject({
        segmentation: mask,
        area: 1200,
        iscrowd: 0,
        bbox: [10, 10, 40, 40],
      });
      expect(losses).toEqual({});
    }
  });

  it('has its outline as the option says', async () => {
    const plain = about({ polygon: [[square]] });
    const holed = about({ polygon: [[square, hole]] });
    expect((await objectsOf(plain, { segmentation: 'rle' })).objects[0]!.segmentation).toEqual(
      maskOfPolygon([[square]], WIDTH, HEIGHT),
    );
    const { objects, losses, counts } = await objectsOf(holed, { segmentation: 'polygon' });
    expect(objects[0]).toMatchObject({ segmentation: [], area: 1200, bbox: [10, 10, 40, 40] });
    expect(losses).toEqual({ masks: 1 });
    expect(counts).toEqual({ written: 1, leftOut: 0 });
  });

  it('has the area of its mask even where it has a box', async () => {
    const onePixel = maskOfRuns(Uint32Array.of(7, 1, WIDTH * HEIGHT - 8), WIDTH, HEIGHT);
    const { objects } = await objectsOf(about({ mask: onePixel, ...box(0, 0, 100, 100) }));
    expect(objects[0]).toMatchObject({ area: 1, bbox: [0, 0, 100, 100] });
  });

  it('keeps the area of its source if it is that of the outline, and corrects it if not', async () => {
    const { polygon } = { polygon: [[square]] };
    const of = (area: unknown) => objectsOf(about({ polygon }, { info: { coco: { area } } }));
    expect((await of(1600.25)).objects[0]!['area']).toBe(1600.25);
    const { objects, losses } = await of(9999);
    expect(objects[0]!['area']).toBe(1600);
    expect(losses).toEqual({ areas: 1 });
  });

  it('brings back what an imported file said beyond the model', async () => {
    const info = {
      coco: { id: 77, area: 100, iscrowd: 1, attributes: { occluded: true }, group: 3, num_keypoints: 9 },
    };
    const { objects } = await objectsOf(about(box(0, 0, 10, 10), { info, score: 0.5 }), {}, [
      { ...cat, sourceId: 17 },
    ]);
    expect(objects[0]).toEqual({
      id: 77,
      image_id: 1,
      category_id: 17,
      bbox: [0, 0, 10, 10],
      area: 100,
      iscrowd: 1,
      segmentation: [],
      score: 0.5,
      attributes: { occluded: true },
      group: 3,
    });
  });

  it('has the key points of its class by name, or else by order', async () => {
    const concepts = [{ ...cat, keypoints: ['nose', 'tail', 'ear'], skeleton: [[1, 2]] }];
    const points = [
      { name: 'tail', x: 0.5, y: 0.5, visibility: 'not_visible' as const },
      { name: 'nose', x: 0.25, y: 0.25 },
    ];
    const named = await objectsOf(about({ keypoints: points }), {}, concepts);
    expect(named.objects[0]).toMatchObject({
      keypoints: [160, 120, 2, 320, 240, 1, 0, 0, 0],
      num_keypoints: 2,
      bbox: [160, 120, 160, 120],
    });
    expect(named.document.categories[0]).toMatchObject({
      keypoints: ['nose', 'tail', 'ear'],
      skeleton: [[1, 2]],
    });
    const undeclared = await objectsOf(about({ keypoints: points }));
    expect(undeclared.objects[0]).toMatchObject({ keypoints: [320, 240, 1, 160, 120, 2] });
    expect(undeclared.losses).toEqual({ keypoints: 2 });
    const without = await objectsOf(about(box(0, 0, 10, 10)), {}, concepts);
    expect(without.objects[0]).toMatchObject({ keypoints: new Array(9).fill(0), num_keypoints: 0 });
  });

  it('of one key point has a box of a pixel inside the image', async () => {
    const { objects } = await objectsOf(about({ keypoints: [{ x: 1, y: 1 }] }));
    expect(objects[0]!.bbox).toEqual([WIDTH - 1, HEIGHT - 1, 1, 1]);
  });
});

describe('what COCO cannot say', () => {
  const negative = { ...dog, value: 0 };
  it.each<[string, Annotation, object, number, Record<string, number>]>([
    ['several concepts', about(box(0, 0, 9, 9), { concepts: [cat, dog] }), {}, 2, { 'several-concepts': 2 }],
    [
      'a negative concept',
      about(box(0, 0, 9, 9), { concepts: [cat, negative] }),
      {},
      1,
      { 'negative-regions': 1 },
    ],
    [
      'only negative ones',
      about(box(0, 0, 9, 9), { concepts: [negative] }),
      {},
      0,
      { 'negative-regions': 1 },
    ],
    ['no concept', about(box(0, 0, 9, 9), { concepts: [] }), {}, 0, { unlabelled: 1 }],
    [
      'no concept, with a category for it',
      about(box(0, 0, 9, 9), { concepts: [] }),
      { unlabelled: 'thing' },
      1,
      {},
    ],
    ['a point', about({ point: { x: 0.5, y: 0.5 } }), {}, 0, { points: 1 }],
    ['a caption', about(undefined, { concepts: [], info: { caption: 'a cat' } }), {}, 0, { captions: 1 }],
    [
      'details',
      about(box(0, 0, 9, 9), { trackId: 't', annotator: 'ann' }),
      {},
      1,
      { 'annotation-details': 1 },
    ],
  ])('is counted: a region with %s', async (_, annotation, options, objects, losses) => {
    const found = await objectsOf(annotation, options);
    expect(found.objects).toHaveLength(objects);
    expect(found.losses).toEqual(losses);
    expect(found.counts).toEqual(objects > 0 ? { written: 1, leftOut: 0 } : { written: 0, leftOut: 1 });
  });

  it('puts concepts of a whole image beside it', async () => {
    const {
      coco: document,
      losses,
      annotations,
    } = await written([
      image('a', [about(undefined, { concepts: [dog] })], { concepts: [{ ...cat, value: 0 }] }),
    ]);
    expect(document.images[0]).toMatchObject({ pos_category_ids: [2], neg_category_ids: [1] });
    expect(document.annotations).toEqual([]);
    expect(losses).toEqual({ 'image-concepts': 2 });
    expect(annotations).toEqual({ written: 1, leftOut: 0 });
  });

  it('skips other kinds of inputs', async () => {
    const { outcomes, coco: document } = await written([
      image('a', [], { kind: 'video', uri: 'a.mp4' }),
      image('b', [], { media: { format: 'jpeg' } }),
      image('c'),
    ]);
    expect(outcomes.map(({ inputId, outcome, code }) => [inputId, outcome, code])).toEqual([
      ['a', 'skipped', 'EXPORT_UNSUPPORTED'],
      ['b', 'skipped', 'EXPORT_UNSUPPORTED'],
      ['c', 'ok', 'EXPORTED'],
    ]);
    expect(document.images).toHaveLength(1);
  });
});

describe('the files of a COCO export', () => {
  it('name classes that share a name apart, and list those that are not used', async () => {
    const { coco: document } = await written([], {}, [cat, { id: 'c2', name: 'cat', supercategory: 'pet' }]);
    expect(document.categories).toEqual([
      { id: 1, name: 'cat', supercategory: '' },
      { id: 2, name: 'cat (c2)', supercategory: 'pet', concept_id: 'c2' },
    ]);
    expect(document.images).toEqual([]);
    expect(document.info).toMatchObject({ version: 'default@v1' });
  });

  it('number images and annotations anew where those of the source are not unique', async () => {
    const of = (id: number) => about(box(0, 0, 9, 9), { info: { coco: { id } } });
    const inputs = [
      image('a', [of(5), of(0)], { metadata: { coco: { id: 9, license: 3 } } }),
      image('b', [of(5), of(8)], { metadata: { coco: { id: 9 } } }),
      image('c', [of(5)], { split: 'val', metadata: { coco: { id: 9 } } }),
    ];
    const { coco: document, folder } = await written(inputs, {}, [{ ...cat, sourceId: 3 }]);
    expect(document.images.map(({ id, license }) => [id, license])).toEqual([
      [10, 3],
      [11, undefined],
    ]);
    expect(document.annotations.map(({ id }) => id)).toEqual([9, 10, 11, 8]);
    const val = await read(folder, 'val');
    expect([val.images[0]!['id'], val.annotations[0]!['id']]).toEqual([9, 5]);
    const anew = await written(inputs, { keepSource: false }, [{ ...cat, sourceId: 3 }]);
    expect(anew.coco.annotations.map(({ id, category_id }) => [id, category_id])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1],
    ]);
  });

  it('keep the numbers of classes when one is added', async () => {
    const folder = await tempFolder();
    const categories = async (concepts: object[]) => {
      const out = join(folder, `out-${concepts.length}`);
      const options = { media: 'none', order: 'alphabetical', classMap: join(folder, 'map.json') };
      await exportTo(coco, memorySource([], { concepts: concepts as never }), memoryTarget(out), options);
      return (await read(out)).categories.map(({ id, name }) => [id, name]);
    };
    expect(await categories([dog, cat])).toEqual([
      [1, 'cat'],
      [2, 'dog'],
    ]);
    expect(await categories([{ id: 'ant', name: 'ant' }, cat, dog])).toEqual([
      [1, 'cat'],
      [2, 'dog'],
      [3, 'ant'],
    ]);
  });

  it('hold each split with its images, copied byte for byte', async () => {
    const base = await tempFolder();
    const folder = join(base, 'out.part');
    const media = new Map<string, MediaSource>();
    const inputs = [
      image('a', [about(box(0, 0, 9, 9))], { split: 'train', uri: 'x/1.jpg' }),
      image('b', [], { split: 'train', uri: 'y/1.jpg' }),
      image('c', [about(box(0, 0, 9, 9))], { split: 'a/b' }),
      image('d', [about(box(0, 0, 9, 9))]),
    ];
    for (const { id } of inputs.slice(0, 3)) {
      const path = join(base, `blob-${id}`);
      await writeFile(path, `img ${id}`);
      media.set(id, { path, bytes: 5 });
    }
    const { result, outcomes } = await exportTo(coco, memorySource(inputs, { media }), memoryTarget(folder));
    expect(outcomes.map(({ code }) => code)).toEqual(['EXPORTED', 'EXPORTED', 'EXPORTED', 'INPUT_NOT_FOUND']);
    const train = await read(folder, 'train');
    const names = train.images.map(({ file_name }) => String(file_name));
    expect(names).toEqual(['1.jpg', expect.stringMatching(/^1-[0-9a-z]{16}\.jpg$/)]);
    for (const [i, id] of ['a', 'b'].entries())
      expect(await readFile(join(folder, 'images', 'train', names[i]!), 'utf8')).toBe(`img ${id}`);
    expect((await read(folder, 'a_b')).images[0]).toMatchObject({ input_id: 'c', file_name: 'c.jpg' });
    expect(result.annotations).toEqual({ written: 2, leftOut: 0 });
    expect(result.files.map(({ path }) => path)).toEqual([
      'annotations/instances_a_b.json',
      'annotations/instances_train.json',
      'images/a_b/c.jpg',
      ...names.map((name) => `images/train/${name}`).sort(),
    ]);
    const paths = await readdir(folder, { recursive: true });
    expect(paths.filter((path) => path.includes('.')).length).toBe(result.files.length);
    expect(await readdir(base)).toContain('out.class-map.json');
  });
});

describe('a COCO export that was cut off', () => {
  /** Each look at the time is ten seconds after the last, so that every input is followed by a checkpoint. */
  const hasty: () => Clock = () => {
    let now = 0;
    return { now: () => (now += 10_000), sleep: async () => {} };
  };

  async function dataset(base: string) {
    const media = new Map<string, MediaSource>();
    const inputs = Array.from({ length: 30 }, (_, i) => {
      const of = Array.from({ length: i % 4 }, (_, k) => about(box(i, k, 9.5, 9), { id: `${i}-${k}` }));
      return image(`id-${100 + i}`, of, {
        uri: `${i % 7}/${i % 5}.jpg`,
        split: ['train', 'val', 'x/y'][i % 3]!,
      });
    });
    for (const { id } of inputs.filter((_, i) => i !== 7)) {
      await writeFile(join(base, id), id.slice(-5));
      media.set(id, { path: join(base, id), bytes: 5 });
    }
    return memorySource(inputs, { media, concepts: [{ ...cat, sourceId: 4 }] });
  }

  async function bytesOf(folder: string): Promise<Record<string, string>> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const pairs = files
      .sort()
      .map(async (path) => [path.slice(folder.length), await readFile(path, 'latin1')]);
    return Object.fromEntries(await Promise.all(pairs)) as Record<string, string>;
  }

  it('ends with the same bytes wherever that was', async () => {
    const base = await tempFolder();
    const source = await dataset(base);
    const options = { classMap: join(base, 'map.json') };
    const whole = await exportTo(coco, source, memoryTarget(join(base, 'whole')), options);
    const expected = await bytesOf(join(base, 'whole'));
    for (const [i, stop] of [1, 9, 29, 30, 31].entries()) {
      const folder = join(base, `cut-${i}`);
      const target = memoryTarget(folder);
      const { save } = target;
      let saves = 0;
      let failing = true;
      target.save = async (state) => {
        if (failing && ++saves > stop) throw new Error('killed');
        await save(state);
      };
      const ctx = testContext({ clock: hasty() });
      const first = exportTo(coco, source, target, options, ctx);
      if (stop < 31) await expect(first).rejects.toThrow('killed');
      else await first;
      failing = false;
      // What was written after the checkpoint, and media that a power cut took.
      const lists = join(folder, 'annotations');
      for (const name of await readdir(lists))
        if (stop < 31) await writeFile(join(lists, name), 'torn', { flag: 'a' });
      await mkdir(join(folder, 'images', 'train'), { recursive: true });
      await writeFile(join(folder, 'images', 'train', '0.jpg'), '');
      const second = await exportTo(coco, source, memoryTarget(folder, target.saved.at(-1)), options, ctx);
      expect(await bytesOf(folder)).toEqual(expected);
      expect(second.result).toEqual(whole.result);
      expect(second.outcomes).toEqual(whole.outcomes.slice(Math.min(stop, 30)));
    }
  });

  it('is not gone on with when the class map has changed', async () => {
    const base = await tempFolder();
    const source = await dataset(base);
    const target = memoryTarget(join(base, 'out'));
    await exportTo(coco, source, target);
    const again = memoryTarget(join(base, 'out'), target.saved[0]);
    await expect(
      exportTo(coco, source, again, { classMap: join(base, 'other.json'), keepSource: false }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('lets go of its files when it is left', async () => {
    const base = await tempFolder();
    const writing = coco.write(
      await dataset(base),
      memoryTarget(join(base, 'out')),
      coco.options.parse({}),
      testContext(),
    );
    await writing.next();
    await writing.return(undefined as never);
    expect((await writing.next()).done).toBe(true);
  });
});

import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { formatRuns } from '../../src/annotations/runs.ts';
import { maskOptions } from '../../src/labels/mask-options.ts';
import { masks } from '../../src/labels/masks.ts';
import { isProblem } from '../../src/model/annotation.ts';
import { testContext } from '../support/context.ts';
import { labelsOf, leftOver, openLabels, writeFiles } from '../support/label-source.ts';
import { maskPng } from '../support/mask-png.ts';
import { tempFolder } from '../support/temp-folder.ts';

const gray = (rows: number[][], bitDepth = 8) => maskPng(rows, { bitDepth, colourType: 0 });
const indexed = (rows: number[][], palette?: number[]) =>
  maskPng(rows, { bitDepth: 8, colourType: 3, ...(palette === undefined ? {} : { palette }) });

/** Column by column, zeros first: the definition, without any cleverness. */
function bruteForce(rows: number[][], value: number): string {
  const counts: number[] = [];
  let current = 0;
  let run = 0;
  for (let x = 0; x < rows[0]!.length; x++) {
    for (const row of rows) {
      const bit = row[x] === value ? 1 : 0;
      if (bit === current) run++;
      else {
        counts.push(run);
        run = 1;
        current = bit;
      }
    }
  }
  return formatRuns(Uint32Array.from([...counts, run]));
}

describe('masks beside images', () => {
  it('give one annotation for each class, bit for bit, whatever the depth and palette', async () => {
    const folder = await tempFolder();
    const classes = { 1: 'road', 2: 'car', 3: 'sky', 300: 'far' };
    const source = await openLabels(masks, folder, { pattern: '{stem}.png', classes, ignore: [0] });
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom([4, 0], [8, 0], [8, 3], [4, 3], [2, 3], [16, 0]),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 9 }),
        fc.infiniteStream(fc.constantFrom(0, 1, 1, 2, 3, 300)),
        async ([bitDepth, colourType], width, height, stream) => {
          const rows = Array.from({ length: height }, () =>
            Array.from({ length: width }, () => Math.min(stream.next().value!, bitDepth === 16 ? 300 : 3)),
          );
          const name = `m${n++}`;
          await writeFiles(folder, {
            [`${name}.png`]: maskPng(rows, { bitDepth: bitDepth!, colourType: colourType as 0 | 3 }),
          });
          const labels = await labelsOf(source, `${name}.jpg`);
          const present = [1, 2, 3, 300].filter((value) => rows.flat().includes(value));
          expect(labels?.annotations).toEqual(
            present.map((value) => {
              const id = classes[value as keyof typeof classes];
              return {
                id,
                ref: `${name}.png#${id}`,
                unit: 'pixels',
                concepts: [{ id, name: id, value: 1 }],
                region: { mask: { size: [height, width], counts: bruteForce(rows, value) } },
              };
            }),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are read by index, so that classes of one palette colour stay apart', async () => {
    const folder = await tempFolder();
    const rows = [[0, 1, 2, 1]];
    await writeFiles(folder, { 'masks/a.png': indexed(rows, [0, 0, 0, 9, 9, 9, 9, 9, 9]) });
    const source = await openLabels(masks, folder, { classes: { 1: 'one', 2: 'two' } });
    const labels = await labelsOf(source, 'a.jpg');
    expect(
      labels?.annotations?.map((each) => !isProblem(each) && [each.id, each.region?.mask?.counts]),
    ).toEqual([
      ['one', bruteForce(rows, 1)],
      ['two', bruteForce(rows, 2)],
    ]);
  });

  it('name an index without a class with its pixels, and keep the other classes', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, {
      'masks/a.png': gray([
        [0, 7, 7],
        [1, 255, 9],
      ]),
    });
    const source = await openLabels(masks, folder, { classes: { 1: { id: 'r', name: 'Road' } } });
    const labels = await labelsOf(source, 'a.jpg');
    expect(labels?.annotations).toEqual([
      expect.objectContaining({ id: 'r', concepts: [{ id: 'r', name: 'Road', value: 1 }] }),
      {
        ref: 'masks/a.png#7',
        code: 'CONCEPT_UNKNOWN',
        message: 'masks/a.png: the index 7, of 2 pixels, has no class',
        measured: '7',
      },
      expect.objectContaining({ message: 'masks/a.png: the index 9, of 1 pixel, has no class' }),
    ]);
    expect(labels?.labelledSize).toBeUndefined();
  });

  it('count values without a class together when there are many', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'masks/a.png': gray([Array.from({ length: 100 }, (_, i) => i + 1)]) });
    const source = await openLabels(masks, folder, { classes: { 1: 'road' } });
    const { annotations } = (await labelsOf(source, 'a.jpg'))!;
    expect(annotations).toHaveLength(1 + 16);
    expect(annotations?.at(-1)).toMatchObject({
      code: 'CONCEPT_UNKNOWN',
      message: 'masks/a.png: 84 more indexes, of 84 pixels together, have no class',
    });
  });

  it('ignore 0 and 255, unless the classes name them or the options say otherwise', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'masks/a.png': gray([[0, 1, 255]]) });
    const ids = async (options: object) => {
      const source = await openLabels(masks, folder, { ...options });
      const { annotations } = (await labelsOf(source, 'a.jpg'))!;
      return [
        source.concepts.map(({ id }) => id),
        annotations!.map((each) => (isProblem(each) ? each.measured : each.id)),
      ];
    };
    expect(await ids({ classes: { 1: 'b' } })).toEqual([['b'], ['b']]);
    expect(await ids({ classes: ['a', 'b'] })).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(await ids({ classes: ['a', 'b'], ignore: [0] })).toEqual([['b'], ['b', '255']]);
  });

  it('make one annotation of two indexes of one class', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'masks/a.png': gray([[1, 2, 0, 2]]) });
    const source = await openLabels(masks, folder, { classes: { 1: 'car', 2: 'car' } });
    expect(source.concepts).toEqual([{ id: 'car', name: 'car', sourceId: 1 }]);
    expect((await labelsOf(source, 'a.jpg'))?.annotations).toMatchObject([
      { id: 'car', region: { mask: { counts: bruteForce([[1, 1, 0, 1]], 1) } } },
    ]);
  });

  it('are read by colour, also where a palette gives it', async () => {
    const folder = await tempFolder();
    const raw = Buffer.from([255, 0, 0, 0, 0, 255, 0, 0, 0, 1, 2, 3]);
    await writeFiles(folder, {
      'a_mask.png': await sharp(raw, { raw: { width: 2, height: 2, channels: 3 } })
        .png()
        .toBuffer(),
      'b_mask.png': indexed([[0, 1, 1]], [255, 0, 0, 0, 0, 255]),
    });
    const source = await openLabels(masks, folder, {
      pattern: '{dir}/{stem}_mask.png',
      mode: 'color',
      classes: { '#FF0000': 'red', '#0000ff': 'blue' },
    });
    expect(source.concepts).toEqual([
      { id: 'red', name: 'red', color: [255, 0, 0] },
      { id: 'blue', name: 'blue', color: [0, 0, 255] },
    ]);
    expect((await labelsOf(source, 'a.jpg'))?.annotations).toMatchObject([
      {
        id: 'red',
        region: {
          mask: {
            size: [2, 2],
            counts: bruteForce(
              [
                [1, 0],
                [0, 0],
              ],
              1,
            ),
          },
        },
      },
      { id: 'blue' },
      { code: 'CONCEPT_UNKNOWN', measured: '#010203' },
    ]);
    expect((await labelsOf(source, 'b.jpg'))?.annotations).toMatchObject([
      { id: 'red', region: { mask: { counts: bruteForce([[1, 0, 0]], 1) } } },
      { id: 'blue', region: { mask: { counts: bruteForce([[0, 1, 1]], 1) } } },
    ]);
  });

  it('may be binary, where all but 0 is the class', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, {
      'masks/a.png': gray([[0, 255, 128]]),
      'masks/b.png': gray([[1, 0, 0]], 1),
      'masks/c.png': gray([[0, 0, 0]]),
    });
    for (const classes of ['person', ['person'], { 255: 'person' }]) {
      const source = await openLabels(masks, folder, { mode: 'binary', classes });
      const a = await labelsOf(source, 'a.jpg');
      expect(a?.annotations).toMatchObject([
        { id: 'person', region: { mask: { counts: bruteForce([[0, 1, 1]], 1) } } },
      ]);
      expect((await labelsOf(source, 'b.jpg'))?.annotations).toMatchObject([
        { region: { mask: { counts: bruteForce([[1, 0, 0]], 1) } } },
      ]);
      expect((await labelsOf(source, 'c.jpg'))?.annotations).toEqual([]);
    }
  });

  it.each([
    ['cut off', () => gray([[1, 2, 3]]).subarray(0, 50)],
    ['empty', () => Buffer.alloc(0)],
    ['a text', () => Buffer.from('no mask')],
    [
      'of colours',
      () =>
        sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
          .png()
          .toBuffer(),
    ],
  ])('that are %s are a problem, and the item stays', async (_, bytes) => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'masks/a.png': await bytes() });
    const source = await openLabels(masks, folder, { classes: { 1: 'road' } });
    expect((await labelsOf(source, 'a.jpg'))?.annotations).toEqual([
      expect.objectContaining({
        ref: 'masks/a.png',
        code: 'MASK_INVALID',
        message: expect.stringMatching(/^masks\/a\.png: /),
      }),
    ]);
  });

  it('that fit no item are listed at the end, and are no items themselves', async () => {
    const folder = await tempFolder();
    const mask = gray([[1]]);
    await writeFiles(folder, {
      'x/masks/a.png': mask,
      'x/masks/b.png': mask,
      'masks/c.png': mask,
      'y/masks/note.txt': '',
      'x/images/a.jpg': '',
    });
    const source = await openLabels(masks, folder, {
      pattern: '{dir}/../masks/{stem}.png',
      classes: { 1: 'road' },
    });
    expect(await labelsOf(source, 'x/images/a.jpg')).toMatchObject({
      promised: 1,
      annotations: [{ id: 'road' }],
    });
    expect(await labelsOf(source, 'y/images/a.jpg')).toBeUndefined();
    expect(await labelsOf(source, 'a.jpg')).toBeUndefined();
    expect(await leftOver(source)).toEqual(
      ['masks/c.png', 'x/masks/b.png'].map((uri) =>
        expect.objectContaining({ uri: `${uri}#mask`, outcome: 'rejected', code: 'LABELS_WITHOUT_INPUT' }),
      ),
    );
    const owned = ['x/masks/a.png', 'masks/q.png', 'x/masks/sub/a.png', 'x/images/a.jpg', 'x/masks/a.jpg'];
    expect(owned.map((uri) => source.owns(uri))).toEqual([true, true, false, false, false]);
  });

  it('that fit two items are for the first, and the second is told', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'masks/1.png': gray([[1]]) });
    const source = await openLabels(masks, folder, { classes: { 1: 'road' } });
    expect((await labelsOf(source, 'x/1.jpg'))?.annotations).toMatchObject([{ id: 'road' }]);
    expect((await labelsOf(source, 'y/1.jpg'))?.annotations).toEqual([
      {
        ref: 'masks/1.png',
        code: 'LABELS_AMBIGUOUS',
        message: 'masks/1.png fits y/1.jpg, and it was taken for another item before',
      },
    ]);
  });

  it('are found in another Unicode form or with percent signs, unless that is the name of another item', async () => {
    const folder = await tempFolder();
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
    const mask = gray([[1]]);
    await writeFiles(folder, {
      [`one/masks/${composed}.png`]: mask,
      [`one/images/${decomposed}.jpg`]: '',
      [`two/masks/${composed}.png`]: mask,
      [`two/images/${composed}.jpg`]: '',
      [`two/images/${decomposed}.jpg`]: '',
      'three/masks/caf%C3%A9.png': mask,
      [`three/images/${composed}.jpg`]: '',
      'four/masks/a b.png': mask,
      'four/images/a%20b.jpg': '',
    });
    const source = await openLabels(masks, folder, {
      pattern: '{dir}/../masks/{stem}.png',
      classes: { 1: 'road' },
    });
    const found = async (uri: string) => (await labelsOf(source, uri))?.annotations?.length;
    expect(await found(`one/images/${decomposed}.jpg`)).toBe(1);
    expect(await found(`two/images/${decomposed}.jpg`)).toBeUndefined();
    expect(await found(`two/images/${composed}.jpg`)).toBe(1);
    expect(await found(`three/images/${composed}.jpg`)).toBe(1);
    expect(await found('four/images/a%20b.jpg')).toBe(1);
    expect(await leftOver(source)).toEqual([]);
  });

  it('are those of the file that a row names', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'masks/a.png': gray([[1]]) });
    const source = await openLabels(masks, folder, { classes: { 1: 'road' } });
    expect(await labelsOf(source, 'rows.csv#L2', { file: join(folder, 'images', 'a.jpg') })).toBeDefined();
    expect(await labelsOf(source, 'a.csv#L3')).toBeUndefined();
  });

  it('never lead out of the source', async () => {
    const outside = await tempFolder();
    const folder = await tempFolder();
    await writeFiles(outside, { 'a.png': gray([[1]]) });
    await writeFiles(folder, { 'masks/b.png': gray([[1]]) });
    await symlink(join(outside, 'a.png'), join(folder, 'masks', 'a.png'));
    const source = await openLabels(masks, folder, { classes: { 1: 'road' } });
    expect(await labelsOf(source, 'a.jpg')).toBeUndefined();
  });

  it('take their classes from a file, which is no item', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, {
      'masks/a.png': gray([[1]]),
      'names.txt': 'background\nroad\n\n',
      'map.json': '{"1": "road", "7": {"id": "c", "name": "Car"}}',
      'map.yaml': '- background\n- road\n',
      'labelmap.txt': '# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\n',
    });
    const concepts = async (classes: string, mode = 'index') =>
      (await openLabels(masks, folder, { classes, mode })).concepts;
    expect(await concepts('names.txt')).toEqual([
      { id: 'background', name: 'background', sourceId: 0 },
      { id: 'road', name: 'road', sourceId: 1 },
    ]);
    expect(await concepts('map.yaml')).toEqual(await concepts('names.txt'));
    expect(await concepts('map.json')).toEqual([
      { id: 'road', name: 'road', sourceId: 1 },
      { id: 'c', name: 'Car', sourceId: 7 },
    ]);
    expect(await concepts('labelmap.txt', 'color')).toEqual([
      { id: 'background', name: 'background', color: [0, 0, 0] },
      { id: 'road', name: 'road', color: [128, 64, 128] },
    ]);
    expect((await openLabels(masks, folder, { classes: 'names.txt' })).owns('names.txt')).toBe(true);
  });

  it.each([
    ['missing.txt', 'SOURCE_NOT_FOUND', 'there is no class map'],
    ['broken.json', 'LABELS_UNREADABLE', 'broken.json'],
    ['wrong.yaml', 'LABELS_UNREADABLE', 'wrong.yaml: '],
    ['bomb.yaml', 'LABELS_UNREADABLE', 'alias'],
    ['blank.txt', 'LABELS_UNREADABLE', 'blank.txt'],
  ])('cannot take them from %s', async (classes, code, message) => {
    const folder = await tempFolder();
    const levels = 'bcdefghi'.split('').map((name, i) => {
      const above = `*${'abcdefgh'[i]}`;
      return `${name}: &${name} [${new Array(9).fill(above).join(', ')}]`;
    });
    await writeFiles(folder, {
      'masks/a.png': '',
      'broken.json': '{"1": ',
      'wrong.yaml': 'road: 1\n',
      'bomb.yaml': ['a: &a [x, x]', ...levels].join('\n'),
      'blank.txt': '\n',
    });
    await expect(openLabels(masks, folder, { classes })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('say when their folder is not there', async () => {
    const folder = await tempFolder();
    await expect(openLabels(masks, folder, { classes: ['road'] })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: 'the folder masks, where masks/{stem}.png would be, cannot be opened',
    });
  });

  it('stop with the run', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'masks/a.png': gray([[1]]) });
    const source = await openLabels(masks, folder, { classes: ['road'] });
    const pending = await source.match({ id: 'a', uri: 'a.jpg' });
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(pending!.load(testContext({ signal }))).rejects.toThrow('stop');
  });
});

describe('the options of masks', () => {
  it.each([
    [{ pattern: 'masks/all.png' }, 'it must have {stem} or {name}'],
    [{ pattern: '/masks/{stem}.png' }, 'relative to the source'],
    [{ pattern: 'masks\\{stem}.png' }, 'folders are separated by /'],
    [{ pattern: 'm/{id}.png' }, 'there is no {id}'],
    [{ pattern: 'm-{dir}/{stem}.png' }, '{dir} must stand alone'],
    [{ mode: 'binary', classes: ['a', 'b'] }, 'a binary mask has one class'],
    [{ classes: { x: 'a' } }, 'expected an index such as 7'],
    [{ ignore: ['red'] }, '#ff0000'],
  ])('%j are refused with the reason', (options, message) => {
    const parsed = maskOptions.safeParse({ classes: ['a'], ...options });
    expect(JSON.stringify(parsed.error?.issues)).toContain(message);
  });

  it('read the same again once they were parsed', () => {
    const once = maskOptions.parse({ classes: { 1: 'a', '#ff0000': { id: 'b' } } });
    expect(maskOptions.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });
});

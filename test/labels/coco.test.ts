import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkAnnotations } from '../../src/annotations/check.ts';
import { coco } from '../../src/labels/coco.ts';
import { loadLabels } from '../../src/labels/index.ts';
import type { AnnotationDraft } from '../../src/model/annotation.ts';
import { FatalError } from '../../src/model/errors.ts';
import { testContext } from '../support/context.ts';
import { document, folderOf, labelsOf, leftOver, opened } from './coco-labels.ts';

const FILE = 'annotations/instances_train.json';

/** Why a source cannot be opened. */
async function refusal(base: string, options: object = {}): Promise<[string, string]> {
  const source = coco.create(base, coco.options.parse(options));
  const error: unknown = await source.open(testContext()).catch((thrown: unknown) => thrown);
  if (!(error instanceof FatalError)) throw new Error(`opened: ${String(error)}`);
  return [error.code, error.message];
}

describe('the COCO files of a source', () => {
  it('are known by where they lie, are no items, and are read in the order of their names', async () => {
    const base = await folderOf({
      'annotations/instances_val.json': document({ 'b.jpg': 2 }),
      [FILE]: document({ 'a.jpg': 1 }),
      'annotations/notes.json': { by: 'me' },
      'test/_annotations.coco.json': document({ 'c.jpg': 1 }),
    });
    const source = await opened(base);
    expect(source.describes).toBe(
      `COCO file ${FILE}, annotations/instances_val.json, test/_annotations.coco.json`,
    );
    expect([FILE, 'annotations/notes.json', 'a.jpg'].map((uri) => source.owns(uri))).toEqual([
      true,
      false,
      false,
    ]);
    expect(await labelsOf(source, 'images/val/b.jpg')).toMatchObject({ split: 'val' });
    expect(await labelsOf(source, 'test/c.jpg')).toMatchObject({ split: 'test' });
  });

  it('are those that are named, with the folder that their names start from', async () => {
    const base = await folderOf({
      'x/labels.json': document({ 'a.jpg': 1 }),
      [FILE]: document({ 'a.jpg': 1 }),
    });
    const source = await opened(base, { file: 'x/labels.json', images: './photos/', split: false });
    expect(source.owns('x/labels.json')).toBe(true);
    expect(source.owns(FILE)).toBe(false);
    const labels = await labelsOf(source, 'photos/a.jpg');
    expect(labels?.annotations).toHaveLength(1);
    expect(labels?.split).toBeUndefined();
  });

  it('are found in the table of label sources', async () => {
    expect(await loadLabels('coco')).toBe(coco);
  });

  it('declare their categories once for a name', async () => {
    const base = await folderOf({ [FILE]: document({}), 'annotations/instances_val.json': document({}) });
    expect((await opened(base)).concepts).toEqual([{ id: 'cat', name: 'cat', sourceId: 1 }]);
  });

  it('that are missing, broken, or no COCO are fatal, with the place', async () => {
    expect(await refusal(await folderOf({}))).toMatchObject([
      'SOURCE_NOT_FOUND',
      expect.stringContaining('option file'),
    ]);
    expect(await refusal(await folderOf({}), { file: 'no.json' })).toMatchObject([
      'SOURCE_NOT_FOUND',
      expect.any(String),
    ]);
    const text = JSON.stringify(document({ 'a.jpg': 1 }), null, 1);
    const at = text.indexOf('"bbox": [') + 9;
    const broken = await folderOf({ [FILE]: `${text.slice(0, at)}}${text.slice(at)}` });
    const line = text.slice(0, at).split('\n').length;
    expect(await refusal(broken)).toEqual([
      'LABELS_UNREADABLE',
      `${FILE} cannot be read: line ${line}, column 13 (byte ${at}): unexpected character`,
    ]);
    const cut = await folderOf({ [FILE]: text.slice(0, -20) });
    expect((await refusal(cut))[1]).toContain('the file ends in the middle');
    const results = await folderOf({ 'r.json': [{ image_id: 1, bbox: [0, 0, 1, 1] }] });
    expect((await refusal(results, { file: 'r.json' }))[1]).toContain('byte 0): expected a JSON object');
    const other = await folderOf({ 'r.json': { images: [], annotations: {} } });
    expect((await refusal(other, { file: 'r.json' }))[1]).toContain('no list of annotations');
  });

  it('of panoptic segmentation are refused, or left alone beside others', async () => {
    const panoptic = {
      images: [{ id: 1, file_name: 'a.jpg' }],
      annotations: [{ image_id: 1, file_name: 'a.png', segments_info: [] }],
    };
    const base = await folderOf({ 'annotations/panoptic_train.json': panoptic });
    expect((await refusal(base, { file: 'annotations/panoptic_train.json' }))[1]).toContain('panoptic');
    expect((await refusal(base))[0]).toBe('LABELS_UNREADABLE');
    await writeFile(join(base, FILE), JSON.stringify(document({ 'a.jpg': 1 })));
    expect((await labelsOf(await opened(base), 'a.jpg'))?.annotations).toHaveLength(1);
  });

  it('may not change while they are read', async () => {
    const base = await folderOf({ [FILE]: document({ 'a.jpg': 1 }) });
    const source = await opened(base);
    await utimes(join(base, FILE), 1, 1);
    await expect(leftOver(source)).rejects.toMatchObject({ code: 'LABELS_UNREADABLE' });
  });

  it('keep what they say of an image, on request', async () => {
    const file = document({ 'a.jpg': 1 }) as { images: object[] };
    Object.assign(file.images[0]!, { license: 3, coco_url: 'http://x/a.jpg' });
    const base = await folderOf({ [FILE]: file });
    expect((await labelsOf(await opened(base), 'a.jpg'))?.metadata).toBeUndefined();
    expect((await labelsOf(await opened(base, { imageMetadata: true }), 'a.jpg'))?.metadata).toEqual({
      coco: { id: 1, license: 3, coco_url: 'http://x/a.jpg' },
    });
  });

  it('that tell of the same object are joined, other objects of its number are kept apart', async () => {
    const object = { id: 5, image_id: 1, category_id: 1, bbox: [1, 1, 2, 2] };
    const images = [{ id: 1, file_name: 'a.jpg', width: 10, height: 10 }];
    const categories = [
      { id: 1, name: 'person', keypoints: ['nose'] },
      { id: 2, name: 'sky' },
    ];
    const base = await folderOf({
      'annotations/captions_train.json': { images, annotations: [{ id: 5, image_id: 1, caption: 'a man' }] },
      [FILE]: { images, categories, annotations: [{ ...object, area: 4 }] },
      'annotations/person_keypoints_train.json': {
        images,
        categories,
        annotations: [{ ...object, keypoints: [1, 1, 2], num_keypoints: 1 }],
      },
      'annotations/stuff_train.json': { images, categories, annotations: [{ ...object, category_id: 2 }] },
    });
    const { annotations } = (await labelsOf(await opened(base), 'images/train/a.jpg'))!;
    expect(annotations).toMatchObject([
      { id: 'caption-5', info: { caption: 'a man' } },
      {
        id: '5',
        concepts: [{ id: 'person' }],
        region: { box: { left: 1 }, keypoints: [{ name: 'nose' }] },
        info: { coco: { area: 4, num_keypoints: 1 } },
      },
      { concepts: [{ id: 'sky' }] },
    ]);
    expect((annotations![2] as AnnotationDraft).id).toBeUndefined();
  });
});

describe('a hostile COCO file', () => {
  it('costs what is broken in it and nothing more', async () => {
    const polygon = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 9.5, 9.5];
    const good = { image_id: 1, category_id: 1, bbox: [1, 1, 2, 2] };
    const annotations = [
      { ...good, id: 1 },
      { ...good, id: 2, image_id: 77 },
      { ...good, id: 1 },
      { ...good, id: 3, bbox: ['1', '1', '2', '2'] },
      { ...good, id: 4, bbox: [5, 5, -2, 2] },
      { ...good, id: 5, segmentation: [polygon] },
      { ...good, id: 6, segmentation: { size: [10, 10], counts: [5, 5] } },
      { ...good, id: 7, segmentation: [] },
      { ...good, id: 8, category_id: 9 },
      { ...good, id: '9', image_id: '1' },
      { ...good, id: 10, bbox: [50, 50, 2, 2] },
      { category_id: 1, id: 11, bbox: [0, 0, 1, 1] },
      { ...good, id: 12, image_id: { $oid: 'x' } },
      null,
    ];
    const document = {
      annotations,
      images: [
        { id: 1.0, file_name: 'a.jpg', width: 10, height: 10 },
        { id: 2, file_name: 'gone.jpg' },
        { id: 3 },
        'x',
      ],
      categories: [{ id: 1, name: 'cat' }, { id: 2 }, null],
    };
    const text = JSON.stringify(document)
      .replace('"id":10,"', '"id":10,"area":NaN,"')
      .replace('[5,5,-2,2]', '[NaN,5,2,2]');
    const source = await opened(await folderOf({ 'c.json': `\ufeff${text}` }), { file: 'c.json' });
    const labels = (await labelsOf(source, 'a.jpg'))!;
    const checked = checkAnnotations(labels.annotations!, {
      inputId: 'a',
      kind: 'image',
      media: { format: 'jpeg', width: 10, height: 10 },
      labelledSize: labels.labelledSize!,
    });
    expect(checked.annotations.map(({ id }) => id)).toEqual(['1', '7', '9']);
    const problems = checked.problems.map(({ ref, code }) => [ref.slice('c.json#annotations/'.length), code]);
    expect(Object.fromEntries(problems)).toEqual({
      '1': 'ANNOTATION_DUPLICATE',
      '3': 'ANNOTATION_INVALID_ARGUMENT',
      '4': 'ANNOTATION_INVALID_ARGUMENT',
      '5': 'REGION_DEGENERATE',
      '6': 'MASK_INVALID',
      '8': 'CONCEPT_UNKNOWN',
      '10': 'REGION_OUTSIDE',
    });
    const left = await leftOver(source);
    expect(left.map(({ uri, code }) => [uri.replace(/@\d+/, '@'), code])).toEqual(
      [
        'c.json#images/77',
        'c.json#images/2',
        'c.json#images/@',
        'c.json#images/@',
        'c.json#annotations/11',
        'c.json#annotations/12',
        'c.json#annotations/@',
      ].map((uri) => [uri, 'LABELS_WITHOUT_INPUT']),
    );
    expect(left[0]).toMatchObject({
      outcome: 'rejected',
      stage: 'annotate',
      message: 'the file declares no image with the id 77, and it has 1 annotation',
      annotations: { good: 0, problems: [{ ref: 'c.json#annotations/2' }] },
    });
    expect(left[1]?.message).toBe('no item of the source is the image gone.jpg');
  });

  it('with one id for two images gives neither the annotations', async () => {
    const file = document({ 'a.jpg': 1 }) as { images: object[] };
    file.images.push({ id: 1, file_name: 'b.jpg' }, { id: 1, file_name: 'a.jpg' });
    const source = await opened(await folderOf({ 'c.json': file }), { file: 'c.json' });
    for (const uri of ['a.jpg', 'b.jpg']) {
      const labels = await labelsOf(source, uri);
      expect(labels?.annotations).toMatchObject([
        {
          ref: 'c.json#annotations/1',
          code: 'LABELS_AMBIGUOUS',
          message: expect.stringContaining('several images have the id 1'),
        },
      ]);
    }
  });

  it('with one image declared twice, the same or under another id, loses nothing', async () => {
    const file = document({ 'a.jpg': 1 }, [1, 2]) as { images: object[] };
    file.images.push({ id: 1, file_name: 'a.jpg' }, { id: 2, file_name: 'a.jpg' });
    const source = await opened(await folderOf({ 'c.json': file }), { file: 'c.json' });
    expect((await labelsOf(source, 'a.jpg'))?.annotations).toMatchObject([{ id: '1' }, { id: '2' }]);
    expect(await leftOver(source)).toEqual([]);
  });

  it('with very many annotations of an undeclared image has several outcomes for them', async () => {
    const file = document(
      {},
      Array.from({ length: 2500 }, () => 9),
    );
    const source = await opened(await folderOf({ 'c.json': file }), { file: 'c.json' });
    const left = await leftOver(source);
    expect(left.map(({ uri, annotations }) => [uri, annotations?.problems?.length])).toEqual([
      ['c.json#images/9', 1000],
      ['c.json#images/9#2', 1000],
      ['c.json#images/9#3', 500],
    ]);
  });
});

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { accounted } from '../support/accounts.ts';
import { cocoOf, folderOf, plainPng, problemsOf, runLabelled } from '../support/annotated.ts';
import { sluiceJson } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';

const FILE = 'annotations/instances.json';
const box = { image_id: 1, category_id: 1, bbox: [4, 2, 10, 5] };

test('a COCO file with everything wrong in it costs what is wrong and nothing more, with a reason for each', async () => {
  const line = Array.from({ length: 10 }, (_, i) => [i, i / 2]).flat();
  const shape = { image_id: 1, category_id: 1 };
  const annotations = [
    { ...box, id: 1 },
    { ...box, id: 2, image_id: 77 },
    { ...box, id: 1 },
    { ...box, id: 3, bbox: ['4', '2', '10', '5'] },
    { ...box, id: 4, bbox: ['NaN', 2, 10, 5] },
    { ...box, id: 5, bbox: [4, 2, -10, 5] },
    { ...shape, id: 6, segmentation: [] },
    { ...shape, id: 7, segmentation: [line] },
    { ...shape, id: 8, segmentation: { size: [20, 40], counts: [100, 100] } },
    { ...shape, id: 9, segmentation: { size: [20, 40], counts: [800] } },
    { ...shape, id: 10, segmentation: { size: [10, 10], counts: [50, 50] } },
    { ...box, id: 11, bbox: [400, 2, 10, 5] },
    { ...box, id: 12, category_id: 9 },
    { ...box, id: 13, image_id: 2 },
    { ...box, id: 14, image_id: 3 },
    { ...box, id: 15, image_id: 4 },
    { category_id: 1, id: 16, bbox: [4, 2, 10, 5] },
    { ...box, id: 17, bbox: [36, 2, 10, 5] },
  ];
  const images = { 'a.png': 1, 'gone.png': 2, 'broken.png': 3, 'c.png': 4, 'also-gone.png': 5 };
  const dir = await folderOf({
    'source/images/a.png': 10,
    'source/images/none.png': 20,
    'source/images/broken.png': (await plainPng(25)).subarray(0, 90),
    'source/images/c.png': 30,
    [`source/${FILE}`]: JSON.stringify(cocoOf(images, annotations)).replace('"NaN"', 'NaN'),
    'p.yaml': 'source: source\nannotate: [{ coco: {} }]\n',
  });
  const store = join(dir, 'store');
  const { code, json } = await sluiceJson(['run', join(dir, 'p.yaml'), '--store', store]);
  const lines = accounted(store, json);
  expect(code).toBe(2);
  expect([...lines].map(([uri, { outcome, code }]) => [uri, outcome, code]).sort()).toEqual(
    [
      [FILE, 'skipped', 'LABEL_FILE'],
      [`${FILE}#annotations/16`, 'rejected', 'LABELS_WITHOUT_INPUT'],
      [`${FILE}#images/2`, 'rejected', 'LABELS_WITHOUT_INPUT'],
      [`${FILE}#images/5`, 'rejected', 'LABELS_WITHOUT_INPUT'],
      [`${FILE}#images/77`, 'rejected', 'LABELS_WITHOUT_INPUT'],
      ['images/a.png', 'ok', 'INPUT_SUCCESS'],
      ['images/broken.png', 'rejected', 'ALL_INPUT_INVALID_BYTES'],
      ['images/c.png', 'ok', 'INPUT_SUCCESS'],
      ['images/none.png', 'ok', 'INPUT_SUCCESS'],
    ].sort(),
  );
  const ref = `${FILE}#annotations`;
  expect(problemsOf(lines.get('images/a.png'))).toEqual([
    `ANNOTATION_DUPLICATE ${ref}/1: the input has another annotation with the id 1`,
    `ANNOTATION_INVALID_ARGUMENT ${ref}/3: bbox[0] is "4", expected a number`,
    `ANNOTATION_INVALID_ARGUMENT ${ref}/4: bbox[0] is "NaN", expected a number`,
    `REGION_DEGENERATE ${ref}/5: bbox is -10 wide and 5 high, which no box can be`,
    `ANNOTATION_INVALID_ARGUMENT ${ref}/6: it has segmentation, but neither a box nor an outline nor key points`,
    `REGION_DEGENERATE ${ref}/7: polygon[0][0]: its 10 points enclose no area`,
    `MASK_INVALID ${ref}/8: mask: its runs cover 200 pixels, and its size is 40 × 20 px`,
    `REGION_DEGENERATE ${ref}/9: mask: no pixel is set`,
    `MASK_SIZE_MISMATCH ${ref}/10: the mask has 10 × 10 px, and its image 40 × 20 px`,
    `REGION_OUTSIDE ${ref}/11: the box lies wholly outside the image`,
    `CONCEPT_UNKNOWN ${ref}/12: no category with a name has the id 9`,
  ]);
  expect(lines.get('images/a.png')?.annotations?.problems?.[6]).toMatchObject({ measured: 200, limit: 800 });
  expect(lines.get(`${FILE}#images/77`)?.message).toBe(
    'the file declares no image with the id 77, and it has 1 annotation',
  );
  expect(lines.get('images/broken.png')?.annotations).toEqual({ good: 1 });
  expect(json.annotations?.totals).toEqual({ listed: 18, ok: 3, rejected: 15, failed: 0, skipped: 0 });
  expect(json.warnings).toEqual({ REGION_CLAMPED: 1, UNLABELLED: 1 });
  const stored = await storedIn(store);
  expect(stored.map(({ uri, annotations }) => [uri, annotations?.map(({ id }) => id)])).toEqual([
    ['images/a.png', ['1', '17']],
    ['images/c.png', ['15']],
    ['images/none.png', []],
  ]);
});

describe('labels that have no item', () => {
  test('are taken up by ingesting again once the file is there; a retry is for items and leaves them alone', async () => {
    const dir = await folderOf({
      'source/a.png': 1,
      'source/bad.png': (await plainPng(3)).subarray(0, 90),
      'source/coco.json': cocoOf({ 'a.png': 1, 'b.png': 2, 'bad.png': 3 }, [
        { ...box, id: 1 },
        { ...box, id: 2, image_id: 2 },
        { ...box, id: 3, image_id: 3 },
      ]),
      'p.yaml': 'source: source\nannotate: [{ coco: { file: coco.json } }]\n',
    });
    const store = join(dir, 'store');
    const run = ['run', join(dir, 'p.yaml'), '--store', store];
    const first = await sluiceJson(run);
    expect(first.json.totals).toMatchObject({ listed: 4, ok: 1, rejected: 2, skipped: 1 });
    await writeFile(join(dir, 'source/b.png'), await plainPng(2));
    await writeFile(join(dir, 'source/bad.png'), await plainPng(3));
    const retried = await sluiceJson(['retry', first.json.failures!, '--rejected']);
    expect(retried.json).toMatchObject({
      exitCode: 0,
      totals: { listed: 1, ok: 1 },
      annotations: { totals: { listed: 1, ok: 1 } },
    });
    accounted(store, retried.json);
    const again = await sluiceJson(run);
    expect(again.json).toMatchObject({
      exitCode: 0,
      totals: { listed: 4, ok: 1, skipped: 3 },
      annotations: { totals: { listed: 3, ok: 1, skipped: 2 } },
    });
    accounted(store, again.json);
  });
});

describe('a label source that cannot be read as a whole', () => {
  test.each([
    ['{"images": [],\n"annotations": {}}', /no list of annotations/],
    ['{"images": [],\n"annotations": [}', /coco\.json cannot be read: line 2, column 17/],
    ['{"images": [], "annotations": [', /coco\.json cannot be read: .*the file ends in the middle/],
    ['[]', /coco\.json cannot be read: .*expected a JSON object/],
    ['{"images": [1]}', /coco\.json is no COCO file of objects: it has no list of annotations/],
    ['', /coco\.json cannot be read/],
  ])('ends the run before it begins: %s', async (text, message) => {
    const dir = await folderOf({ 'source/a.png': 1, 'source/coco.json': text });
    await expect(
      runLabelled(dir, { source: 'source', annotate: [{ coco: { file: 'coco.json' } }] }),
    ).rejects.toMatchObject({ code: 'LABELS_UNREADABLE', message: expect.stringMatching(message) });
  });

  test('that is not there is said on the command line, and nothing is made', async () => {
    const dir = await folderOf({
      'source/a.png': 1,
      'p.yaml': 'source: source\nannotate: [{ coco: { file: no.json } }]\n',
    });
    const { code, json } = await sluiceJson<{ error: { code: string; message: string } }>([
      ...['run', join(dir, 'p.yaml'), '--store', join(dir, 'store')],
    ]);
    expect(code).toBe(1);
    expect(json.error.code).toBe('SOURCE_NOT_FOUND');
    expect(json.error.message).toContain('no.json');
    await expect(rm(join(dir, 'store'), { recursive: true })).rejects.toThrow('ENOENT');
  });
});

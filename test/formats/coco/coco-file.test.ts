import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CocoFile } from '../../../src/formats/coco/coco-file.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const IMAGES = 40;
const ANNOTATIONS = 3000;

/** Annotations in an order in which those of one image lie near each other, far apart, and next to each other. */
function document(indent?: number): string {
  const annotations = Array.from({ length: ANNOTATIONS }, (_, i) => ({
    id: ANNOTATIONS - i,
    note: i % 100 === 0 ? 'é'.repeat(9000) : '{"}',
    image_id: i < 1000 ? i % IMAGES : Math.floor((i - 1000) / 50),
  }));
  const images = Array.from({ length: IMAGES }, (_, id) => ({
    id,
    file_name: `${id}.jpg`,
    width: 4,
    height: 3,
  }));
  return JSON.stringify({ annotations, images }, null, indent);
}

async function open(text: string, holdBytes: number): Promise<{ file: CocoFile; slots: number[] }> {
  const path = join(await tempFolder(), 'a.json');
  await writeFile(path, text);
  const slots: number[] = [];
  const file = await CocoFile.open(path, 'a.json', {
    holdBytes,
    signal: new AbortController().signal,
    onImage(slot, fileName) {
      slots[Number.parseInt(fileName, 10)] = slot;
      return false;
    },
  });
  onTestFinished(() => file.close());
  return { file, slots };
}

test.each([
  ['held in memory', Number.POSITIVE_INFINITY, undefined],
  ['read in slices', 0, undefined],
  ['indented and read in slices', 0, 4],
])('a file %s gives each image its annotations in the order of the file', async (_, holdBytes, indent) => {
  const text = document(indent);
  const { annotations } = JSON.parse(text) as { annotations: { image_id: number }[] };
  const { file, slots } = await open(text, holdBytes);
  expect(file.heldBytes).toBe(holdBytes === 0 ? 0 : Buffer.byteLength(text));
  for (let id = 0; id < IMAGES; id++) {
    const places = file.index.annotationsOf(slots[id]!);
    expect(await file.read(places)).toEqual(annotations.filter(({ image_id: image }) => image === id));
    expect(file.index.images.size(slots[id]!)).toEqual({ width: 4, height: 3 });
  }
  expect(file.index.repeatedIds).toBe(0);
});

test('an element that is no JSON costs its neighbours nothing', async () => {
  const text =
    '{"images": [{"id": 1, "file_name": "0.jpg"}], "annotations": ' +
    '[{"id": 1, "image_id": 1}, {"id": 2,, "image_id": 1}, {"id": 1, "image_id": 1, "x": NaN}, {"image_id": 1.0}]}';
  const { file, slots } = await open(text, 0);
  const values = await file.read(file.index.annotationsOf(slots[0]!));
  expect(values).toEqual([
    { id: 1, image_id: 1 },
    expect.any(SyntaxError),
    { id: 1, image_id: 1, x: 'NaN' },
    { image_id: 1 },
  ]);
  expect(file.index.repeatedIds).toBe(1);
});

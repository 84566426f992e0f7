import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { checkAnnotations } from '../../src/annotations/check.ts';
import { clarifai } from '../../src/labels/clarifai.ts';
import { labelsOf, leftOver, openLabels, writeFiles } from '../support/label-source.ts';
import { tempFolder } from '../support/temp-folder.ts';

const fixture = (name: string) => readFile(new URL(`../fixtures/clarifai/${name}`, import.meta.url), 'utf8');
const concept = '[{"id": "c", "name": "cow", "value": 1}]';
const region =
  '[{"id": "r", "regionInfo": {"point": {"row": 0.5}}, "data": {"concepts": [{"id": "c", "value": 1}]}}]';

describe('a Clarifai export', () => {
  it('gives the boxes that are known to be in it', async () => {
    const folder = await tempFolder();
    const truth = JSON.parse(await fixture('truth.json')).items[0];
    await writeFiles(folder, { [`annotations/${truth.id}.json`]: await fixture('annotations.json') });
    const source = await openLabels(clarifai, folder);
    const labels = (await labelsOf(source, truth.file))!;
    expect(labels.promised).toBe(2);
    const { width, height } = truth;
    const media = { format: 'png', width, height };
    const { annotations, problems, warnings } = checkAnnotations(labels.annotations!, {
      inputId: 'a',
      kind: 'image',
      media,
    });
    expect([problems, warnings]).toEqual([[], []]);
    const found = annotations.map(({ concepts, region }) => {
      const { left, top, right, bottom } = region!.box!;
      return { type: 'bbox', label: concepts[0]!.name, norm_xyxy: [left, top, right, bottom] };
    });
    expect(found).toEqual(
      truth.annotations.map(({ type, label, norm_xyxy }: Record<string, unknown>) => ({
        type,
        label,
        norm_xyxy,
      })),
    );
    expect(annotations[0]!.concepts).toEqual([{ id: 'id-cow', name: 'cow', value: 1 }]);
    expect(await leftOver(source)).toEqual([]);
  });

  it('has a folder for each split, of which all is none', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, {
      'all/annotations/a.json': concept,
      'train/annotations/a.json': region,
      'train/inputs/b.png': '',
    });
    const source = await openLabels(clarifai, folder);
    expect(await labelsOf(source, 'all/inputs/a.png')).toEqual({
      promised: 0,
      concepts: [{ id: 'c', name: 'cow', value: 1 }],
    });
    expect(await labelsOf(source, 'train/inputs/a.png')).toMatchObject({
      promised: 1,
      split: 'train',
      annotations: [{ id: 'r' }],
    });
    expect(await labelsOf(source, 'train/inputs/b.png')).toEqual({ promised: 0, split: 'train' });
    expect(await labelsOf(source, 'train/others/a.png')).toBeUndefined();
  });

  it('lists annotations without an input, and takes their files for no items', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'annotations/a.json': concept, 'annotations/b.json': concept });
    const source = await openLabels(clarifai, folder);
    await labelsOf(source, 'inputs/a.png');
    expect(await leftOver(source)).toMatchObject([
      { uri: 'annotations/b.json#annotations', code: 'LABELS_WITHOUT_INPUT', outcome: 'rejected' },
    ]);
    expect(
      ['annotations/b.json', 'all/annotations/q.json', 'inputs/a.json'].map((uri) => source.owns(uri)),
    ).toEqual([true, true, false]);
  });

  it('keeps an input whose annotations cannot be read, and says where they break', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, {
      'annotations/a.json': '[\n  {"id": }\n]',
      'annotations/b.json': '[',
      'annotations/c.json': Buffer.from('["\xe9"]', 'latin1'),
    });
    const source = await openLabels(clarifai, folder);
    const problem = async (uri: string) => (await labelsOf(source, uri))!.annotations;
    expect(await problem('inputs/a.png')).toEqual([
      {
        ref: 'annotations/a.json',
        code: 'ANNOTATION_INVALID_ARGUMENT',
        message: 'annotations/a.json:2:10: not JSON: unexpected "}"',
      },
    ]);
    expect(await problem('inputs/b.png')).toMatchObject([
      { message: 'annotations/b.json:1:2: not JSON: it ends too early' },
    ]);
    expect(await problem('inputs/c.png')).toMatchObject([{ message: 'annotations/c.json: not UTF-8' }]);
  });

  it('gives the annotations of two inputs of one name to the first, and tells of the second', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'annotations/a.json': concept });
    const source = await openLabels(clarifai, folder);
    expect((await labelsOf(source, 'inputs/a.mp4'))?.concepts).toHaveLength(1);
    expect((await labelsOf(source, 'inputs/a.png'))?.annotations).toMatchObject([
      { code: 'LABELS_AMBIGUOUS' },
    ]);
  });
});

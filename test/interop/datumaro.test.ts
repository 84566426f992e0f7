import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { areaOf, parseRuns } from '../../src/annotations/runs.ts';
import { type AnnotationDraft, isProblem } from '../../src/model/annotation.ts';
import { labelsOf, opened } from '../labels/coco-labels.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures/coco', import.meta.url));

interface Theirs {
  labels: string[];
  items: {
    id: string;
    split: string;
    boxes: [label: string, id: number, x: number, y: number, w: number, h: number][];
    /** Of polygons one for each part. */
    polygons: [label: string, id: number, points: number][];
    masks: [label: string, id: number, area: number][];
  }[];
}

const READ = `
from datumaro import Dataset
from datumaro.components.annotation import AnnotationType
dataset = Dataset.import_from(data["folder"], data["format"])
names = [label.name for label in dataset.categories()[AnnotationType.label]]
items = []
for item in dataset:
    of = lambda kind: [a for a in item.annotations if a.type == AnnotationType[kind]]
    items.append({
        "id": item.id,
        "split": item.subset,
        "boxes": [[names[a.label], a.id, *a.get_bbox()] for a in of("bbox")],
        "polygons": [[names[a.label], a.id, len(a.points) // 2] for a in of("polygon")],
        "masks": [[names[a.label], a.id, int(a.image.sum())] for a in of("mask")],
    })
result = {"labels": names, "items": items}
`;

/** Datumaro keeps two decimals. */
const cents = (value: number): number => Math.round(value * 100) / 100;
const sorted = <T extends readonly unknown[]>(rows: readonly T[]): T[] =>
  [...rows].sort((a, b) => (String(a) < String(b) ? -1 : 1));

describePython('annotations', 'Datumaro reads the same COCO files', (python) => {
  it.each([
    ['real-val2017-10', 'images/', { val2017_subset: 10 }],
    ['instances-mini', 'images/', { train: 1, val: 1 }],
  ])('and finds in %s what we find', async (sample, folder, splits) => {
    const base = join(await tempFolder(), sample);
    await cp(join(FIXTURES, sample), base, { recursive: true });
    const source = await opened(base);
    const ours: Theirs['items'] = [];
    for (const { file, split, size } of await imagesOf(sample)) {
      await mkdir(dirname(join(base, file)), { recursive: true });
      await sharp({ create: { ...size, channels: 3, background: 'grey' } }).toFile(join(base, file));
      const { annotations } = (await labelsOf(source, file))!;
      const drafts = annotations!.filter((entry): entry is AnnotationDraft => !isProblem(entry));
      expect(drafts).toHaveLength(annotations!.length);
      ours.push({ id: idOf(file), split, ...oursOf(drafts) });
    }
    expect(ours.every(({ id }) => !id.startsWith(folder))).toBe(true);
    const theirs = await python<Theirs>(READ, { folder: base, format: 'coco_instances' });
    expect(source.concepts.map(({ name }) => name)).toEqual(theirs.labels);
    const counts: Record<string, number> = {};
    for (const { split } of theirs.items) counts[split] = (counts[split] ?? 0) + 1;
    expect(counts).toEqual(splits);
    for (const item of theirs.items) {
      const own = ours.find(({ id, split }) => id === item.id && split === item.split)!;
      expect(sorted(own.boxes)).toEqual(
        sorted(item.boxes.map(([label, id, ...box]) => [label, id, ...box.map(cents)])),
      );
      expect(sorted(own.polygons)).toEqual(sorted(item.polygons));
      expect(sorted(own.masks)).toEqual(sorted(item.masks));
    }
    expect(ours).toHaveLength(theirs.items.length);
  });
});

interface TruthItem {
  file: string;
  split: string;
  size: { width: number; height: number };
}

async function imagesOf(sample: string): Promise<TruthItem[]> {
  const { default: truth } = await import(join(FIXTURES, sample, 'truth.json'), { with: { type: 'json' } });
  const items = (truth as { items: { file: string; split: string; json_wh: [number, number] }[] }).items;
  return items.map(({ file, split, json_wh: [width, height] }) => ({ file, split, size: { width, height } }));
}

/** As Datumaro calls an item: its name without folder and extension. */
const idOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1, file.lastIndexOf('.'));

function oursOf(
  drafts: readonly AnnotationDraft[],
): Pick<Theirs['items'][number], 'boxes' | 'polygons' | 'masks'> {
  const boxes: Theirs['items'][number]['boxes'] = [];
  const polygons: Theirs['items'][number]['polygons'] = [];
  const masks: Theirs['items'][number]['masks'] = [];
  for (const { id, concepts, region } of drafts) {
    const of = [concepts[0]!.name, Number(id)] as const;
    if (region?.box !== undefined) {
      const { left, top, right, bottom } = region.box;
      boxes.push([...of, cents(left), cents(top), cents(right - left), cents(bottom - top)]);
    }
    for (const [ring] of region?.polygon ?? []) polygons.push([...of, ring!.length]);
    if (region?.mask !== undefined) masks.push([...of, areaOf(parseRuns(region.mask.counts))]);
  }
  return { boxes, polygons, masks };
}

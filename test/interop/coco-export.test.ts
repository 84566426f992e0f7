import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { maskOfPolygon } from '../../src/annotations/mask.ts';
import { areaOf, boundsOf, formatRuns, parseRuns } from '../../src/annotations/runs.ts';
import { SEGMENTATIONS } from '../../src/exporters/coco/outline.ts';
import { coco } from '../../src/exporters/coco.ts';
import type { Annotation, Box, Position, Region } from '../../src/model/annotation.ts';
import type { MediaSource } from '../../src/model/export.ts';
import type { Input } from '../../src/model/input.ts';
import { exportTo, memorySource, memoryTarget } from '../support/memory-export.ts';
import { describePython } from '../support/python.ts';
import { randomFrom } from '../support/random.ts';
import { tempFolder } from '../support/temp-folder.ts';

const WIDTH = 90;
const HEIGHT = 70;
const CONCEPTS = [
  { id: 'cat', name: 'cat', supercategory: 'pet' },
  { id: 'hånd', name: 'hånd', keypoints: ['tip', 'wrist'], skeleton: [[1, 2]] as [number, number][] },
];

const random = randomFrom(5_25);
const ring = (points: number): Position[] => Array.from({ length: points }, () => [random(), random()]);
const hole: Position[] = [
  [0.3, 0.3],
  [0.6, 0.3],
  [0.6, 0.6],
  [0.3, 0.6],
];
const outer: Position[] = [
  [0.1, 0.1],
  [0.9, 0.1],
  [0.9, 0.9],
  [0.1, 0.9],
];
const box: Box = { left: 0, top: 0, right: 0.5, bottom: 0.25 };

const REGIONS: Region[] = [
  { box },
  { polygon: [[outer, hole]] },
  { polygon: [[ring(5)], [ring(3)]], box },
  { mask: maskOfPolygon([[outer, hole]], WIDTH, HEIGHT) },
  { mask: { size: [HEIGHT, WIDTH], counts: formatRuns(Uint32Array.of(903, 1, WIDTH * HEIGHT - 904)) } },
  { keypoints: [{ name: 'wrist', x: 0.5, y: 0.25, visibility: 'not_visible' }] },
  ...Array.from({ length: 60 }, (_, i): Region => ({ polygon: [[ring(3 + (i % 6))]] })),
];

interface Theirs {
  images: number;
  annotations: {
    id: number;
    category: string;
    area: number;
    bbox: number[];
    pixels: number;
    bounds: number[];
    counts: string;
  }[];
}

const PYCOCOTOOLS = `
import numpy as np, pycocotools.mask as m
from pycocotools.coco import COCO
result = []
for path in data:
    coco = COCO(path)
    annotations = []
    for a in coco.loadAnns(coco.getAnnIds()):
        rle = coco.annToRLE(a) if a['segmentation'] else None
        annotations.append({
            'id': a['id'], 'category': coco.loadCats(a['category_id'])[0]['name'],
            'area': a['area'], 'bbox': a['bbox'],
            'pixels': int(m.area(rle)) if rle else -1,
            'bounds': m.toBbox(rle).tolist() if rle else [],
            'counts': (rle['counts'] if isinstance(rle['counts'], str) else rle['counts'].decode()) if rle else '',
        })
    result.append({'images': len(coco.imgs), 'annotations': annotations})
`;

const DATUMARO = `
from datumaro import Dataset
from datumaro.components.annotation import AnnotationType
dataset = Dataset.import_from(data, "coco_instances")
names = [label.name for label in dataset.categories()[AnnotationType.label]]
items = []
for item in dataset:
    of = lambda kind: [a for a in item.annotations if a.type == AnnotationType[kind]]
    items.append({
        "id": item.id, "split": item.subset, "size": list(item.media.data.shape[:2]),
        "boxes": {a.id: [names[a.label], *a.get_bbox()] for a in of("bbox")},
        "polygons": [a.id for a in of("polygon")],
        "masks": {a.id: int(a.image.sum()) for a in of("mask")},
        "attributes": [a.attributes.get("note") for a in of("bbox")],
    })
result = {"labels": names, "items": items}
`;

interface Items {
  labels: string[];
  items: {
    id: string;
    split: string;
    size: [number, number];
    boxes: Record<string, [string, ...number[]]>;
    polygons: number[];
    masks: Record<string, number>;
  }[];
}

async function dataset(folder: string) {
  const path = join(folder, 'blob');
  const png = await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: 'grey' } })
    .png()
    .toBuffer();
  await writeFile(path, png);
  const media = new Map<string, MediaSource>();
  const inputs = ['train', 'val'].map((split, k): Input => {
    media.set(split, { path, bytes: png.length });
    return {
      id: split,
      kind: 'image',
      uri: `a/ünï ${k}.jpg`,
      sha256: '',
      bytes: png.length,
      media: { format: 'png', width: WIDTH, height: HEIGHT },
      concepts: [],
      metadata: {},
      datasets: [],
      split,
      annotations: REGIONS.map((region, i): Annotation => {
        const { id, name } = CONCEPTS[region.keypoints === undefined ? 0 : 1]!;
        return { id: `${i}`, concepts: [{ id, name, value: 1 }], region, metadata: { note: 'x' } };
      }),
    };
  });
  return memorySource(inputs, { concepts: CONCEPTS, media });
}

/** What the region is made of, in pixels. */
function runsOf({ mask, polygon }: Region) {
  if (mask !== undefined) return parseRuns(mask.counts);
  return polygon === undefined ? undefined : parseRuns(maskOfPolygon(polygon, WIDTH, HEIGHT).counts);
}

describePython('annotations', 'a COCO export', (python) => {
  it.each(SEGMENTATIONS)(
    'is read by pycocotools, whose masks, areas and boxes are ours: %s',
    async (segmentation) => {
      const base = await tempFolder();
      const folder = join(base, 'out');
      await exportTo(coco, await dataset(base), memoryTarget(folder), { segmentation });
      const paths = ['train', 'val'].map((split) => join(folder, 'annotations', `instances_${split}.json`));
      const read = await python<Theirs[]>(PYCOCOTOOLS, paths);
      for (const { images, annotations } of read) {
        expect(images).toBe(1);
        expect(annotations).toHaveLength(REGIONS.length);
        for (const [i, theirs] of annotations.entries()) {
          const region = REGIONS[i]!;
          const runs = runsOf(region);
          const isPlain = region.polygon?.every((part) => part.length === 1) === true;
          const isWritten = runs !== undefined && (segmentation !== 'polygon' || isPlain);
          expect(theirs.pixels).toBe(isWritten ? areaOf(runs) : -1);
          if (runs !== undefined) expect(theirs.area).toBe(areaOf(runs));
          if (isWritten) expect(theirs.bounds).toEqual(boundsOf(runs, HEIGHT));
          if (runs !== undefined && region.mask !== undefined)
            expect(theirs.bbox).toEqual(boundsOf(runs, HEIGHT));
          expect(theirs.category).toBe(region.keypoints === undefined ? 'cat' : 'hånd');
        }
      }
      expect(new Set(read.flatMap(({ annotations }) => annotations.map(({ id }) => id))).size).toBe(
        2 * REGIONS.length,
      );
    },
  );

  it('is read by Datumaro, with every object, its split and its image', async () => {
    const base = await tempFolder();
    const folder = join(base, 'out');
    await exportTo(coco, await dataset(base), memoryTarget(folder));
    const { labels, items } = await python<Items>(DATUMARO, folder);
    expect(labels).toEqual(['cat', 'hånd']);
    expect(items.map(({ id, split, size }) => [id, split, size]).sort()).toEqual([
      ['ünï 0', 'train', [HEIGHT, WIDTH]],
      ['ünï 1', 'val', [HEIGHT, WIDTH]],
    ]);
    for (const { split, boxes, polygons, masks } of items) {
      const first = split === 'train' ? 1 : 1 + REGIONS.length;
      for (const [i, region] of REGIONS.entries()) {
        const runs = runsOf(region);
        const isPlain = region.polygon?.every((part) => part.length === 1) === true;
        const id = first + i;
        if (region.polygon === undefined && region.mask === undefined)
          expect(boxes).toHaveProperty(String(id));
        else if (isPlain) expect(polygons.filter((each) => each === id)).toHaveLength(region.polygon!.length);
        else expect(masks[id]).toBe(areaOf(runs!));
      }
    }
  });
});

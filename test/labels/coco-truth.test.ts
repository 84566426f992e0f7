import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { areaOf, parseRuns } from '../../src/annotations/runs.ts';
import { isProblem } from '../../src/model/annotation.ts';
import type { Metadata } from '../../src/model/labels.ts';
import { labelsOf, leftOver, opened } from './coco-labels.ts';

const FIXTURES = fileURLToPath(new URL('../fixtures/coco', import.meta.url));

/** What somebody else read out of the same files. */
interface Truth {
  /** In the order of the category ids. */
  classes: string[];
  items: {
    split: string;
    file: string;
    json_wh: [number, number];
    image_missing?: boolean;
    annotations: {
      id: number;
      type: 'object' | 'label' | 'caption';
      label?: string | null;
      text?: string;
      xywh?: number[];
      seg?: string;
      parts?: number;
      points?: number;
      raster_area?: number;
      keypoints?: number[];
      area?: number;
      iscrowd?: number | null;
      attributes?: object;
    }[];
  }[];
}

const VISIBILITY = ['not_present', 'not_visible', 'visible'];

describe.each(readdirSync(FIXTURES))('the labels of %s', (sample) => {
  const base = join(FIXTURES, sample);
  const truth = JSON.parse(readFileSync(join(base, 'truth.json'), 'utf8')) as Truth;

  it('are those that are in the files', async () => {
    const source = await opened(base);
    expect(source.concepts.map(({ name }) => name).sort()).toEqual([...truth.classes].sort());
    let objects = 0;
    for (const item of truth.items.filter(({ image_missing: missing }) => !missing)) {
      const labels = await labelsOf(source, item.file);
      const [width, height] = item.json_wh;
      expect(labels).toMatchObject({ split: item.split, labelledSize: { width, height } });
      const entries = labels!.annotations!;
      expect(entries).toHaveLength(item.annotations.length);
      for (const [i, expected] of item.annotations.entries()) {
        const entry = entries[i]!;
        objects++;
        if (isProblem(entry)) {
          expect(expected.label).toBeNull();
          expect(entry.code).toBe('CONCEPT_UNKNOWN');
          continue;
        }
        const { region } = entry;
        expect(entry.concepts[0]?.name).toBe(expected.label);
        expect(entry.info?.['caption']).toBe(expected.text);
        const said = entry.info?.['coco'] as Metadata;
        expect(said['id']).toBe(expected.id);
        expect(said['area']).toBe(expected.area);
        expect(said['iscrowd'] ?? null).toBe(expected.iscrowd ?? null);
        expect(said['attributes']).toEqual(expected.attributes);
        if (expected.xywh === undefined) expect(region?.box).toBeUndefined();
        else {
          const [x, y, w, h] = expected.xywh as [number, number, number, number];
          expect(region?.box).toEqual({ left: x, top: y, right: x + w, bottom: y + h });
        }
        expect(region?.polygon?.length).toBe(expected.parts);
        expect(region?.polygon?.flat(2).length).toBe(expected.points);
        if (expected.seg?.startsWith('rle')) {
          expect(areaOf(parseRuns(region!.mask!.counts))).toBe(expected.raster_area);
        } else expect(region?.mask).toBeUndefined();
        expect(
          region?.keypoints?.flatMap(({ x, y, visibility }) => [x, y, VISIBILITY.indexOf(visibility!)]),
        ).toEqual(expected.keypoints);
      }
    }
    const lost = truth.items.filter(({ image_missing: missing }) => missing).map(({ file }) => file);
    const left = await leftOver(source);
    for (const file of lost) {
      expect(left.some(({ message }) => message?.includes(file.slice(file.lastIndexOf('/') + 1)))).toBe(true);
    }
    // The edge cases hold an annotation of an image that is not declared, too.
    const undeclared = sample === 'derived-edge-cases' ? 1 : 0;
    expect(left).toHaveLength(lost.length + undeclared);
    expect(objects).toBe(truth.items.reduce((sum, { annotations }) => sum + annotations.length, 0));
  });
});

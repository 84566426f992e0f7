import { expect, it } from 'vitest';
import { canonicalRuns, combineRuns } from '../../src/annotations/combine-runs.ts';
import { decodeMask, encodeMask } from '../../src/annotations/mask.ts';
import { polygonRuns } from '../../src/annotations/polygon-runs.ts';
import { areaOf, boundsOf, formatRuns, parseRuns } from '../../src/annotations/runs.ts';
import type { Polygon, Position } from '../../src/model/annotation.ts';
import { describePython } from '../support/python.ts';
import { randomFrom } from '../support/random.ts';

const random = randomFrom(20_17);
const below = (limit: number) => Math.floor(random() * limit);

/** The largest polygon of each kind is far out of its image; the smallest is one point. */
function ringIn(width: number, height: number, points: number, kind: number): Position[] {
  const spread = [1, 1.4, 4][kind % 3]!;
  // Corners on whole, half and quarter pixels touch edges of pixels and of the image.
  const grid = [0, 1, 2, 4][kind % 4]!;
  return Array.from({ length: points }, () => {
    const at = (side: number) => (random() * spread - (spread - 1) / 2) * side;
    const rounded = (value: number) => (grid === 0 ? value : Math.round(value * grid) / grid);
    return [rounded(at(width)), rounded(at(height))];
  });
}

interface Case {
  width: number;
  height: number;
}

const sized = (most: number): Case => ({ width: 1 + below(most), height: 1 + below(most) });
const counted = (length: number) => Array.from({ length }, (_, i) => i);

/** Rows from the top, as nested arrays are in numpy. */
function noise({ width, height }: Case, kind: number): number[] {
  const density = [0, 1, 0.5, 0.05, 0.95][kind % 5]!;
  return Array.from({ length: width * height }, () => (random() < density ? 1 : 0));
}

describePython('annotations', 'run-length encoding, next to pycocotools', (python) => {
  it('rasterises 3000 polygons to the same strings, areas and boxes', async () => {
    const cases = counted(3000).map((i) => {
      const size = sized(i % 10 === 0 ? 400 : 40);
      return { ...size, ring: ringIn(size.width, size.height, 3 + below(9), i) };
    });
    const theirs = await python<[string, number, number[]][]>(
      `
import pycocotools.mask as m
result = []
for case in data:
    flat = [v for point in case['ring'] for v in point]
    rle = m.frPyObjects([flat], case['height'], case['width'])[0]
    result.append([rle['counts'].decode(), int(m.area(rle)), m.toBbox(rle).tolist()])
`,
      cases,
    );
    for (const [i, { ring, width, height }] of cases.entries()) {
      const runs = polygonRuns([[ring]], height, width);
      expect([formatRuns(runs), areaOf(runs), boundsOf(runs, height)]).toEqual(theirs[i]);
    }
  });

  it('rasterises parts with holes to the same strings', async () => {
    const cases = counted(500).map((i) => {
      const size = sized(60);
      const ring = () => ringIn(size.width, size.height, 3 + below(6), i + below(12));
      const polygon: Polygon = counted(1 + below(3)).map(() => counted(1 + below(3)).map(ring));
      return { ...size, polygon };
    });
    const theirs = await python<string[]>(
      `
import numpy as np, pycocotools.mask as m
def ring(points, case):
    flat = [v for point in points for v in point]
    return m.decode(m.frPyObjects([flat], case['height'], case['width'])[0])
result = []
for case in data:
    whole = np.zeros((case['height'], case['width']), np.uint8)
    for outer, *holes in case['polygon']:
        part = ring(outer, case)
        for hole in holes: part = part & (1 - ring(hole, case))
        whole |= part
    result.append(m.encode(np.asfortranarray(whole))['counts'].decode())
`,
      cases,
    );
    for (const [i, { polygon, width, height }] of cases.entries()) {
      // Runs of rings may hold a 0 in pycocotools as well; those of a bitmap never do.
      expect(formatRuns(canonicalRuns(polygonRuns(polygon, height, width)))).toBe(theirs[i]);
    }
  });

  it('encodes and decodes masks of noise, empty and full ones, and of one pixel', async () => {
    const cases = counted(600).map((i) => {
      const size = i % 20 === 0 ? { width: 1, height: 1 } : sized(i % 7 === 0 ? 300 : 30);
      return { ...size, rows: noise(size, i) };
    });
    const theirs = await python<{ counts: string; area: number; box: number[] }[]>(
      `
import numpy as np, pycocotools.mask as m
result = []
for case in data:
    bitmap = np.array(case['rows'], np.uint8).reshape(case['height'], case['width'])
    rle = m.encode(np.asfortranarray(bitmap))
    result.append({'counts': rle['counts'].decode(), 'area': int(m.area(rle)), 'box': m.toBbox(rle).tolist()})
`,
      cases,
    );
    for (const [i, { rows, width, height }] of cases.entries()) {
      const { counts, area, box } = theirs[i]!;
      expect(encodeMask(Uint8Array.from(rows), width, height)).toEqual({ size: [height, width], counts });
      expect(Buffer.from(rows).equals(decodeMask({ size: [height, width], counts }))).toBe(true);
      const runs = parseRuns(counts);
      expect([areaOf(runs), boundsOf(runs, height)]).toEqual([area, box]);
    }
  });

  it('compresses run lengths that are not compressed yet, those of large images too', async () => {
    const cases = counted(300).map((i) => {
      const size = i % 3 === 0 ? { width: 30_000, height: 40_000 } : sized(500);
      const counts: number[] = [];
      let left = size.width * size.height;
      for (let run = below(9); left > 0 && counts.length < 2000; run = 1 + below(i % 2 === 0 ? 9 : left)) {
        counts.push(Math.min(run, left));
        left -= counts.at(-1)!;
      }
      if (left > 0) counts.push(left);
      return { ...size, counts };
    });
    const theirs = await python<string[]>(
      `
import pycocotools.mask as m
result = []
for case in data:
    rle = {'size': [case['height'], case['width']], 'counts': case['counts']}
    result.append(m.frPyObjects(rle, case['height'], case['width'])['counts'].decode())
`,
      cases,
    );
    for (const [i, { counts }] of cases.entries()) {
      const runs = Uint32Array.from(counts);
      expect(formatRuns(runs)).toBe(theirs[i]);
      expect(parseRuns(theirs[i]!)).toEqual(runs);
    }
  });

  it('merges masks to the same strings', async () => {
    const cases = counted(400).map((i) => {
      const size = sized(40);
      return { ...size, masks: counted(2).map(() => noise(size, i + below(2))) };
    });
    const theirs = await python<string[][]>(
      `
import numpy as np, pycocotools.mask as m
result = []
for case in data:
    shape = (case['height'], case['width'])
    rles = [m.encode(np.asfortranarray(np.array(rows, np.uint8).reshape(shape))) for rows in case['masks']]
    result.append([m.merge(rles, intersect=i)['counts'].decode() for i in (False, True)])
`,
      cases,
    );
    for (const [i, { masks, width, height }] of cases.entries()) {
      const [a, b] = masks.map((rows) => parseRuns(encodeMask(Uint8Array.from(rows), width, height).counts));
      const ours = [combineRuns(a!, b!, 'union'), combineRuns(a!, b!, 'intersection')];
      expect(ours.map(formatRuns)).toEqual(theirs[i]);
    }
  });
});

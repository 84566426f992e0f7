import { canonicalRuns } from '../../annotations/combine-runs.ts';
import { polygonRuns } from '../../annotations/polygon-runs.ts';
import { areaOf, boundsOf, formatRuns, parseRuns, type Runs } from '../../annotations/runs.ts';
import type { Mask, Polygon, Region } from '../../model/annotation.ts';
import {
  type Bbox,
  bboxOf,
  boundsOfKeypoints,
  boundsOfPolygon,
  boxArea,
  enclosedArea,
  flatRing,
  pixelPolygon,
  type Size,
} from './pixels.ts';

/** How outlines are written. */
export const SEGMENTATIONS = ['auto', 'polygon', 'rle'] as const;
export type Segmentation = (typeof SEGMENTATIONS)[number];

/** A compressed run-length mask, or a list of coordinates for each part of a polygon. */
export type Segments = { size: [height: number, width: number]; counts: string } | number[][];

export interface Outline {
  /** No element for a box alone. */
  segmentation: Segments;
  bbox: Bbox;
  area: number;
  /** The mask or hole could not be written as polygons. */
  leftOut: boolean;
  /** The source's area is not the outline's. */
  corrected: boolean;
}

/** Largest relative difference of an area that is the outline's all the same; COCO's own crowds are off by 4.6 %. */
const AREA_TOLERANCE = 0.05;

/**
 * The outline, box and area of a region that has any of box, polygon, mask and key points.
 *
 * **Outline.** `auto` writes a polygon without holes as it is, with all its parts in one annotation, and everything else
 * as a run-length mask; `rle` writes every outline as such a mask; `polygon` leaves out what no polygon of COCO's can say.
 *
 * **Box.** The region's own; else the one around its polygon's corners, its mask's pixels, or its key points.
 *
 * **Area.** The number of pixels of the mask, or of the polygon as pycocotools draws it; of a box its width times its
 * height. `stated`, the area that the source gave, stays when it is that number or what the corners enclose, to 5 %.
 */
export function outlineOf(region: Region, size: Size, how: Segmentation, stated?: unknown): Outline {
  const { box, mask, polygon } = region;
  const outline =
    mask !== undefined
      ? ofMask(mask, how)
      : polygon !== undefined
        ? ofPolygon(polygon, size, how)
        : undefined;
  const bbox =
    box !== undefined ? bboxOf(box, size) : (outline?.bounds() ?? boundsOfKeypoints(region.keypoints!, size));
  const pixels = outline?.area ?? (() => boxArea(bbox));
  const isKept =
    typeof stated === 'number' &&
    ((outline?.enclosed !== undefined && isNear(stated, outline.enclosed)) || isNear(stated, pixels()));
  return {
    segmentation: outline?.segmentation ?? [],
    bbox,
    area: isKept ? stated : pixels(),
    leftOut: outline !== undefined && outline.segmentation === undefined,
    corrected: stated !== undefined && !isKept,
  };
}

const isNear = (stated: number, measured: number): boolean =>
  Math.abs(stated - measured) <= AREA_TOLERANCE * measured;

/** What is asked for only where it is needed is a function: drawing a polygon takes longer than all the rest. */
interface Measures {
  /** Undefined where it cannot be written as was asked for. */
  segmentation: Segments | undefined;
  bounds(): Bbox;
  area(): number;
  /** What the corners enclose, of a polygon. */
  enclosed?: number;
}

function ofMask({ size, counts }: Mask, how: Segmentation): Measures {
  const runs = parseRuns(counts);
  return {
    segmentation: how === 'polygon' ? undefined : { size, counts },
    bounds: () => boundsOf(runs, size[0]),
    area: () => areaOf(runs),
  };
}

function ofPolygon(polygon: Polygon, size: Size, how: Segmentation): Measures {
  let drawn: Runs | undefined;
  const runs = () => {
    drawn ??= canonicalRuns(polygonRuns(pixelPolygon(polygon, size), size.height, size.width));
    return drawn;
  };
  const hasHoles = polygon.some((part) => part.length > 1);
  const asMask = how === 'rle' || (how === 'auto' && hasHoles);
  const rings = polygon.map((part) => part.map((ring) => flatRing(ring, size)));
  const outers = hasHoles ? undefined : rings.map(([outer]) => outer!);
  return {
    segmentation: asMask ? { size: [size.height, size.width], counts: formatRuns(runs()) } : outers,
    bounds: () => boundsOfPolygon(pixelPolygon(polygon, size)),
    area: () => areaOf(runs()),
    enclosed: enclosedArea(rings),
  };
}

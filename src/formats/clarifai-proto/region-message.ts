import { maskOfPolygon } from '../../annotations/mask.ts';
import type { Point, Polygon, Position, Region, Span, Visibility } from '../../model/annotation.ts';
import type { MediaInfo } from '../../model/input.ts';
import type { Message } from './encode.ts';
import { type Flavour, survives } from './exact.ts';
import { maskPng } from './mask-png.ts';

const VISIBILITY: Record<Visibility, string> = {
  visible: 'VISIBLE',
  not_visible: 'NOT_VISIBLE',
  not_present: 'NOT_PRESENT',
};

/** What a region's geometry becomes, and how much of it the platform's fields say. */
export interface RegionMessage {
  info: Message;
  /** The region as it is kept beside, when the fields are not enough; a mask that they have is only `true`. */
  exact?: Message;
  /** By the ids of the losses. */
  losses: string[];
}

/**
 * A `RegionInfo`. It has one ring for an outline: a polygon of several parts or with holes becomes the mask of its pixels
 * or, where the size of the image is not known or there is a mask already, the outer ring with the largest box.
 */
export async function regionMessage(
  region: Region,
  media: MediaInfo,
  flavour: Flavour,
): Promise<RegionMessage> {
  const { box, polygon, mask, point, keypoints } = region;
  const info: Message = {};
  const losses: string[] = [];
  let isExact = true;
  if (box !== undefined) {
    const { top, left, bottom, right } = box;
    info['boundingBox'] = { topRow: top, leftCol: left, bottomRow: bottom, rightCol: right };
    isExact &&= survives(flavour, top, left, bottom, right);
  }
  if (mask !== undefined) info['mask'] = await maskMessage(mask);
  if (polygon !== undefined) {
    const isPlain = polygon.length === 1 && polygon[0]!.length === 1;
    const { width, height } = media;
    if (isPlain || mask !== undefined || width === undefined || height === undefined)
      info['polygon'] = { points: largestRing(polygon).map(vertex) };
    else info['mask'] = await maskMessage(maskOfPolygon(polygon, width, height));
    isExact &&= isPlain && polygon[0]![0]!.every((position) => survives(flavour, ...position));
    if (!isPlain) losses.push('polygon-parts');
  }
  if (point !== undefined) info['point'] = pointMessage(point);
  if (keypoints !== undefined) info['keypointLocations'] = keypoints.map(pointMessage);
  const points = [...(point === undefined ? [] : [point]), ...(keypoints ?? [])];
  if (points.some(({ name }) => name !== undefined)) losses.push('point-names');
  isExact &&= keypoints?.length !== 0 && points.every((each) => isExactPoint(each, flavour));
  return isExact
    ? { info, losses }
    : { info, losses, exact: mask === undefined ? { ...region } : { ...region, mask: true } };
}

/** Offsets are UTF-16 code units, as everywhere in Sluice. */
export const spanMessage = ({ start, end, text }: Span): Message => ({
  charStart: start,
  charEnd: end,
  ...(text === undefined ? {} : { rawText: text }),
});

const maskMessage = async (mask: NonNullable<Region['mask']>): Promise<Message> => ({
  image: { base64: (await maskPng(mask)).toString('base64') },
});

const vertex = ([x, y]: Position): Message => ({ row: y, col: x, visibility: 'VISIBLE' });

const pointMessage = ({ x, y, z, visibility }: Point): Message => ({
  row: y,
  col: x,
  ...(z === undefined ? {} : { z }),
  ...(visibility === undefined ? {} : { visibility: VISIBILITY[visibility] }),
});

/** A depth of 0 reads as none, and a point has no name of its own. */
const isExactPoint = ({ x, y, z, name }: Point, flavour: Flavour): boolean =>
  name === undefined && z !== 0 && survives(flavour, x, y, z ?? 0);

function largestRing(polygon: Polygon): Position[] {
  const outer = polygon.map(([ring]) => ring!);
  return outer.reduce((largest, ring) => (boxArea(ring) > boxArea(largest) ? ring : largest));
}

function boxArea(ring: readonly Position[]): number {
  let [left, top, right, bottom] = [1, 1, 0, 0];
  for (const [x, y] of ring) {
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  return (right - left) * (bottom - top);
}

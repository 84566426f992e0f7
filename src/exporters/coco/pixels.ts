import type { Box, Point, Polygon, Position } from '../../model/annotation.ts';

/** Width and height of the oriented image, in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** As COCO has it: left, top, width, height. */
export type Bbox = [left: number, top: number, width: number, height: number];

/** Digits behind the point that doubles surely hold for pixels: 10 while an image is below 900 000 of them wide. */
const SCALE = 1e10;

/** The shortest decimal that is the value but for what multiplying and subtracting doubles left on it. */
const rounded = (pixels: number): number => Math.round(pixels * SCALE) / SCALE;

/**
 * A normalised coordinate in pixels, which divided by `side` is that coordinate again: 73.5 of 640 comes back as 73.5,
 * not as 73.50000000000001.
 */
export function toPixels(coordinate: number, side: number): number {
  const raw = coordinate * side;
  const short = rounded(raw);
  return short / side === coordinate ? short : raw;
}

export function bboxOf({ left, top, right, bottom }: Box, { width, height }: Size): Bbox {
  const x = toPixels(left, width);
  const y = toPixels(top, height);
  return [x, y, extentOf(x, right, width), extentOf(y, bottom, height)];
}

/** How far it is to the other side of a box, so that both together are that side's coordinate again. */
function extentOf(from: number, to: number, side: number): number {
  const raw = to * side - from;
  const short = rounded(toPixels(to, side) - from);
  return (from + short) / side === to ? short : raw;
}

export const pixelPolygon = (polygon: Polygon, { width, height }: Size): Polygon =>
  polygon.map((part) =>
    part.map((ring) => ring.map(([x, y]): Position => [toPixels(x, width), toPixels(y, height)])),
  );

/** A ring as COCO has it: x and y in pixels by turns. */
export function flatRing(ring: readonly Position[], { width, height }: Size): number[] {
  const flat: number[] = [];
  for (const [x, y] of ring) flat.push(toPixels(x, width), toPixels(y, height));
  return flat;
}

/** The smallest box around all parts, at the coordinates of the corners and not of the pixels that they touch. */
export const boundsOfPolygon = (polygon: Polygon): Bbox =>
  boundsOfPositions(polygon.flatMap(([outer]) => outer!));

function boundsOfPositions(positions: readonly Position[]): Bbox {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of positions) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return [left, top, rounded(right - left), rounded(bottom - top)];
}

/** Around the key points that are labelled; at least a pixel in each direction, as a box without an area is none. */
export function boundsOfKeypoints(points: readonly Point[], { width, height }: Size): Bbox {
  const labelled = points.filter(({ visibility }) => visibility !== 'not_present');
  const [x, y, w, h] = boundsOfPositions(
    (labelled.length === 0 ? points : labelled).map((point) => [
      toPixels(point.x, width),
      toPixels(point.y, height),
    ]),
  );
  const extent = { width: Math.max(w, 1), height: Math.max(h, 1) };
  return [
    Math.min(x, width - extent.width),
    Math.min(y, height - extent.height),
    extent.width,
    extent.height,
  ];
}

/** The area that the corners of flat rings enclose: parts less their holes. */
export function enclosedArea(parts: readonly (readonly number[][])[]): number {
  let area = 0;
  for (const rings of parts) {
    for (let i = 0; i < rings.length; i++) area += (i === 0 ? 1 : -1) * ringArea(rings[i]!);
  }
  return area;
}

function ringArea(ring: readonly number[]): number {
  let twice = 0;
  let [lastX, lastY] = [ring.at(-2)!, ring.at(-1)!];
  for (let i = 0; i < ring.length; i += 2) {
    const [x, y] = [ring[i]!, ring[i + 1]!];
    twice += lastX * y - x * lastY;
    lastX = x;
    lastY = y;
  }
  return Math.abs(twice) / 2;
}

export const boxArea = ([, , width, height]: Bbox): number => rounded(width * height);

import type { Box, Point, Polygon, Position } from '../model/annotation.ts';
import { VISIBILITIES } from '../model/annotation.ts';
import { RejectedItemError } from '../model/errors.ts';
import { clipRing } from './clip-ring.ts';
import { checkFinite, checkString, invalid } from './invalid.ts';
import { ringRuns } from './polygon-runs.ts';
import { areaOf } from './runs.ts';

/** Where a position of the labels lies in the oriented image; remembers whether anything had to be cut. */
export interface Placement {
  /** A new position, the caller's own. */
  place(x: number, y: number): Position;
  clamped: boolean;
}

/** How far over the edge a normalised coordinate is still on it: sums and quotients of doubles are not exact. */
const EDGE_TOLERANCE = 1e-6;
/** Normalised; less is no width or height but what is left over from subtracting doubles. */
const MIN_EXTENT = 1e-9;
/** Normalised; of less it is asked whether the ring crosses itself, so that its two halves cancel out. */
const MIN_AREA = 1e-13;
/** Pixels a side of the bitmap that tells a ring which crosses itself from a line. */
const CROSSED_SIDE = 64;

const clamp = (value: number): number => (value <= 0 ? 0 : Math.min(value, 1));
const isOver = (value: number): boolean => value < -EDGE_TOLERANCE || value > 1 + EDGE_TOLERANCE;
/** What is on the edge but for rounding is put there. */
const snap = (value: number): number => (isOver(value) ? value : clamp(value));

const degenerate = (message: string): RejectedItemError =>
  new RejectedItemError('REGION_DEGENERATE', message);
const outside = (what: string): RejectedItemError =>
  new RejectedItemError('REGION_OUTSIDE', `${what} lies wholly outside the image`);

/** A box may be given by any two opposite corners. */
export function checkBox(box: Box, placement: Placement): Box {
  checkFinite('box.left', box.left);
  checkFinite('box.top', box.top);
  checkFinite('box.right', box.right);
  checkFinite('box.bottom', box.bottom);
  const [x1, y1] = placement.place(box.left, box.top);
  const [x2, y2] = placement.place(box.right, box.bottom);
  const left = Math.min(x1, x2);
  const top = Math.min(y1, y2);
  const right = Math.max(x1, x2);
  const bottom = Math.max(y1, y2);
  if (right - left < MIN_EXTENT || bottom - top < MIN_EXTENT) {
    throw degenerate(`box: left ${box.left}, top ${box.top}, right ${box.right}, bottom ${box.bottom}`);
  }
  const cut = { top: clamp(top), left: clamp(left), bottom: clamp(bottom), right: clamp(right) };
  if (cut.right - cut.left < MIN_EXTENT || cut.bottom - cut.top < MIN_EXTENT) throw outside('the box');
  if (isOver(left) || isOver(top) || isOver(right) || isOver(bottom)) placement.clamped = true;
  return cut;
}

/** Cut at the edges of the image; a hole or part outside is cut off whole, and one without area is an error. */
export function checkPolygon(polygon: Polygon, placement: Placement): Polygon {
  const parts: Polygon = [];
  for (let i = 0; i < polygon.length; i++) {
    const rings = polygon[i]!.map((ring, k) => checkRing(ring, () => `polygon[${i}][${k}]`, placement));
    if (rings.length === 0) throw degenerate(`polygon[${i}]: has no ring`);
    const [outer, ...holes] = rings;
    if (outer!.length > 0) parts.push([outer!, ...holes.filter((hole) => hole.length > 0)]);
  }
  if (polygon.length === 0) throw degenerate('polygon: has no part');
  if (parts.length === 0) throw outside('the polygon');
  return parts;
}

/** Empty for a ring outside the image. One pass for a ring inside: `field` is asked for only to say what is wrong. */
function checkRing(ring: readonly Position[], field: () => string, placement: Placement): Position[] {
  const placed: Position[] = [];
  let reachesOver = false;
  for (let i = 0; i < ring.length; i++) {
    const [x, y] = ring[i]!;
    checkFinite(() => `${field()}[${i}][0]`, x);
    checkFinite(() => `${field()}[${i}][1]`, y);
    const position = placement.place(x, y);
    position[0] = snap(position[0]);
    position[1] = snap(position[1]);
    reachesOver ||= isOver(position[0]) || isOver(position[1]);
    placed.push(position);
  }
  while (placed.length > 1 && isSamePosition(placed[0]!, placed.at(-1)!)) placed.pop();
  if (placed.length < 3) {
    throw new RejectedItemError('REGION_DEGENERATE', `${field()}: has fewer than three points`, {
      measured: placed.length,
      limit: 3,
    });
  }
  if (!hasArea(placed)) throw degenerate(`${field()}: its ${placed.length} points enclose no area`);
  if (!reachesOver) return placed;
  placement.clamped = true;
  const rest = clipRing(placed);
  return rest.length >= 3 && hasArea(rest) ? rest : [];
}

const isSamePosition = (a: Position, b: Position): boolean => a[0] === b[0] && a[1] === b[1];

function hasArea(ring: readonly Position[]): boolean {
  const [originX, originY] = ring[0]!;
  let twice = 0;
  let [lastX, lastY] = ring.at(-1)!;
  for (let i = 0; i < ring.length; i++) {
    const [x, y] = ring[i]!;
    twice += (lastX - originX) * (y - originY) - (x - originX) * (lastY - originY);
    lastX = x;
    lastY = y;
  }
  return Math.abs(twice) / 2 > MIN_AREA || crossesItself(ring);
}

/** Whether a ring whose signed area is nothing encloses pixels all the same, as a figure of eight does. */
function crossesItself(ring: readonly Position[]): boolean {
  const xs = ring.map(([x]) => x);
  const ys = ring.map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
  if (width < MIN_EXTENT || height < MIN_EXTENT) return false;
  const scaled = ring.map(
    ([x, y]): Position => [((x - left) / width) * CROSSED_SIDE, ((y - top) / height) * CROSSED_SIDE],
  );
  // A line may leave a pixel in a column, where its points were rounded.
  return areaOf(ringRuns(scaled, CROSSED_SIDE, CROSSED_SIDE)) > CROSSED_SIDE;
}

export function checkPoint(point: Point, placement: Placement): Point {
  const { checked, isOutside } = placePoint(point, 'point', placement);
  if (isOutside) throw outside('the point');
  return checked;
}

/** Key points outside are moved to the edge, as long as one is inside; where one that is not present lies, is no matter. */
export function checkKeypoints(keypoints: readonly Point[], placement: Placement): Point[] {
  if (keypoints.length === 0) throw degenerate('keypoints: there is none');
  const placed = keypoints.map((point, i) => placePoint(point, `keypoints[${i}]`, placement));
  const present = placed.filter(({ checked }) => checked.visibility !== 'not_present');
  if (present.length > 0 && present.every(({ isOutside }) => isOutside)) throw outside('every key point');
  if (present.some(({ isOutside }) => isOutside)) placement.clamped = true;
  return placed.map(({ checked }) => checked);
}

function placePoint(point: Point, field: string, { place }: Placement) {
  const { x, y, z, visibility, name } = point;
  checkFinite(`${field}.x`, x);
  checkFinite(`${field}.y`, y);
  if (z !== undefined) checkFinite(`${field}.z`, z);
  if (visibility !== undefined && !VISIBILITIES.includes(visibility)) {
    throw invalid(`${field}.visibility`, `one of ${VISIBILITIES.join(', ')}`, visibility);
  }
  if (name !== undefined) checkString(`${field}.name`, name);
  const [placedX, placedY] = place(x, y);
  const checked: Point = {
    x: clamp(placedX),
    y: clamp(placedY),
    ...(z === undefined ? {} : { z }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(name === undefined ? {} : { name }),
  };
  return { checked, isOutside: isOver(placedX) || isOver(placedY) };
}

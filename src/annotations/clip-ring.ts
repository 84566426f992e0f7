import type { Position } from '../model/annotation.ts';

/** Axis of a position, and the line to cut at. */
const SIDES: readonly { axis: 0 | 1; at: 0 | 1 }[] = [
  { axis: 0, at: 0 },
  { axis: 0, at: 1 },
  { axis: 1, at: 0 },
  { axis: 1, at: 1 },
];

/**
 * What of a normalised ring lies inside the image (Sutherland–Hodgman): positions inside stay as they are, and where
 * the ring leaves the image it follows the edge. Empty when nothing lies inside.
 */
export function clipRing(ring: readonly Position[]): Position[] {
  let rest: readonly Position[] = ring;
  for (const { axis, at } of SIDES) rest = clipSide(rest, axis, at);
  return rest.filter(([x, y], i) => {
    const [lastX, lastY] = rest.at(i - 1)!;
    return rest.length === 1 || x !== lastX || y !== lastY;
  });
}

function clipSide(ring: readonly Position[], axis: 0 | 1, at: 0 | 1): Position[] {
  const isInside = (position: Position) => (at === 0 ? position[axis] >= 0 : position[axis] <= 1);
  const result: Position[] = [];
  for (let i = 0; i < ring.length; i++) {
    const from = ring.at(i - 1)!;
    const to = ring[i]!;
    if (isInside(from) !== isInside(to)) result.push(crossing(from, to, axis, at));
    if (isInside(to)) result.push(to);
  }
  return result;
}

function crossing(from: Position, to: Position, axis: 0 | 1, at: 0 | 1): Position {
  const other = axis === 0 ? 1 : 0;
  const share = (at - from[axis]) / (to[axis] - from[axis]);
  const value = from[other] + share * (to[other] - from[other]);
  return axis === 0 ? [at, value] : [value, at];
}

import type { Polygon, Position } from '../model/annotation.ts';
import { combineRuns } from './combine-runs.ts';
import type { Runs } from './runs.ts';

/** pycocotools moves corners to a grid of five points a pixel, and a column of pixels is crossed at its third point. */
const SCALE = 5;
const CROSSING = 2;

/**
 * The pixels of a polygon in pixel coordinates, exactly those of pycocotools' `frPyObjects` and `merge`: a part is its
 * outer ring without its holes, and the polygon all its parts.
 */
export function polygonRuns(polygon: Polygon, height: number, width: number): Runs {
  let all: Runs | undefined;
  for (const [outer, ...holes] of polygon) {
    let part = ringRuns(outer!, height, width);
    for (const hole of holes) part = combineRuns(part, ringRuns(hole, height, width), 'difference');
    all = all === undefined ? part : combineRuns(all, part, 'union');
  }
  return all ?? Uint32Array.of(height * width);
}

/**
 * The pixels inside one ring (`rleFrPoly`), by the places where it crosses the columns of pixels: what lies between
 * two of them in column-major order is inside.
 *
 * pycocotools walks every edge point by point; here each crossing is computed from its edge, with the same operations
 * on doubles, so that the result is the same and its cost does not grow with the length of the edges.
 */
export function ringRuns(ring: readonly Position[], height: number, width: number): Runs {
  const crossings = new Crossings(height, width);
  const [lastX, lastY] = ring[ring.length - 1] ?? [0, 0];
  let fromX = toGrid(lastX);
  let fromY = toGrid(lastY);
  for (const [x, y] of ring) {
    const toX = toGrid(x);
    const toY = toGrid(y);
    const [dx, dy] = [Math.abs(toX - fromX), Math.abs(toY - fromY)];
    if (dx >= dy) {
      if (fromX <= toX) crossings.addFlat(fromX, fromY, toX, toY);
      else crossings.addFlat(toX, toY, fromX, fromY);
    } else if (fromY <= toY) crossings.addSteep(fromX, fromY, toX, toY);
    else crossings.addSteep(toX, toY, fromX, fromY);
    fromX = toX;
    fromY = toY;
  }
  return crossings.runs();
}

const toGrid = (pixels: number): number => Math.trunc(SCALE * pixels + 0.5);

/** Where a ring crosses the columns of pixels, as indexes of pixels in column-major order. */
class Crossings {
  readonly #height: number;
  readonly #width: number;
  #indexes = new Uint32Array(64);
  #count = 0;

  constructor(height: number, width: number) {
    this.#height = height;
    this.#width = width;
  }

  /** An edge that is not higher than wide, from left to right in grid points: it has one point in every grid column. */
  addFlat(fromX: number, fromY: number, toX: number, toY: number): void {
    const slope = (toY - fromY) / (toX - fromX);
    const last = this.#lastColumn(toX);
    for (let column = firstColumn(fromX); column <= last; column++) {
      const t = column * SCALE + CROSSING - fromX;
      const before = Math.trunc(fromY + slope * t + 0.5);
      const after = Math.trunc(fromY + slope * (t + 1) + 0.5);
      this.#add(column, Math.min(before, after));
    }
  }

  /** An edge that is higher than wide, downward in grid points: it has one point in every grid row. */
  addSteep(fromX: number, fromY: number, toX: number, toY: number): void {
    const slope = (toX - fromX) / (toY - fromY);
    const xAt = (t: number) => Math.trunc(fromX + slope * t + 0.5);
    const last = this.#lastColumn(Math.max(fromX, toX));
    for (let column = firstColumn(Math.min(fromX, toX)); column <= last; column++) {
      // The last row before x passes from `left` to the grid column beside it, or the other way round.
      const left = column * SCALE + CROSSING;
      const isBefore = (t: number) => (slope > 0 ? xAt(t) <= left : xAt(t) > left);
      let t = Math.trunc((left + 0.5 - fromX) / slope);
      while (!isBefore(t)) t--;
      while (isBefore(t + 1)) t++;
      this.#add(column, fromY + t);
    }
  }

  /** The last column that an edge to this grid column crosses; its crossing lies left of the grid column. */
  #lastColumn(gridX: number): number {
    return Math.min(this.#width - 1, Math.ceil((gridX - CROSSING) / SCALE) - 1);
  }

  #add(column: number, gridY: number): void {
    const y = Math.ceil(Math.min(Math.max((gridY + 0.5) / SCALE - 0.5, 0), this.#height));
    if (this.#count === this.#indexes.length) {
      const larger = new Uint32Array(this.#count * 2);
      larger.set(this.#indexes);
      this.#indexes = larger;
    }
    this.#indexes[this.#count++] = column * this.#height + y;
  }

  /** The distances from crossing to crossing; of crossings in one place, each two cancel out. */
  runs(): Runs {
    const sorted = this.#indexes.subarray(0, this.#count).sort();
    const runs = new Uint32Array(this.#count + 1);
    let count = 0;
    let start = 0;
    for (let i = 0; i < sorted.length; i++) {
      const at = sorted[i]!;
      if (count > 0 && at === start) {
        count--;
        start -= runs[count]!;
        continue;
      }
      runs[count++] = at - start;
      start = at;
    }
    const end = this.#height * this.#width;
    if (count === 0 || end > start) runs[count++] = end - start;
    return runs.slice(0, count);
  }
}

/** The first column that an edge from this grid column crosses. */
const firstColumn = (gridX: number): number => Math.max(0, Math.ceil((gridX - CROSSING) / SCALE));

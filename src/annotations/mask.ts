import type { Mask, Polygon } from '../model/annotation.ts';
import { polygonRuns } from './polygon-runs.ts';
import { decodeColumns, encodeColumns, formatRuns, parseRuns, type Runs } from './runs.ts';
import { transpose } from './transpose.ts';

/** A mask's bitmap in rows from the top, a byte of 0 or 1 for each pixel. Throws RejectedItemError MASK_INVALID. */
export function decodeMask({ size: [height, width], counts }: Mask): Uint8Array {
  return transpose(decodeColumns(parseRuns(counts), height * width), width, height);
}

/** The mask of a bitmap in rows from the top; every byte that is not 0 is a one. */
export function encodeMask(bitmap: Uint8Array, width: number, height: number): Mask {
  return maskOfRuns(encodeColumns(transpose(bitmap, height, width)), width, height);
}

export function maskOfRuns(runs: Runs, width: number, height: number): Mask {
  return { size: [height, width], counts: formatRuns(runs) };
}

/** The pixels of a normalised polygon in an image of this size. */
export function maskOfPolygon(polygon: Polygon, width: number, height: number): Mask {
  const pixels = polygon.map((part) =>
    part.map((ring) => ring.map(([x, y]): [number, number] => [x * width, y * height])),
  );
  return maskOfRuns(polygonRuns(pixels, height, width), width, height);
}

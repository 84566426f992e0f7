import type { Position } from '../model/annotation.ts';

/** What turns an image with an EXIF orientation upright: its axes are swapped first, then flipped. */
interface Turn {
  swap: boolean;
  flipX: boolean;
  flipY: boolean;
}

/** Orientations 1–8 of EXIF 2.32, §4.6.4. */
const TURNS: readonly Turn[] = [
  { swap: false, flipX: false, flipY: false },
  { swap: false, flipX: true, flipY: false },
  { swap: false, flipX: true, flipY: true },
  { swap: false, flipX: false, flipY: true },
  { swap: true, flipX: false, flipY: false },
  { swap: true, flipX: true, flipY: false },
  { swap: true, flipX: true, flipY: true },
  { swap: true, flipX: false, flipY: true },
];

const turnOf = (orientation: number): Turn => TURNS[orientation - 1] ?? TURNS[0]!;

/** Whether width and height of the stored pixels are those of the upright image the other way round. */
export const swapsAxes = (orientation: number | undefined): boolean => turnOf(orientation ?? 1).swap;

/** Where a normalised position of the stored pixels lies in the upright image. */
export function turnPosition(x: number, y: number, orientation: number): Position {
  const { swap, flipX, flipY } = turnOf(orientation);
  const [uprightX, uprightY] = swap ? [y, x] : [x, y];
  return [flipX ? 1 - uprightX : uprightX, flipY ? 1 - uprightY : uprightY];
}

/** The upright bitmap, in rows from the top, of one of the stored pixels, which are `width` × `height`. */
export function turnBitmap(
  bitmap: Uint8Array,
  width: number,
  height: number,
  orientation: number,
): Uint8Array {
  const { swap, flipX, flipY } = turnOf(orientation);
  const columns = swap ? height : width;
  const rows = swap ? width : height;
  const result = new Uint8Array(bitmap.length);
  let to = 0;
  for (let row = 0; row < rows; row++) {
    const y = flipY ? rows - 1 - row : row;
    for (let column = 0; column < columns; column++) {
      const x = flipX ? columns - 1 - column : column;
      result[to++] = bitmap[swap ? x * width + y : y * width + x]!;
    }
  }
  return result;
}

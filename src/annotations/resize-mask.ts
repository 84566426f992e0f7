import type { Annotation } from '../model/annotation.ts';
import { decodeMask, encodeMask } from './mask.ts';

/**
 * Annotations of an image for a copy of it in another size, in pixels: normalised geometry stays as it is, masks get the
 * nearest pixel of the original.
 */
export function resizeMasks(
  annotations: readonly Annotation[],
  { width, height }: { width?: number; height?: number },
): Annotation[] {
  if (width === undefined || height === undefined) return [...annotations];
  return annotations.map((annotation) => {
    const mask = annotation.region?.mask;
    if (mask === undefined || (mask.size[0] === height && mask.size[1] === width)) return annotation;
    const [fromHeight, fromWidth] = mask.size;
    const from = decodeMask(mask);
    const columns = Uint32Array.from({ length: width }, (_, x) => nearest(x, width, fromWidth));
    const to = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      const row = nearest(y, height, fromHeight) * fromWidth;
      for (let x = 0; x < width; x++) to[y * width + x] = from[row + columns[x]!]!;
    }
    return { ...annotation, region: { ...annotation.region, mask: encodeMask(to, width, height) } };
  });
}

/** The pixel of the original under the middle of a pixel of the copy. */
const nearest = (at: number, length: number, fromLength: number): number =>
  Math.min(fromLength - 1, Math.floor(((at + 0.5) * fromLength) / length));

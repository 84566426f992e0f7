import { boundsOf, parseRuns } from '../../annotations/runs.ts';
import type { Annotation } from '../../model/annotation.ts';
import type { Input } from '../../model/input.ts';
import { type Bbox, bboxOf, boundsOfPolygon, pixelPolygon, type Size } from '../coco/pixels.ts';

/** What an annotation can become: an object with a box, labels of the whole input, or nothing. */
export type Place = 'object' | 'whole' | 'points' | 'elsewhere';

export function placeOf({ region, span, frame, segment }: Annotation, input: Input): Place {
  if (span !== undefined || frame !== undefined || segment !== undefined) return 'elsewhere';
  if (region === undefined) return 'whole';
  if (sizeOf(input) === undefined) return 'elsewhere';
  const { box, polygon, mask } = region;
  return box === undefined && polygon === undefined && mask === undefined ? 'points' : 'object';
}

/** Left, top, width and height in pixels of the oriented image; of an outline what is around it. */
export function boxOf({ region }: Annotation, input: Input): Bbox {
  const size = sizeOf(input)!;
  const { box, polygon, mask } = region!;
  if (box !== undefined) return bboxOf(box, size);
  if (polygon !== undefined) return boundsOfPolygon(pixelPolygon(polygon, size));
  const [height, width] = mask!.size;
  const [x, y, w, h] = boundsOf(parseRuns(mask!.counts), height);
  const [across, down] = [size.width / width, size.height / height];
  return [x * across, y * down, w * across, h * down];
}

function sizeOf({ kind, media: { width, height } }: Input): Size | undefined {
  return kind === 'image' && width !== undefined && height !== undefined ? { width, height } : undefined;
}

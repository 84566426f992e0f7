import { formatRuns, MAX_MASK_PIXELS } from '../../annotations/runs.ts';
import type { Box, Mask, Point, Polygon, Region, Visibility } from '../../model/annotation.ts';
import { isObject, type JsonObject } from './element-json.ts';

/** Why an annotation cannot be used, as the model has codes for it. */
export class EntryFault extends Error {
  readonly code: 'ANNOTATION_INVALID_ARGUMENT' | 'CONCEPT_UNKNOWN' | 'MASK_INVALID' | 'REGION_DEGENERATE';

  constructor(code: EntryFault['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** By COCO's number: 0 not labelled, 1 labelled but hidden, 2 visible. */
const VISIBILITY: readonly Visibility[] = ['not_present', 'not_visible', 'visible'];

/** Members that say that an annotation is about a region, even where none is left of it. */
const REGIONAL = ['bbox', 'segmentation', 'keypoints', 'area', 'iscrowd'];

/**
 * The region of an annotation in pixels, its parts unchecked but for their types; undefined for a mere label. Box,
 * outline or mask, and key points are of the same object. Throws EntryFault.
 */
export function regionOf(annotation: JsonObject, keypointNames: readonly string[]): Region | undefined {
  const box = boxOf(annotation['bbox']);
  const outline = outlineOf(annotation['segmentation']);
  const keypoints = keypointsOf(annotation['keypoints'], keypointNames);
  if (box === undefined && outline === undefined && keypoints === undefined) {
    const regional = REGIONAL.filter((name) => name in annotation);
    if (regional.length === 0) return undefined;
    throw new EntryFault(
      'ANNOTATION_INVALID_ARGUMENT',
      `it has ${regional.join(', ')}, but neither a box nor an outline nor key points`,
    );
  }
  const region: Region = outline ?? {};
  if (box !== undefined) region.box = box;
  if (keypoints !== undefined) region.keypoints = keypoints;
  return region;
}

function boxOf(bbox: unknown): Box | undefined {
  if (isNothing(bbox)) return undefined;
  const [left, top, width, height] = numbers(bbox, 'bbox', 4);
  if (width! < 0 || height! < 0)
    throw new EntryFault(
      'REGION_DEGENERATE',
      `bbox is ${width} wide and ${height} high, which no box can be`,
    );
  return { left: left!, top: top!, right: left! + width!, bottom: top! + height! };
}

function outlineOf(segmentation: unknown): { polygon: Polygon } | { mask: Mask } | undefined {
  if (isNothing(segmentation)) return undefined;
  if (isObject(segmentation)) return { mask: maskOf(segmentation) };
  if (!Array.isArray(segmentation))
    throw wrongType('segmentation', segmentation, 'polygons or a run-length mask');
  // Some tools leave the outer list out where there is one part only.
  const parts: unknown[] = typeof segmentation[0] === 'number' ? [segmentation] : segmentation;
  const polygon: Polygon = [];
  for (let i = 0; i < parts.length; i++) {
    if (!isNothing(parts[i])) polygon.push([ringOf(parts[i], i)]);
  }
  return polygon.length === 0 ? undefined : { polygon };
}

function ringOf(part: unknown, index: number): [number, number][] {
  const name = `segmentation[${index}]`;
  const flat = numbers(part, name);
  if (flat.length % 2 !== 0)
    throw new EntryFault(
      'ANNOTATION_INVALID_ARGUMENT',
      `${name} has ${flat.length} coordinates, an odd number`,
    );
  const ring = new Array<[number, number]>(flat.length / 2);
  for (let i = 0; i < ring.length; i++) ring[i] = [flat[2 * i]!, flat[2 * i + 1]!];
  const first = ring[0]!;
  const last = ring.at(-1)!;
  if (ring.length > 1 && first[0] === last[0] && first[1] === last[1]) ring.pop();
  return ring;
}

function maskOf({ size, counts }: JsonObject): Mask {
  const [height, width] = numbers(size, 'segmentation.size', 2);
  if (typeof counts === 'string') return { size: [height!, width!], counts: withoutBytesQuotes(counts) };
  const runs = numbers(counts, 'segmentation.counts');
  if (!runs.every((run) => Number.isInteger(run) && run >= 0 && run <= MAX_MASK_PIXELS))
    throw new EntryFault('MASK_INVALID', 'segmentation.counts has a run that is no whole number of pixels');
  return { size: [height!, width!], counts: formatRuns(Uint32Array.from(runs)) };
}

/** Python's `str()` of the bytes that pycocotools gives: `b'…'` with doubled backslashes. */
function withoutBytesQuotes(counts: string): string {
  return /^b(['"]).*\1$/s.test(counts) ? counts.slice(2, -1).replaceAll('\\\\', '\\') : counts;
}

function keypointsOf(keypoints: unknown, names: readonly string[]): Point[] | undefined {
  if (isNothing(keypoints)) return undefined;
  const flat = numbers(keypoints, 'keypoints');
  if (flat.length % 3 !== 0)
    throw new EntryFault(
      'ANNOTATION_INVALID_ARGUMENT',
      `keypoints has ${flat.length} numbers, not three each`,
    );
  // Of an object whose key points nobody placed, COCO has a zero for each.
  if (flat.every((n) => n === 0)) return undefined;
  const points: Point[] = [];
  for (let i = 0; i < flat.length; i += 3) {
    const visibility = VISIBILITY[flat[i + 2]!];
    if (visibility === undefined)
      throw new EntryFault(
        'ANNOTATION_INVALID_ARGUMENT',
        `keypoints[${i + 2}] is ${flat[i + 2]}, not 0, 1 or 2`,
      );
    const name = names[i / 3];
    points.push({ x: flat[i]!, y: flat[i + 1]!, visibility, ...(name === undefined ? {} : { name }) });
  }
  return points;
}

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (Array.isArray(value) && value.length === 0);

/** `length`: how many there must be. */
function numbers(value: unknown, name: string, length?: number): number[] {
  if (!Array.isArray(value)) throw wrongType(name, value, 'a list of numbers');
  if (length !== undefined && value.length !== length)
    throw new EntryFault('ANNOTATION_INVALID_ARGUMENT', `${name} has ${value.length} numbers, not ${length}`);
  for (let i = 0; i < value.length; i++) {
    if (typeof value[i] !== 'number' || !Number.isFinite(value[i]))
      throw wrongType(`${name}[${i}]`, value[i], 'a number');
  }
  return value as number[];
}

const SHOWN = 60;

function wrongType(name: string, value: unknown, expected: string): EntryFault {
  const json = JSON.stringify(value) ?? 'missing';
  const shown = json.length > SHOWN ? `${json.slice(0, SHOWN)}…` : json;
  return new EntryFault('ANNOTATION_INVALID_ARGUMENT', `${name} is ${shown}, expected ${expected}`);
}

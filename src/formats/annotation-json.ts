import { z } from 'zod';
import { formatRuns, MAX_MASK_PIXELS } from '../annotations/runs.ts';
import {
  ANNOTATION_STATUSES,
  type AnnotationDraft,
  type AnnotationEntry,
  VISIBILITIES,
} from '../model/annotation.ts';

const json = z.record(z.string(), z.unknown());
const milliseconds = z.number().min(0);
const index = z.int().min(0);

const concept = {
  id: z.string().min(1),
  name: z.string().min(1),
  value: z.number().min(0).max(1).describe('1 present, 0 negative'),
};

/** Regions as they are published, whose coordinates are within the image, or as they are read, to be cut at its edge. */
function regionOf<Counts extends z.ZodType>(coordinate: z.ZodNumber, counts: Counts) {
  const point = z.strictObject({
    x: coordinate,
    y: coordinate,
    z: z.number().optional(),
    visibility: z.enum(VISIBILITIES).optional(),
    name: z.string().min(1).optional().describe('Of a key point: left_eye'),
  });
  return z.strictObject({
    box: z
      .strictObject({ top: coordinate, left: coordinate, bottom: coordinate, right: coordinate })
      .optional(),
    polygon: z
      .array(z.array(z.array(z.tuple([coordinate, coordinate]))))
      .optional()
      .describe('Parts of rings of [x, y]: the first ring of a part is its outline, the others are holes'),
    mask: z
      .strictObject({
        size: z.tuple([z.int().min(1), z.int().min(1)]).describe('Height and width in pixels'),
        counts: counts.describe('COCO’s compressed run-length encoding: columns, zeros first'),
      })
      .optional(),
    point: point.optional(),
    keypoints: z.array(point).optional(),
  });
}

const rest = {
  span: z
    .strictObject({ start: index, end: index, text: z.string().optional() })
    .optional()
    .describe('Characters of a text as UTF-16 code units, the end not included'),
  frame: z
    .strictObject({
      timeMs: milliseconds.describe('Presentation time'),
      index: index.optional().describe('From 0 in presentation order'),
    })
    .optional()
    .describe('A frame of a video'),
  segment: z
    .strictObject({ beginMs: milliseconds, endMs: milliseconds })
    .optional()
    .describe('A time span of a video or sound, in milliseconds'),
  trackId: z.string().min(1).optional().describe('The same object across frames'),
  text: z.string().min(1).optional().describe('Text that is seen in the region'),
  geo: z
    .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
    .optional()
    .describe('Degrees, WGS 84'),
  metadata: json.optional(),
  info: json.optional().describe('Any JSON of the user’s: annotation_info'),
  score: z.number().min(0).max(1).optional().describe('Confidence of a prediction'),
  status: z.enum(ANNOTATION_STATUSES).optional(),
  annotator: z.string().min(1).optional().describe('Who annotated: user_id'),
  createdAt: z.string().optional().describe('UTC, ISO 8601'),
  modifiedAt: z.string().optional().describe('UTC, ISO 8601'),
};

/** An element of the `annotations` of an input line (DESIGN.md §6a), as `inputs list --json` prints it. */
export const annotationShape = z
  .strictObject({
    id: z.string().min(1).describe('Unique within its input'),
    concepts: z.array(z.strictObject(concept)),
    region: regionOf(z.number().min(0).max(1), z.string())
      .optional()
      .describe('One object’s place, normalised: 0, 0 is the top left corner of the upright image'),
    ...rest,
  })
  .describe('Concepts about an input, or about one region, span, frame or segment of it');

/** Lengths of runs, as a mask that is not compressed has them. */
const lengths = z
  .array(z.int().min(0).max(MAX_MASK_PIXELS))
  .transform((counts) => formatRuns(Uint32Array.from(counts)));

const readShape = z.strictObject({
  id: z.string().min(1).optional(),
  concepts: z
    .array(
      z
        .strictObject({ ...concept, name: concept.name.optional(), value: concept.value.default(1) })
        .transform(({ id, name, value }) => ({ id, name: name ?? id, value })),
    )
    .default([]),
  region: regionOf(z.number(), z.union([z.string(), lengths])).optional(),
  ...rest,
});

/**
 * Reads an element of the `annotations` of an input line. Beyond the published shape, the id, the concepts, their names
 * (the id) and values (1) may be left out, coordinates may lie outside the image, and a mask's counts may be an array of
 * run lengths. Anything else is a problem that names the field; it concerns this annotation alone.
 */
export function parseAnnotation(value: unknown, ref: string): AnnotationEntry {
  const { success, data, error } = readShape.safeParse(value);
  if (success) return { ...data, ref, unit: 'normalised' } as AnnotationDraft;
  const { path, message } = innermost(error.issues[0]!);
  const field = fieldOf(path);
  return {
    ref,
    code: path[0] === 'region' && path[1] === 'mask' ? 'MASK_INVALID' : 'ANNOTATION_INVALID_ARGUMENT',
    message: `${field === '' ? '' : `${field}: `}${message.replace('Invalid input: ', '')}`,
  };
}

/** Of a union, what is wrong with the alternative that came closest: the one whose problem lies deepest. */
function innermost(issue: z.core.$ZodIssue): { path: PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.map(([first]) => innermost(first!));
  const deepest = inner.reduce((best, next) => (next.path.length > best.path.length ? next : best));
  return { path: [...issue.path, ...deepest.path], message: deepest.message };
}

/** `region.polygon[0][1]`. */
const fieldOf = (path: readonly PropertyKey[]): string =>
  path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`)).join('');

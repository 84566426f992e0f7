import { z } from 'zod';
import { ANNOTATION_STATUSES, type AnnotationDraft, VISIBILITIES } from '../model/annotation.ts';
import type { ItemLabels } from '../model/contracts.ts';
import { KINDS } from '../model/kind.ts';

/**
 * What code of the user's own may say about an item: a loader's module, a transform. Geometry is only looked at for
 * its shape; whether a box is in its image, or NaN, is checked once the image is known, box by box.
 */
const number = z.custom<number>((value) => typeof value === 'number', 'expected a number');
const json = z.record(z.string(), z.unknown());
const concept = z
  .strictObject({
    id: z.string().min(1),
    name: z.string().optional(),
    value: z.number().min(0).max(1).default(1),
  })
  .transform(({ id, name, value }) => ({ id, name: name ?? id, value }));
const geo = z.strictObject({
  latitude: z.number().min(-90).max(90),
  longitude: z.number().min(-180).max(180),
});
const position = z.tuple([number, number]);
const point = z.strictObject({
  x: number,
  y: number,
  z: number.optional(),
  visibility: z.enum(VISIBILITIES).optional(),
  name: z.string().optional(),
});
const region = z.strictObject({
  box: z.strictObject({ top: number, left: number, bottom: number, right: number }).optional(),
  polygon: z.array(z.array(z.array(position))).optional(),
  mask: z.strictObject({ size: z.tuple([number, number]), counts: z.string() }).optional(),
  point: point.optional(),
  keypoints: z.array(point).optional(),
});
const annotation = z.strictObject({
  id: z.string().min(1).optional(),
  ref: z.string().optional(),
  unit: z.enum(['pixels', 'normalised']).default('normalised'),
  concepts: z.array(concept).default([]),
  region: region.optional(),
  span: z.strictObject({ start: number, end: number, text: z.string().optional() }).optional(),
  frame: z.strictObject({ timeMs: number, index: number.optional() }).optional(),
  segment: z.strictObject({ beginMs: number, endMs: number }).optional(),
  trackId: z.string().optional(),
  text: z.string().optional(),
  geo: geo.optional(),
  metadata: json.optional(),
  info: json.optional(),
  score: number.optional(),
  status: z.enum(ANNOTATION_STATUSES).optional(),
  annotator: z.string().optional(),
  createdAt: z.string().optional(),
  modifiedAt: z.string().optional(),
});
/** Found by whatever gave the annotation; it goes through as it is. */
const problem = z.looseObject({ ref: z.string(), code: z.string(), message: z.string() });

/** The fields of an item that are no bytes. */
export const itemShape = {
  id: z.string().min(1).optional(),
  uri: z.string().min(1),
  kind: z.enum(KINDS).optional(),
  text: z.string().optional(),
  concepts: z.array(concept).optional(),
  metadata: json.optional(),
  geo: geo.optional(),
  split: z.string().min(1).optional(),
  annotations: z.array(z.union([problem, annotation])).optional(),
};

type LabelFields = z.output<
  z.ZodObject<Pick<typeof itemShape, 'annotations' | (keyof ItemLabels & keyof typeof itemShape)>>
>;

/** The labels of a parsed item as the contract has them: absent fields left out, every annotation with its place. */
export function labelsOf(uri: string, fields: LabelFields): ItemLabels {
  const { concepts, metadata, geo: place, split, annotations } = fields;
  const labels: Record<string, unknown> = { concepts, metadata, geo: place, split };
  labels['annotations'] = annotations?.map((entry, i) =>
    'code' in entry ? entry : { ...entry, ref: entry.ref ?? `${uri}#annotations/${i}` },
  ) as AnnotationDraft[] | undefined;
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined));
}

/** What is wrong with a value, each problem by the place where it stands: `annotations[2].region.box.top: …`. */
export function issuesOf(error: z.ZodError): string {
  return error.issues
    .flatMap((issue) =>
      issue.code === 'invalid_union'
        ? issue.errors.at(-1)!.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
        : [issue],
    )
    .map(({ path, message }) => (path.length === 0 ? message : `${place(path)}: ${message}`))
    .join('; ');
}

const place = (path: readonly PropertyKey[]): string =>
  path.map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`)).join('');

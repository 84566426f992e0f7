import { z } from 'zod';
import { ANNOTATION_STATUSES } from '../model/annotation.ts';
import { ANNOTATION_KINDS, type AnnotationFilter } from '../model/dataset.ts';
import { FatalError } from '../model/errors.ts';

const names = z.array(z.string().min(1)).min(1);
const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()], {
  error: 'expected a date such as 2026-01-31, or ISO 8601 with time and zone such as 2026-01-31T12:00:00Z',
});

/** Which annotations a dataset version takes. */
export const annotationFilterShape = z
  .strictObject({
    concepts: names.optional().describe('It has one of these concepts, present or negative'),
    annotators: names.optional().describe('One of them made it'),
    statuses: z
      .array(z.enum(ANNOTATION_STATUSES))
      .min(1)
      .optional()
      .describe('Unless given, all but failed and review_denied; one without a status is a success'),
    after: time.optional().describe('Changed, or else made, at this time or later'),
    before: time.optional().describe('Changed, or else made, before this time'),
    kinds: z.array(z.enum(ANNOTATION_KINDS)).min(1).optional().describe('It has one of these'),
  })
  .describe('An annotation must meet every field that is given');

/** Throws FatalError CONFIG_INVALID naming the field. */
export function parseFilter(value: unknown): AnnotationFilter {
  const { success, data, error } = annotationFilterShape.safeParse(value);
  if (success) return data as AnnotationFilter;
  const { path, message } = error.issues[0]!;
  throw new FatalError('CONFIG_INVALID', `annotation filter: ${[...path.map(String), message].join(': ')}`);
}

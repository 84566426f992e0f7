import type { AnnotatedPart, Annotation, AnnotationStatus } from '../model/annotation.ts';
import type { AnnotationFilter, AnnotationKind } from '../model/dataset.ts';
import { partsOf } from './annotated-parts.ts';

/** Rejected annotations, which stay out unless a filter names statuses (24152 and 24158). */
const REJECTED: readonly AnnotationStatus[] = ['failed', 'review_denied'];

export type AnnotationTest = (annotation: Annotation) => boolean;

/**
 * Whether an annotation passes a filter: it must meet every field that is given. One without a status is a `success`.
 * `after` is the first moment that passes and `before` the first that no longer does, so that periods can be joined
 * without a gap; an annotation without a time meets neither.
 */
export function annotationTest(filter: AnnotationFilter = {}): AnnotationTest {
  const { statuses, concepts, annotators, kinds } = filter;
  const tests: AnnotationTest[] = [
    ({ status = 'success' }) =>
      statuses === undefined ? !REJECTED.includes(status) : statuses.includes(status),
  ];
  if (concepts !== undefined) {
    const ids = new Set(concepts);
    tests.push((annotation) => annotation.concepts.some(({ id }) => ids.has(id)));
  }
  if (annotators !== undefined) {
    const names = new Set(annotators);
    tests.push(({ annotator }) => annotator !== undefined && names.has(annotator));
  }
  if (kinds !== undefined) tests.push((annotation) => hasKind(annotation, kinds));
  if (filter.after !== undefined || filter.before !== undefined) {
    const [from, to] = [
      filter.after === undefined ? Number.NEGATIVE_INFINITY : Date.parse(filter.after),
      filter.before === undefined ? Number.POSITIVE_INFINITY : Date.parse(filter.before),
    ];
    tests.push(({ modifiedAt, createdAt }) => {
      const time = Date.parse(modifiedAt ?? createdAt ?? '');
      return time >= from && time < to;
    });
  }
  return (annotation) => tests.every((test) => test(annotation));
}

function hasKind(annotation: Annotation, kinds: readonly AnnotationKind[]): boolean {
  const parts = partsOf(annotation);
  return parts.length === 0
    ? kinds.includes('concepts')
    : kinds.some((kind) => parts.includes(kind as AnnotatedPart));
}

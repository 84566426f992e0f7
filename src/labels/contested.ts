import type { AnnotationProblem } from '../model/annotation.ts';

/** Labels that fit two items belong to the one that was listed first; for the other it must be said. */
export const contested = (labels: string, item: string): AnnotationProblem => ({
  ref: labels,
  code: 'LABELS_AMBIGUOUS',
  message: `${labels} fits ${item}, and it was taken for another item before`,
});

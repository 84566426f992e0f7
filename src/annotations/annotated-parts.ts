import type { Annotation } from '../model/annotation.ts';

/** What annotations can be about, in the order in which they are shown. */
export const ANNOTATED_PARTS = [
  'box',
  'polygon',
  'mask',
  'point',
  'keypoints',
  'span',
  'frame',
  'segment',
] as const;
export type AnnotatedPart = (typeof ANNOTATED_PARTS)[number];

/** What an annotation is about: a region may have several, a frame a region; nothing is the whole input. */
export const partsOf = (annotation: Annotation): AnnotatedPart[] =>
  ANNOTATED_PARTS.filter(
    (part) => part in annotation || (annotation.region !== undefined && part in annotation.region),
  );

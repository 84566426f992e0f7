import { ANNOTATED_PARTS, type AnnotatedPart, type Annotation } from '../model/annotation.ts';

/** What an annotation is about: a region may have several, a frame a region; nothing is the whole input. */
export const partsOf = (annotation: Annotation): AnnotatedPart[] =>
  ANNOTATED_PARTS.filter(
    (part) => part in annotation || (annotation.region !== undefined && part in annotation.region),
  );

import {
  type Annotation,
  type AnnotationDraft,
  type AnnotationEntry,
  type AnnotationProblem,
  isProblem,
} from '../model/annotation.ts';
import type { Code } from '../model/codes.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import type { Kind } from '../model/kind.ts';
import { deriveAnnotationId } from './annotation-id.ts';
import { checkConcepts, checkFields } from './check-fields.ts';
import { checkRegion } from './check-region.ts';
import { checkFrame, checkKind, checkSegment, checkSpan } from './check-times.ts';
import { checkString } from './invalid.ts';
import { type LabelledFrame, labelledFrame, type Size } from './labelled-frame.ts';

/** What annotations are about. */
export interface AnnotationTarget {
  inputId: string;
  kind: Kind;
  media: MediaInfo;
  /** In pixels, as the labels state it. */
  labelledSize?: Size;
  /** Characters of a text, as UTF-16 code units. */
  textLength?: number;
}

export interface CheckResult {
  annotations: Annotation[];
  problems: AnnotationProblem[];
  /** Each code once. */
  warnings: Code[];
}

/**
 * Makes annotations of drafts: every entry becomes either one annotation or one problem, in their order.
 *
 * **Where.** Coordinates become normalised ones of the oriented image. They are of the size that the labels state, or
 * else of the oriented image. When the stated size is that of the stored pixels of an image whose EXIF orientation
 * swaps width and height, or a copy of either that was resized (its aspect ratio agrees within 1 %), they are turned or
 * scaled with the warning LABELLED_SIZE_DIFFERS; any other size makes ANNOTATION_INVALID_ARGUMENT of each region.
 * A mask must have the size of the oriented image or of its stored pixels (MASK_SIZE_MISMATCH); it is turned, never
 * resized.
 *
 * **Edges.** What reaches over an edge is cut there, with the warning REGION_CLAMPED: a box and a polygon become their
 * intersection with the image, where holes and parts outside are cut off whole; key points are moved to the edge while
 * one of them is inside; a time segment ends with its recording. Less than a millionth is rounding and no warning.
 * What lies wholly outside is REGION_OUTSIDE, and a time beyond the duration ANNOTATION_INVALID_ARGUMENT.
 *
 * **Degenerate.** A box without area, a mask without pixels, and a polygon of which any ring has fewer than three points
 * or no area are REGION_DEGENERATE as a whole: half an object would be another object. The corners of a box may be any
 * two opposite ones; a ring that repeats its first point at its end is opened.
 *
 * **What else.** A mask whose runs do not fill it is MASK_INVALID; a part that the kind of input does not have
 * is ANNOTATION_KIND_MISMATCH; numbers that are not finite, and annotations that say nothing, are
 * ANNOTATION_INVALID_ARGUMENT. Ids that are given stay, the second of two is ANNOTATION_DUPLICATE; others are derived.
 *
 * Checking the result again changes nothing and warns of nothing.
 */
export function checkAnnotations(entries: readonly AnnotationEntry[], target: AnnotationTarget): CheckResult {
  const annotations: Annotation[] = [];
  const problems: AnnotationProblem[] = [];
  const warnings = new Set<Code>();
  const ids = new Set<string>();
  const frame = once(() => labelledFrame(target.media, target.labelledSize));
  for (const entry of entries) {
    if (isProblem(entry)) {
      problems.push(entry);
      continue;
    }
    try {
      const annotation = checkDraft(entry, target, frame, warnings);
      if (entry.id !== undefined) claim(entry.id, ids);
      annotations.push(annotation);
    } catch (error) {
      problems.push(problemOf(entry.ref, error));
    }
  }
  // At the end, when every given id is known.
  for (const annotation of annotations) {
    if (annotation.id !== UNNAMED) continue;
    const { id: _none, ...content } = annotation;
    annotation.id = deriveAnnotationId(target.inputId, content, ids);
  }
  return { annotations, problems, warnings: [...warnings] };
}

/** In place of an id until one is derived; no given id is empty. */
const UNNAMED = '';

/** In the order of the model. Warnings of a draft that is good are added. */
function checkDraft(
  draft: AnnotationDraft,
  { kind, media, textLength }: AnnotationTarget,
  frame: () => LabelledFrame,
  warnings: Set<Code>,
): Annotation {
  checkKind(draft, kind);
  const concepts = checkConcepts(draft.concepts);
  const checked: Annotation = { id: draft.id ?? UNNAMED, concepts };
  const region = draft.region === undefined ? undefined : checkRegion(draft.region, draft.unit, media, frame);
  if (region !== undefined) checked.region = region.region;
  if (draft.span !== undefined) checked.span = checkSpan(draft.span, textLength);
  if (draft.frame !== undefined) checked.frame = checkFrame(draft.frame, media.durationMs);
  const segment = draft.segment === undefined ? undefined : checkSegment(draft.segment, media.durationMs);
  if (segment !== undefined) checked.segment = segment.segment;
  checkFields(draft, checked);
  if (concepts.length === 0 && !SUBSTANCE.some((field) => checked[field] !== undefined)) {
    throw new RejectedItemError('ANNOTATION_INVALID_ARGUMENT', 'the annotation says nothing of its input');
  }
  if (region?.clamped || segment?.clamped) warnings.add('REGION_CLAMPED');
  if (region?.moved) warnings.add('LABELLED_SIZE_DIFFERS');
  return checked;
}

/** Without concepts, one of these must be there. */
const SUBSTANCE = ['region', 'span', 'frame', 'segment', 'text', 'geo', 'info', 'metadata'] as const;

function claim(id: string, ids: Set<string>): void {
  checkString('id', id);
  if (ids.has(id)) {
    throw new RejectedItemError(
      'ANNOTATION_DUPLICATE',
      `the input has another annotation with the id ${id}`,
      {
        measured: id,
      },
    );
  }
  ids.add(id);
}

function problemOf(ref: string, error: unknown): AnnotationProblem {
  if (!(error instanceof RejectedItemError)) throw error;
  const { code, message, measured, limit } = error;
  return {
    ref,
    code,
    message,
    ...(measured === undefined ? {} : { measured }),
    ...(limit === undefined ? {} : { limit }),
  };
}

/** Computes a value when it is first asked for; throws again what it threw. */
function once<T>(compute: () => T): () => T {
  let result: { value: T } | { error: unknown } | undefined;
  return () => {
    if (result === undefined) {
      try {
        result = { value: compute() };
      } catch (error) {
        result = { error };
      }
    }
    if ('error' in result) throw result.error;
    return result.value;
  };
}

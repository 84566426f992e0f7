import type { AnnotationDraft, FrameAt, Segment, Span } from '../model/annotation.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { Kind } from '../model/kind.ts';
import { checkFinite, invalid } from './invalid.ts';

/** Which kinds of input each part of an annotation makes sense for. */
const KINDS_OF = {
  region: ['image', 'video'],
  frame: ['video'],
  segment: ['video', 'audio'],
  span: ['text'],
} as const satisfies Partial<Record<keyof AnnotationDraft, readonly Kind[]>>;

const PLACES = Object.keys(KINDS_OF) as (keyof typeof KINDS_OF)[];

/** Throws RejectedItemError ANNOTATION_KIND_MISMATCH or, of a region in a video without its frame, …INVALID_ARGUMENT. */
export function checkKind(draft: AnnotationDraft, kind: Kind): void {
  for (const part of PLACES) {
    const kinds: readonly Kind[] = KINDS_OF[part];
    if (draft[part] === undefined || kinds.includes(kind)) continue;
    throw new RejectedItemError('ANNOTATION_KIND_MISMATCH', `${part}: the input is of kind ${kind}`, {
      measured: kind,
      limit: kinds.join(', '),
    });
  }
  if (kind === 'video' && draft.region !== undefined && draft.frame === undefined) {
    throw new RejectedItemError(
      'ANNOTATION_INVALID_ARGUMENT',
      'region: in a video it needs the frame that it is in',
    );
  }
}

export function checkSpan({ start, end, text }: Span, textLength: number | undefined): Span {
  checkIndex('span.start', start);
  checkIndex('span.end', end);
  if (end <= start) throw invalid('span.end', `after the start, ${start}`, end);
  if (textLength !== undefined && end > textLength) {
    throw new RejectedItemError(
      'ANNOTATION_INVALID_ARGUMENT',
      `span.end: ${end} is beyond the text, which has ${textLength} characters`,
      { measured: end, limit: textLength },
    );
  }
  if (text !== undefined && typeof text !== 'string') throw invalid('span.text', 'a text', text);
  return { start, end, ...(text === undefined ? {} : { text }) };
}

export function checkFrame({ timeMs, index }: FrameAt, durationMs: number | undefined): FrameAt {
  checkTime('frame.timeMs', timeMs, durationMs);
  if (index !== undefined) checkIndex('frame.index', index);
  return { timeMs, ...(index === undefined ? {} : { index }) };
}

/** One that begins inside and ends beyond the duration is cut there. */
export function checkSegment(
  { beginMs, endMs }: Segment,
  durationMs: number | undefined,
): { segment: Segment; clamped: boolean } {
  checkTime('segment.beginMs', beginMs, durationMs);
  checkFinite('segment.endMs', endMs);
  const end = Math.min(endMs, durationMs ?? endMs);
  if (end <= beginMs) throw invalid('segment.endMs', `after the beginning, ${beginMs}`, endMs);
  return { segment: { beginMs, endMs: end }, clamped: end < endMs };
}

function checkTime(field: string, value: number, durationMs: number | undefined): void {
  checkFinite(field, value);
  if (value < 0) throw invalid(field, 'a time from 0 on', value);
  if (durationMs === undefined || value <= durationMs) return;
  throw new RejectedItemError(
    'ANNOTATION_INVALID_ARGUMENT',
    `${field}: ${value} ms is beyond the duration, ${durationMs} ms`,
    { measured: value, limit: durationMs },
  );
}

function checkIndex(field: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 0) throw invalid(field, 'an integer from 0 on', value);
}

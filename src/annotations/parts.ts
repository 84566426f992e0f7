import type { Annotation } from '../model/annotation.ts';

/** A part of an input that was divided: milliseconds, or characters as UTF-16 code units. `end` is not in it. */
export interface PartPlace {
  unit: 'ms' | 'characters';
  begin: number;
  end: number;
  /** The last part also has what lies at the very end. */
  isLast: boolean;
}

/**
 * The annotations of an input that belong to one of its parts, in the part's own time or characters.
 *
 * What has no place in the input belongs to every part. What reaches over a border is in each part that it touches, cut
 * there, under the same id; so no annotation is lost.
 */
export function annotationsOfPart(annotations: readonly Annotation[], place: PartPlace): Annotation[] {
  return annotations.flatMap((annotation) => {
    const moved = place.unit === 'ms' ? inTime(annotation, place) : inText(annotation, place);
    return moved === undefined ? [] : [moved];
  });
}

function inTime(annotation: Annotation, place: PartPlace): Annotation | undefined {
  const { frame, segment } = annotation;
  if (frame !== undefined) {
    if (!holds(place, frame.timeMs)) return undefined;
    // Its index in the part is not known: that depends on where the key frame lies.
    return { ...annotation, frame: { timeMs: frame.timeMs - place.begin } };
  }
  if (segment === undefined) return annotation;
  const cut = cutTo(place, segment.beginMs, segment.endMs);
  return cut === undefined ? undefined : { ...annotation, segment: { beginMs: cut[0], endMs: cut[1] } };
}

function inText(annotation: Annotation, place: PartPlace): Annotation | undefined {
  const { span } = annotation;
  if (span === undefined) return annotation;
  const cut = cutTo(place, span.start, span.end);
  if (cut === undefined) return undefined;
  const [start, end] = cut;
  const offset = place.begin + start - span.start;
  const text = span.text === undefined ? {} : { text: span.text.slice(offset, offset + end - start) };
  return { ...annotation, span: { start, end, ...text } };
}

const holds = ({ begin, end, isLast }: PartPlace, at: number): boolean => at >= begin && (at < end || isLast);

/** A stretch as it is in the part; undefined when it does not touch it. */
function cutTo(place: PartPlace, from: number, to: number): [number, number] | undefined {
  if (from === to) return holds(place, from) ? [from - place.begin, to - place.begin] : undefined;
  const [begin, end] = [Math.max(from, place.begin), place.isLast ? to : Math.min(to, place.end)];
  return begin < end ? [begin - place.begin, end - place.begin] : undefined;
}

import type { Annotation, FrameAt, Segment } from '../../model/annotation.ts';
import type { MediaInfo } from '../../model/input.ts';
import type { Concept, Geo } from '../../model/labels.ts';
import type { Message } from './encode.ts';
import { type Flavour, metadataWith, survives } from './exact.ts';
import { regionMessage, spanMessage } from './region-message.ts';

const MAX_UINT32 = 0xffff_ffff;
/** What an `Annotation` says and the data of an input do not. */
const RECORDS = ['info', 'status', 'annotator', 'createdAt', 'modifiedAt'] as const;

/** Where an annotation stands in the data of its input; `whole`: the data have no place for it. */
export type Place = 'regions' | 'frames' | 'timeSegments' | 'whole';

export interface AnnotationMessage {
  place: Place;
  message: Message;
  /** By the ids of the losses. */
  losses: string[];
}

/** One region, frame or time segment for an annotation, under its id; what these cannot say exactly is kept beside. */
export async function annotationMessage(
  annotation: Annotation,
  media: MediaInfo,
  flavour: Flavour,
): Promise<AnnotationMessage> {
  const { id, region, span, frame, segment, trackId, score } = annotation;
  const place = placeOf(annotation);
  if (place === 'whole') return { place, message: {}, losses: ['whole-input'] };
  const hasRegion = place === 'regions' || region !== undefined;
  const exact: Message = {};
  const losses: string[] = [];
  const part: Message = { id };
  if (hasRegion) {
    const placed = region === undefined ? undefined : await regionMessage(region, media, flavour);
    part['regionInfo'] = { ...placed?.info, ...(span === undefined ? {} : { span: spanMessage(span) }) };
    if (placed?.exact !== undefined) exact['region'] = placed.exact;
    if (span?.text === '') exact['span'] = span;
    losses.push(...(placed?.losses ?? []));
    if (trackId !== undefined) part['trackId'] = trackId;
    if (score !== undefined) part['value'] = score;
  } else if (trackId !== undefined) exact['trackId'] = trackId;
  if (score !== undefined && (!hasRegion || score === 0 || !survives(flavour, score))) exact['score'] = score;
  if (RECORDS.some((field) => annotation[field] !== undefined)) losses.push('records');
  for (const field of RECORDS) if (annotation[field] !== undefined) exact[field] = annotation[field];
  if (frame !== undefined && !isExactFrame(frame, flavour)) exact['frame'] = frame;
  if (frame !== undefined && !Number.isInteger(frame.timeMs)) losses.push('frame-times');
  if (segment !== undefined && (place !== 'timeSegments' || !isExactSegment(segment, flavour)))
    exact['segment'] = segment;
  part['data'] = dataOf(annotation, exact, flavour);
  return { place, message: around(place, part, hasRegion, annotation), losses };
}

function placeOf({ region, span, frame, segment }: Annotation): Place {
  if (frame !== undefined) return 'frames';
  if (region !== undefined || span !== undefined) return 'regions';
  return segment === undefined ? 'whole' : 'timeSegments';
}

/** The region as it is, or inside the frame that it is in. */
function around(
  place: Place,
  part: Message,
  hasRegion: boolean,
  { id, frame, segment }: Annotation,
): Message {
  if (place === 'frames') {
    const frameInfo = frameMessage(frame!);
    return { frameInfo, data: hasRegion ? { regions: [part] } : part['data'], id };
  }
  return place === 'timeSegments' ? { ...part, timeInfo: segmentMessage(segment!) } : part;
}

function dataOf(annotation: Annotation, exact: Message, flavour: Flavour): Message {
  const { concepts, text, geo } = annotation;
  if (!areExactConcepts(concepts, flavour)) exact['concepts'] = concepts;
  if (geo !== undefined && !isExactGeo(geo, flavour)) exact['geo'] = geo;
  const metadata = metadataWith(annotation.metadata, exact);
  return {
    ...(concepts.length === 0 ? {} : { concepts }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(geo === undefined ? {} : { geo: { geoPoint: geo } }),
    ...(text === undefined ? {} : { text: { raw: text } }),
  };
}

export const areExactConcepts = (concepts: readonly Concept[], flavour: Flavour): boolean =>
  concepts.every(({ value }) => survives(flavour, value));

export const isExactGeo = ({ latitude, longitude }: Geo, flavour: Flavour): boolean =>
  survives(flavour, latitude, longitude);

/** Whole milliseconds. */
const frameMessage = ({ timeMs, index }: FrameAt): Message => ({
  time: Math.min(Math.round(timeMs), MAX_UINT32),
  ...(index === undefined ? {} : { number: Math.min(index, MAX_UINT32) }),
});

const isExactFrame = ({ timeMs, index = 1 }: FrameAt, { keepsZero }: Flavour): boolean =>
  Number.isInteger(timeMs) && timeMs <= MAX_UINT32 && index <= MAX_UINT32 && (keepsZero || index !== 0);

/** Seconds. */
const segmentMessage = ({ beginMs, endMs }: Segment): Message => ({
  beginTime: beginMs / 1000,
  endTime: endMs / 1000,
});

const isExactSegment = ({ beginMs, endMs }: Segment, { float }: Flavour): boolean =>
  [beginMs, endMs].every((ms) => float(ms / 1000) * 1000 === ms);

import type { Annotation } from '../../model/annotation.ts';
import type { Input, MediaInfo } from '../../model/input.ts';
import type { Kind } from '../../model/kind.ts';
import type { Concept } from '../../model/labels.ts';
import { annotationMessage, areExactConcepts, isExactGeo, type Place } from './annotation-message.ts';
import type { Message } from './encode.ts';
import { type Flavour, metadataWith } from './exact.ts';
import type { Outside } from './wire-writer.ts';

const PLACES = ['regions', 'frames', 'timeSegments'] as const;

/** Where the media of an input are: beside the message as it is written, or at a URL. */
export interface MediaPlace {
  outside?: Outside;
  hosted?: { prefix: string; suffix: string };
}

export interface InputVectors {
  model: string;
  part: string;
  vector: Float32Array;
}

export interface InputMessage {
  /** An `Input` with nothing but its id and data. */
  message: Message;
  /** By the ids of the losses, once for each annotation or input. */
  losses: string[];
}

/** An input as the platform's exports have it. Throws RejectedItemError MASK_INVALID for a mask that is none. */
export async function inputMessage(
  input: Input,
  place: MediaPlace,
  vectors: readonly InputVectors[],
  flavour: Flavour,
): Promise<InputMessage> {
  const { id, concepts, geo, annotations, media } = input;
  const parts: Record<Place, Message[]> = { regions: [], frames: [], timeSegments: [], whole: [] };
  const order: Record<Place, string[]> = { regions: [], frames: [], timeSegments: [], whole: [] };
  const whole: Annotation[] = [];
  const losses = ['source', ...(media.original === undefined ? [] : ['repairs'])];
  for (const annotation of annotations) {
    const placed = await annotationMessage(annotation, media, flavour);
    parts[placed.place].push(placed.message);
    order[placed.place].push(annotation.id);
    losses.push(...placed.losses);
    if (placed.place === 'whole') whole.push(annotation);
  }
  const exact: Message = {};
  const shown = withConceptsOf(
    concepts,
    whole.flatMap((annotation) => annotation.concepts),
  );
  if (shown.length > concepts.length || !areExactConcepts(concepts, flavour)) exact['concepts'] = concepts;
  if (geo !== undefined && !isExactGeo(geo, flavour)) exact['geo'] = geo;
  if (whole.length > 0) exact['annotations'] = whole;
  const read = [...order.regions, ...order.frames, ...order.timeSegments, ...order.whole];
  if (annotations.some((annotation, i) => annotation.id !== read[i]))
    exact['order'] = annotations.map((annotation) => annotation.id);
  if (vectors.length > 0) exact['embeddings'] = vectors.map(({ model, part }) => ({ model, part }));
  const metadata = metadataWith(Object.keys(input.metadata).length === 0 ? undefined : input.metadata, exact);
  const data: Message = {
    ...mediaMessage(input, place),
    ...(shown.length === 0 ? {} : { concepts: shown }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(geo === undefined ? {} : { geo: { geoPoint: geo } }),
    ...(vectors.length === 0 ? {} : { embeddings: vectors.map(embeddingMessage) }),
  };
  for (const name of PLACES) if (parts[name].length > 0) data[name] = parts[name];
  return { message: { id, data }, losses };
}

/** Annotations without a place show as the platform shows them: their concepts are the input's. */
function withConceptsOf(own: readonly Concept[], others: readonly Concept[]): Concept[] {
  const ids = new Set(own.map(({ id }) => id));
  const shown = [...own];
  for (const concept of others) {
    if (!ids.has(concept.id)) shown.push(concept);
    ids.add(concept.id);
  }
  return shown;
}

const embeddingMessage = ({ vector }: InputVectors): Message => ({
  vector: [...vector],
  numDimensions: vector.length,
});

function mediaMessage({ kind, media, text }: Input, { outside, hosted }: MediaPlace): Message {
  const content: Message = {
    ...(outside === undefined ? {} : { base64: outside }),
    ...(hosted === undefined ? {} : { hosted: { ...hosted, sizes: ['orig'] } }),
    ...INFO[kind](media),
  };
  const raw = text === undefined ? {} : { raw: text };
  if (kind === 'text') return { text: { ...raw, ...content } };
  return { [kind]: content, ...(text === undefined ? {} : { text: raw }) };
}

const INFO: Record<Kind, (media: MediaInfo) => Message> = {
  image: ({ width, height, format }) => ({ imageInfo: defined({ width, height, format }) }),
  video: ({ width, height, frameRate, format, frames, durationMs }) => ({
    videoInfo: defined({
      width,
      height,
      fps: frameRate,
      videoFormat: format,
      frameCount: frames,
      durationSeconds: seconds(durationMs),
    }),
  }),
  audio: ({ format, sampleRate, durationMs }) => ({
    audioInfo: defined({ audioFormat: format, sampleRate, durationSeconds: seconds(durationMs) }),
  }),
  text: () => ({}),
};

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

const defined = (fields: Message): Message =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

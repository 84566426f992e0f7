import type { AnnotationDraft, AnnotationProblem, FrameAt, Segment } from '../model/annotation.ts';
import type { Concept, Geo, Metadata } from '../model/labels.ts';
import { FieldError, Fields, isMessage, readConcept, readGeo, readStatus } from './clarifai-json-fields.ts';

/** One annotation to be: its place as the messages around it state it, and the data that says what is there. */
export interface Part {
  ref: string;
  header: Partial<AnnotationDraft>;
  data: Fields | undefined;
  regionInfo?: Fields;
}

/** The annotation file of an input, taken apart. Masks are not decoded yet. */
export interface ClarifaiAnnotations {
  concepts: Concept[];
  metadata: Metadata | undefined;
  geo: Geo | undefined;
  entries: (Part | AnnotationProblem)[];
}

/**
 * Reads the list that the platform's Python SDK writes for each input: metadata, regions and concepts of the input side
 * by side, in proto3 JSON; also whole `Annotation` messages, frames and time segments, and names in snake case. What
 * cannot be read is a problem of its own. `ref` names the list in messages.
 */
export function readClarifaiJson(value: unknown, ref: string): ClarifaiAnnotations {
  const reader = new Reader();
  if (Array.isArray(value))
    for (const [i, element] of value.entries()) reader.element(element, `${ref}#${i}`);
  else reader.refuse(ref, `${ref}: expected a list of annotations`);
  return reader.result;
}

class Reader {
  readonly result: ClarifaiAnnotations = { concepts: [], metadata: undefined, geo: undefined, entries: [] };

  element(element: unknown, ref: string): void {
    this.#attempt(ref, () => {
      if (!isMessage(element)) throw new FieldError('expected an object');
      this.#message(new Fields(element), ref);
    });
  }

  /** What is wrong with one message does not concern those beside it. */
  #attempt(ref: string, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      this.refuse(ref, `${ref}: ${error.message}`);
    }
  }

  refuse(ref: string, message: string): void {
    this.result.entries.push({ ref, code: 'ANNOTATION_INVALID_ARGUMENT', message });
  }

  #message(message: Fields, ref: string): void {
    if (message.has('regionInfo')) this.#region(message, ref, {});
    else if (message.has('frameInfo')) this.#frame(message, ref, {});
    else if (message.has('timeInfo')) this.#segment(message, ref, {});
    else if (message.has('data')) this.#annotation(message, ref);
    else if (message.has('id') || message.has('name')) this.#inputConcept(readConcept(message));
    else if (message.has('metadata') || message.has('geo')) this.#inputData(message);
    else
      throw new FieldError(
        'neither metadata, a region, a concept, a frame, a time segment nor an annotation',
      );
  }

  #inputData(data: Fields): void {
    this.result.metadata = data.struct('metadata') ?? this.result.metadata;
    this.result.geo = readGeo(data) ?? this.result.geo;
  }

  #inputConcept(concept: Concept): void {
    const same = this.result.concepts.find(({ id }) => id === concept.id);
    if (same === undefined) this.result.concepts.push(concept);
    else if (same.value !== concept.value)
      throw new FieldError(
        `the concept ${concept.id} is given with the values ${same.value} and ${concept.value}`,
      );
  }

  #annotation(annotation: Fields, ref: string): void {
    const data = annotation.message('data')!;
    if (annotation.has('inputLevel')) {
      this.#inputData(data);
      for (const concept of data.messages('concepts')) this.#inputConcept(readConcept(concept));
      return;
    }
    const regions = data.messages('regions').map((each) => this.#region.bind(this, each));
    const frames = data.messages('frames').map((each) => this.#frame.bind(this, each));
    const segments = [...data.messages('timeSegments'), ...data.messages('tracks')].map((each) =>
      this.#segment.bind(this, each),
    );
    const parts = [...regions, ...frames, ...segments];
    const header = headerOf(annotation, parts.length <= 1);
    parts.forEach((read, i) => {
      const place = placed(ref, i, parts.length);
      this.#attempt(place, () => read(place, header));
    });
    if (parts.length === 0) this.result.entries.push({ ref, header, data });
  }

  #region(region: Fields, ref: string, header: Partial<AnnotationDraft>): void {
    const score = region.number('value');
    this.result.entries.push({
      ref,
      header: {
        ...texts(region, { id: 'id', trackId: 'trackId' }),
        ...(score === 0 ? {} : { score }),
        ...header,
      },
      data: region.message('data'),
      regionInfo: region.message('regionInfo') ?? new Fields({}, region.pathOf('regionInfo')),
    });
  }

  #frame(frame: Fields, ref: string, outer: Partial<AnnotationDraft>): void {
    const info = frame.message('frameInfo');
    const at: FrameAt = { timeMs: info?.number('time') ?? 0 };
    if (info?.has('number')) at.index = info.number('number');
    const data = frame.message('data');
    const regions = data?.messages('regions') ?? [];
    const isWhole = regions.length === 0 || data!.has('concepts');
    const parts = regions.length + (isWhole ? 1 : 0);
    const { id, ...rest } = { ...texts(frame, { id: 'id' }), ...outer, frame: at };
    const header = parts > 1 || id === undefined ? rest : { ...rest, id };
    if (isWhole) this.result.entries.push({ ref: placed(ref, regions.length, parts), header, data });
    regions.forEach((region, i) => {
      const place = placed(ref, i, parts);
      this.#attempt(place, () => this.#region(region, place, header));
    });
  }

  /** Times of recordings are in seconds. */
  #segment(message: Fields, ref: string, outer: Partial<AnnotationDraft>): void {
    const info = message.message('timeInfo');
    const [begin = 0, end = 0] = [info?.number('beginTime'), info?.number('endTime')];
    const segment: Segment = { beginMs: begin * 1000, endMs: end * 1000 };
    const header = { ...texts(message, { id: 'id' }), ...outer, segment };
    this.result.entries.push({ ref, header, data: message.message('data') });
  }
}

/** What an `Annotation` says of all that it holds; its id is that of its only part. */
function headerOf(annotation: Fields, withId: boolean): Partial<AnnotationDraft> {
  const status = readStatus(annotation);
  const info = annotation.struct('annotationInfo');
  return {
    ...texts(annotation, {
      ...(withId ? { id: 'id' } : {}),
      annotator: 'userId',
      createdAt: 'createdAt',
      modifiedAt: 'modifiedAt',
    }),
    ...(status === undefined ? {} : { status }),
    ...(info === undefined ? {} : { info }),
  };
}

type TextField = 'id' | 'trackId' | 'annotator' | 'createdAt' | 'modifiedAt';

/** The fields that are there, under the names of the model. */
function texts(message: Fields, names: Partial<Record<TextField, string>>): Partial<AnnotationDraft> {
  const found = Object.entries(names).map(([field, name]) => [field, message.string(name)]);
  return Object.fromEntries(found.filter(([, text]) => text !== ''));
}

const placed = (ref: string, index: number, of: number): string => (of > 1 ? `${ref}.${index}` : ref);

import type { AnnotationStatus } from '../model/annotation.ts';
import type { Concept, Geo, Metadata } from '../model/labels.ts';

const INTEGER = /^-?\d+$/;

/** Why a message of the platform's JSON cannot be used; the field is the path to what is wrong. */
export class FieldError extends Error {}

export type Message = Readonly<Record<string, unknown>>;

export const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads the fields of a message in proto3 JSON: a field that is left out, or null, has its zero value. Names are taken
 * as `topRow` and as `top_row`.
 */
export class Fields {
  readonly #message: Message;
  readonly #path: string;

  constructor(message: Message, path = '') {
    this.#message = message;
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  number(name: string): number {
    const value = this.#get(name) ?? 0;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    // Printers write 64-bit numbers as text: the time of a frame in newer versions of the messages.
    if (typeof value === 'string' && INTEGER.test(value)) return Number(value);
    throw this.#wrong(name, 'expected a number');
  }

  string(name: string): string {
    const value = this.#get(name) ?? '';
    if (typeof value === 'string') return value;
    throw this.#wrong(name, 'expected a string');
  }

  /** Undefined for a field that is not there. */
  message(name: string): Fields | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (isMessage(value)) return new Fields(value, this.pathOf(name));
    throw this.#wrong(name, 'expected an object');
  }

  /** Any JSON object of the user's; undefined where there is none. */
  struct(name: string): Metadata | undefined {
    const fields = this.message(name);
    const value = fields === undefined ? undefined : fields.#message;
    return value === undefined || Object.keys(value).length === 0 ? undefined : { ...value };
  }

  messages(name: string): Fields[] {
    const value = this.#get(name) ?? [];
    if (!Array.isArray(value)) throw this.#wrong(name, 'expected a list');
    return value.map((each, i) => {
      if (!isMessage(each)) throw this.#wrong(`${name}[${i}]`, 'expected an object');
      return new Fields(each, `${this.pathOf(name)}[${i}]`);
    });
  }

  strings(name: string): string[] {
    const value = this.#get(name) ?? [];
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
    throw this.#wrong(name, 'expected a list of strings');
  }

  /** A field of an enum or code, by name or number. */
  oneOf<T>(name: string, values: ReadonlyMap<unknown, T>): T | undefined {
    return values.get(this.#get(name));
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #get(name: string): unknown {
    return this.#message[name] ?? this.#message[snakeCase(name)] ?? undefined;
  }

  #wrong(name: string, message: string): FieldError {
    return new FieldError(`${this.pathOf(name)}: ${message}`);
  }
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A value that is left out is 0, a negative: the platform's printers leave zeros out. */
export function readConcept(concept: Fields): Concept {
  const id = concept.string('id') || concept.string('name');
  if (id === '') throw new FieldError(`${concept.pathOf('id')}: a concept has an id or a name`);
  const value = concept.number('value');
  if (value < 0 || value > 1)
    throw new FieldError(`${concept.pathOf('value')}: expected 0 to 1, found ${value}`);
  return { id, name: concept.string('name') || id, value };
}

/** Undefined where there is none. */
export function readGeo(data: Fields | undefined): Geo | undefined {
  const point = data?.message('geo')?.message('geoPoint');
  return point === undefined
    ? undefined
    : { latitude: point.number('latitude'), longitude: point.number('longitude') };
}

/** Of `status_code.proto`. */
const STATUSES = new Map<unknown, AnnotationStatus>(
  (
    [
      [24150, 'success'],
      [24151, 'pending'],
      [24152, 'failed'],
      [24157, 'awaiting_review'],
      [24158, 'review_denied'],
      [24159, 'awaiting_consensus_review'],
    ] as const
  ).flatMap(([code, name]) => [
    [code, name],
    [`ANNOTATION_${name.toUpperCase()}`, name],
  ]),
);

export const readStatus = (annotation: Fields): AnnotationStatus | undefined =>
  annotation.message('status')?.oneOf('code', STATUSES);

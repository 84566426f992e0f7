import type { Metadata } from '../../model/labels.ts';
import type { Message } from './encode.ts';

/**
 * The key in the metadata of a message under which we keep, as JSON, what the platform's own fields cannot say exactly:
 * coordinates beyond 32 bits, holes of polygons, who annotated. What is there wins over the fields when we read it back.
 */
const EXACT_KEY = 'sluice';

/** Which numbers and fields survive in a flavour of the archive. */
export interface Flavour {
  /** The nearest number that a `float` field has. */
  float(value: number): number;
  /** Whether a field that is zero can be told from one that is not there. */
  readonly keepsZero: boolean;
}

/** Floats of 32 bits; zeros are not on the wire. */
export const PROTOBUF: Flavour = { float: Math.fround, keepsZero: false };
export const JSON_FLAVOUR: Flavour = { float: (value) => value, keepsZero: true };

export const survives = (flavour: Flavour, ...values: readonly number[]): boolean =>
  values.every((value) => flavour.float(value) === value);

/** The metadata of a message: the user's, with what is kept under our key. */
export function metadataWith(metadata: Metadata | undefined, exact: Message): Metadata | undefined {
  const isOurs = metadata !== undefined && Object.hasOwn(metadata, EXACT_KEY);
  const isEmpty = metadata !== undefined && Object.keys(metadata).length === 0;
  // Our key hides one of the user's, and a message has no metadata that are there and empty.
  const kept = isOurs || isEmpty ? { ...exact, metadata } : exact;
  if (Object.keys(kept).length === 0) return metadata;
  return { ...metadata, [EXACT_KEY]: JSON.stringify(kept) };
}

/** The two taken apart again; without our key, or where it is not ours, all are the user's. */
export function takeExact(metadata: Metadata | undefined): {
  metadata: Metadata | undefined;
  exact: Message | undefined;
} {
  if (metadata === undefined || !Object.hasOwn(metadata, EXACT_KEY)) return { metadata, exact: undefined };
  const { [EXACT_KEY]: text, ...rest } = metadata;
  const exact = typeof text === 'string' ? objectOf(text) : undefined;
  if (exact === undefined) return { metadata, exact };
  return { metadata: Object.keys(rest).length === 0 ? undefined : rest, exact };
}

function objectOf(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Message)
      : undefined;
  } catch {
    return undefined;
  }
}

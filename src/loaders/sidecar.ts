import { z } from 'zod';
import { type RawPath, rawText } from '../io/raw-path.ts';
import { asError, RejectedItemError } from '../model/errors.ts';
import type { Concept, Metadata } from '../model/input.ts';

export const MAX_SIDECAR_BYTES = 1_000_000;

export interface SidecarValues {
  concepts?: Concept[];
  metadata?: Metadata;
}

const concept = z.union(
  [
    z
      .string()
      .min(1)
      .transform((id): Concept => ({ id, name: id, value: 1 })),
    z
      .strictObject({
        id: z.string().min(1),
        name: z.string().min(1).optional(),
        value: z.union([z.literal(0), z.literal(1)]).default(1),
      })
      .transform(({ id, name, value }): Concept => ({ id, name: name ?? id, value })),
  ],
  'expected a name or {id, name, value}, the value 0 or 1',
);
const concepts = z.array(concept, 'expected a list of names or of {id, name, value}');

/** The files that may describe `path`, the first that exists does: `photo.jpg.json`, then `photo.json`. */
export function sidecarsOf(path: RawPath): RawPath[] {
  if (path.endsWith('.json')) return [];
  const own = `${path}.json` as RawPath;
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1 ? [own, `${path.slice(0, dot)}.json` as RawPath] : [own];
}

/**
 * Reads a sidecar: a JSON object whose keys are the item's metadata, but for `concepts` (names, or objects with id,
 * name and value). An object of `metadata` and `concepts` alone is taken as just these.
 *
 * Throws RejectedItemError INPUT_INVALID_ARGUMENT naming the file and, where there is one, line and column.
 */
export function parseSidecar(bytes: Buffer, path: RawPath): SidecarValues {
  const name = rawText(path);
  if (bytes.length > MAX_SIDECAR_BYTES)
    throw broken(`${name}: a sidecar has at most ${MAX_SIDECAR_BYTES} bytes`);
  const value = parseJson(bytes, name);
  if (!isObject(value)) throw broken(`${name}: expected a JSON object`);
  const { concepts: labels, ...rest } = value;
  const parsed = concepts.optional().safeParse(labels);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw broken(`${name}: ${['concepts', ...issue.path].join('.')}: ${issue.message}`, parsed.error);
  }
  const isWrapped = Object.keys(rest).length === 1 && isObject(rest['metadata']);
  const metadata = isWrapped ? (rest['metadata'] as Metadata) : rest;
  return {
    ...(parsed.data === undefined ? {} : { concepts: parsed.data }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const broken = (message: string, cause?: unknown): RejectedItemError =>
  new RejectedItemError('INPUT_INVALID_ARGUMENT', message, { cause });

function parseJson(bytes: Buffer, name: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw broken(`${name}: not UTF-8`, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = asError(error);
    const before = text.slice(0, errorOffset(text, message)).split('\n');
    const place = `${name}:${before.length}:${before.at(-1)!.length + 1}`;
    throw broken(`${place}: ${message.replace(/(?: in JSON)? at position.*|, (?:\.\.\.)?".*/s, '')}`, error);
  }
}

/** Where JSON.parse gave up: most of its messages say so, "Unexpected token" and a sudden end do not. */
function errorOffset(text: string, message: string): number {
  const position = / at position (\d+)/.exec(message);
  if (position !== null) return Number(position[1]);
  if (!isUnexpectedToken(message)) return text.length;
  // The shortest prefix with that error ends with the token.
  let [short, long] = [0, text.length];
  while (long - short > 1) {
    const middle = (short + long) >> 1;
    if (prefixHasUnexpectedToken(text, middle)) long = middle;
    else short = middle;
  }
  return short;
}

const isUnexpectedToken = (message: string): boolean => message.startsWith('Unexpected token');

function prefixHasUnexpectedToken(text: string, length: number): boolean {
  try {
    JSON.parse(text.slice(0, length));
    return false;
  } catch (error) {
    return isUnexpectedToken(asError(error).message);
  }
}

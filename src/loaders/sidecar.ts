import { z } from 'zod';
import { parseAnnotation } from '../formats/annotation-json.ts';
import { type RawPath, rawText, rawUri } from '../io/raw-path.ts';
import type { ItemLabels } from '../model/contracts.ts';
import { asError, RejectedItemError } from '../model/errors.ts';
import type { Concept, Metadata } from '../model/labels.ts';

export const MAX_SIDECAR_BYTES = 1_000_000;

/** What a sidecar says of its item. */
export type SidecarValues = Omit<ItemLabels, 'labelledSize'>;

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
const degrees = (most: number) => z.number().min(-most).max(most);
/** The keys that are no metadata. */
const labels = z.object({
  concepts: z.array(concept, 'expected a list of names or of {id, name, value}').optional(),
  geo: z
    .strictObject(
      { latitude: degrees(90), longitude: degrees(180) },
      'expected {latitude, longitude} in degrees',
    )
    .optional(),
  split: z.string('expected the name of a split').min(1).optional(),
  annotations: z.array(z.unknown(), 'expected a list of annotations').optional(),
});

/** The files that may describe `path`, the first that exists does: `photo.jpg.json`, then `photo.json`. */
export function sidecarsOf(path: RawPath): RawPath[] {
  if (path.endsWith('.json')) return [];
  const own = `${path}.json` as RawPath;
  const dot = path.lastIndexOf('.');
  return dot > path.lastIndexOf('/') + 1 ? [own, `${path.slice(0, dot)}.json` as RawPath] : [own];
}

/**
 * Reads a sidecar: a JSON object whose keys are the item's metadata, but for `concepts` (names, or objects with id,
 * name and value), `geo`, `split` and `annotations` (DESIGN.md §6a). Beside these alone, an object under `metadata` is
 * the metadata itself.
 *
 * Throws RejectedItemError INPUT_INVALID_ARGUMENT naming the file and, where there is one, line and column. An
 * annotation that cannot be read is a problem beside the others.
 */
export function parseSidecar(bytes: Buffer, path: RawPath): SidecarValues {
  const name = rawText(path);
  if (bytes.length > MAX_SIDECAR_BYTES)
    throw broken(`${name}: a sidecar has at most ${MAX_SIDECAR_BYTES} bytes`);
  const value = parseJson(bytes, name);
  if (!isObject(value)) throw broken(`${name}: expected a JSON object`);
  const parsed = labels.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw broken(`${name}: ${issue.path.join('.')}: ${issue.message}`, parsed.error);
  }
  const { concepts, geo, split, annotations } = parsed.data;
  const metadata = metadataOf(value);
  return {
    ...(concepts === undefined ? {} : { concepts }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(geo === undefined ? {} : { geo }),
    ...(split === undefined ? {} : { split }),
    ...(annotations === undefined
      ? {}
      : {
          annotations: annotations.map((each, i) =>
            parseAnnotation(each, `${rawUri(path)}#annotations/${i}`),
          ),
        }),
  };
}

/** Undefined when there is none. */
function metadataOf(sidecar: Record<string, unknown>): Metadata | undefined {
  const rest = Object.entries(sidecar).filter(([key]) => !(key in labels.shape));
  if (rest.length === 0) return undefined;
  const [key, only] = rest[0]!;
  if (rest.length > 1 || key !== 'metadata' || !isObject(only)) return Object.fromEntries(rest);
  return Object.keys(only).length === 0 ? undefined : only;
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

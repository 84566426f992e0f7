import { asError } from '../../model/errors.ts';

/** A string, or a bare word that Python's `json` writes where JSON has no number. */
const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gs;

/**
 * An element of a COCO list. `NaN` and `Infinity` become strings of that name, which are no numbers to whoever looks
 * for one. Throws SyntaxError for all else that is no JSON.
 */
function parseElement(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = text.replace(STRING_OR_WORD, (found) => (found.startsWith('"') ? found : `"${found}"`));
    if (quoted === text) throw error;
    return JSON.parse(quoted);
  }
}

/** An element as a value; the SyntaxError of one that is no JSON, which no value is. */
export function elementOf(text: string): unknown {
  try {
    return parseElement(text);
  } catch (error) {
    return asError(error);
  }
}

/** As `elementOf` for many at once, which costs half as much; `list` has commas between them. */
export function elementsOf(list: string, count: number, one: (index: number) => string): unknown[] {
  try {
    const values = JSON.parse(`[${list}]`) as unknown[];
    if (values.length === count) return values;
  } catch {
    // One of them is no JSON: each for itself then.
  }
  return Array.from({ length: count }, (_, i) => elementOf(one(i)));
}

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error);

/**
 * What an id is compared by: ids are numbers, but some tools write them as text or with a fraction of zero. undefined
 * for what is no id.
 */
export function idKey(id: unknown): string | undefined {
  if (typeof id === 'number' && Number.isFinite(id)) return String(id);
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** A string, or a bare word that Python's `json` writes where JSON has no number. */
const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gs;

/**
 * An element of a COCO list. `NaN` and `Infinity` become strings of that name, which are no numbers to whoever looks
 * for one. Throws SyntaxError for all else that is no JSON.
 */
export function parseElement(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const quoted = text.replace(STRING_OR_WORD, (found) => (found.startsWith('"') ? found : `"${found}"`));
    if (quoted === text) throw error;
    return JSON.parse(quoted);
  }
}

/** As `parseElement`; undefined for what is no JSON. */
export function parsedElement(text: string): unknown {
  try {
    return parseElement(text);
  } catch {
    return undefined;
  }
}

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What an id is compared by: ids are numbers, but some tools write them as text or with a fraction of zero. undefined
 * for what is no id.
 */
export function idKey(id: unknown): string | undefined {
  if (typeof id === 'number' && Number.isFinite(id)) return String(id);
  return typeof id === 'string' && id !== '' ? id : undefined;
}

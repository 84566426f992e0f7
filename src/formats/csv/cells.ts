import type { Concept, Geo, Metadata } from '../../model/labels.ts';
import { CellError } from './cell-error.ts';
import { MAX_DEPTH, parsePythonDict } from './python-dict.ts';

/** The two orders that files use; the Python SDK writes lon,lat. */
export const GEO_ORDERS = ['lon,lat', 'lat,lon'] as const;
export type GeoOrder = (typeof GEO_ORDERS)[number];

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * A cell that lists labels, apart by commas: `cat, dog=0`. Blanks around labels do not count; an empty cell has no labels.
 *
 * A label is present unless it ends in `=0`, which makes it negative. Only a last `=0` or `=1` is read so, hence
 * `x=0=1` is the label `x=0`, present.
 */
export function parseConceptList(cell: string): Concept[] {
  const concepts = new Map<string, Concept>();
  let offset = 0;
  for (const part of cell.split(',')) {
    const label = part.trim();
    if (label !== '') {
      const name = /=[01]$/.test(label) ? label.slice(0, -2).trim() : label;
      if (name === '') throw new CellError(`"${label}" has no label before "="`, offset);
      addConcept(concepts, { id: name, name, value: label.endsWith('=0') ? 0 : 1 }, offset);
    }
    offset += part.length + 1;
  }
  return [...concepts.values()];
}

/** Adds a concept, once by its id; that it is both present and negative is an error. */
export function addConcept(concepts: Map<string, Concept>, concept: Concept, offset?: number): void {
  const same = concepts.get(concept.id);
  if (same === undefined) concepts.set(concept.id, concept);
  else if (same.value !== concept.value)
    throw new CellError(`the concept "${concept.id}" is given both as present and as negative`, offset);
}

/** The portal's `.value`: 1 present, 0 negative, blank means 1. */
export function parseConceptValue(cell: string): 0 | 1 {
  const text = cell.trim();
  if (text === '' || /^1(\.0*)?$/.test(text)) return 1;
  if (/^0(\.0*)?$/.test(text)) return 0;
  throw new CellError('a concept value is 1 (present), 0 (negative) or blank');
}

/** A JSON object, or a Python dict as the Python SDK's documentation writes it; undefined for an empty cell. */
export function parseMetadata(cell: string): Metadata | undefined {
  const text = cell.trim();
  if (text === '') return undefined;
  const value = parseJson(text) ?? shifted(cell, text, () => parsePythonDict(text));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CellError('metadata must be an object such as {"key": "value"}');
  return value as Metadata;
}

/** undefined where it is no JSON, or so long that its depth must be watched. */
function parseJson(text: string): unknown {
  if (!text.startsWith('{"') || (text.length > MAX_DEPTH * 2 && openings(text) > MAX_DEPTH)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How many brackets open anywhere in the text: an upper bound of its depth. */
function openings(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) if (text[i] === '{' || text[i] === '[') count++;
  return count;
}

/** Counts offsets of an error from the start of the cell, not of its trimmed text. */
function shifted<T>(cell: string, text: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CellError && error.offset !== undefined)
      throw new CellError(error.message, error.offset + cell.indexOf(text));
    throw error;
  }
}

/** `102.5,70` in the given order, with or without brackets; undefined for an empty cell. */
export function parseGeoPoints(cell: string, order: GeoOrder): Geo | undefined {
  const text = cell.trim().replace(/^[[(](.*)[\])]$/s, '$1');
  if (text.trim() === '') return undefined;
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length !== 2 || parts.some((part) => !DECIMAL.test(part)))
    throw new CellError(`expected two numbers, read as ${order}`);
  const [first, second] = parts.map(Number) as [number, number];
  const geo =
    order === 'lon,lat' ? { longitude: first, latitude: second } : { longitude: second, latitude: first };
  const other = GEO_ORDERS.find((candidate) => candidate !== order);
  const hint = `; read as ${order}, and --geo-order ${other} reads it the other way round`;
  requireInRange('latitude', geo.latitude, hint);
  requireInRange('longitude', geo.longitude, hint);
  return geo;
}

/** One of the portal's two columns. */
export function parseCoordinate(cell: string, name: keyof Geo): number {
  const text = cell.trim();
  if (!DECIMAL.test(text)) throw new CellError('latitude and longitude must both be numbers, or both empty');
  requireInRange(name, Number(text));
  return Number(text);
}

const MOST_DEGREES = { latitude: 90, longitude: 180 } as const;

function requireInRange(name: keyof Geo, degrees: number, hint = ''): void {
  const most = MOST_DEGREES[name];
  if (Math.abs(degrees) > most) throw new CellError(`${name} ${degrees} is outside -${most}…${most}${hint}`);
}

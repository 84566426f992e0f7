import { isUtf8 } from 'node:buffer';
import { CellError } from '../formats/csv/cell-error.ts';
import {
  addConcept,
  type GeoOrder,
  parseConceptList,
  parseConceptValue,
  parseCoordinate,
  parseGeoPoints,
  parseMetadata,
} from '../formats/csv/cells.ts';
import type { ConceptColumns, GeoColumns } from '../formats/csv/columns.ts';
import type { RowFields } from '../formats/csv/fields.ts';
import { BinaryValue, jsonValue } from '../formats/parquet/values.ts';
import type { Concept, Geo, Metadata } from '../model/labels.ts';
import type { TableColumns } from './parquet-columns.ts';

/** Reads the cells of a row that describe its input. Throws CellError, which then names the cell. */
export function readTableFields(row: readonly unknown[], columns: TableColumns, order: GeoOrder): RowFields {
  const { concepts, classNames, slots, geo } = columns;
  const found = new Map<string, Concept>();
  if (concepts !== undefined) inCell(concepts, () => addConcepts(found, row[concepts], classNames));
  for (const slot of slots) addSlot(found, row, slot);
  const metadata = readMetadata(row, columns);
  const place = geo === undefined ? undefined : readGeo(row, geo, order);
  return {
    concepts: [...found.values()],
    ...(metadata === undefined ? {} : { metadata }),
    ...(place === undefined ? {} : { geo: place }),
  };
}

/** The text of a scalar cell, '' for null. Throws CellError for bytes that are no text. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  const bytes = value instanceof BinaryValue ? value.bytes : value;
  if (bytes instanceof Uint8Array) {
    if (isUtf8(bytes)) return Buffer.from(bytes).toString('utf8');
    throw new CellError('the cell holds bytes that are not valid UTF-8');
  }
  return typeof value === 'object' ? JSON.stringify(jsonValue(value)) : String(value);
}

/** Names the cell that an error is about. */
export function inCell<T>(cell: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CellError) error.cell ??= cell;
    throw error;
  }
}

function addConcepts(
  found: Map<string, Concept>,
  value: unknown,
  names: readonly string[] | undefined,
): void {
  const listed = typeof value === 'string' || value instanceof BinaryValue;
  const parts = listed ? parseConceptList(textOf(value)) : Array.isArray(value) ? value : [value];
  for (const part of parts) {
    const concept = conceptOf(part, names);
    if (concept !== undefined) addConcept(found, concept);
  }
}

/** A label as it stands, the number of a class, or a struct of `id`, `name` and `value`. */
function conceptOf(value: unknown, names: readonly string[] | undefined): Concept | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'number') {
    // Hugging Face datasets write -1 where an item has no label.
    if (names === undefined || value === -1) return value === -1 ? undefined : present(String(value));
    const name = names[value];
    if (name === undefined) throw new CellError(`${value} is no class: there are ${names.length} of them`);
    return present(name);
  }
  if (typeof value === 'string' || value instanceof Uint8Array) return present(textOf(value));
  const { id, name, value: weight = null, ...rest } = value as Record<string, unknown>;
  const text = textOf(id) || textOf(name);
  if (text === '' || Object.keys(rest).length > 0)
    throw new CellError('expected labels: texts, class numbers, or structs of id, name and value');
  return { id: text, name: textOf(name) || text, value: parseConceptValue(textOf(weight)) };
}

const present = (label: string): Concept => ({ id: label, name: label, value: 1 });

function addSlot(
  found: Map<string, Concept>,
  row: readonly unknown[],
  { id, name, value, list }: ConceptColumns,
): void {
  const parts = (index: number | undefined): string[] => {
    if (index === undefined) return [];
    const cell = inCell(index, () => textOf(row[index]));
    return (list ? cell.split(',') : [cell]).map((part) => part.trim()).filter((part) => part !== '');
  };
  const ids = parts(id);
  const names = parts(name);
  const weight = value === undefined ? 1 : inCell(value, () => parseConceptValue(textOf(row[value])));
  inCell(id ?? name!, () => {
    for (let i = 0; i < Math.max(ids.length, names.length); i++) {
      const label = ids[i] ?? names[i]!;
      addConcept(found, { id: label, name: names[i] ?? label, value: weight });
    }
  });
}

function readMetadata(
  row: readonly unknown[],
  { names, metadata, fields }: TableColumns,
): Metadata | undefined {
  const found: Metadata = {};
  for (const index of metadata) {
    const value = row[index];
    if (value === null || value === undefined) continue;
    const isText = typeof value === 'string' || value instanceof BinaryValue || value instanceof Uint8Array;
    const object = isText ? inCell(index, () => parseMetadata(textOf(value))) : withoutNulls(value);
    Object.assign(found, object);
  }
  for (const index of fields) {
    const value = jsonValue(row[index]);
    if (value !== null) found[names[index]!] = value;
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Every struct of a column has all its fields, most of them null perhaps: those say nothing. */
const withoutNulls = (value: unknown): Metadata =>
  Object.fromEntries(Object.entries(jsonValue(value) as Metadata).filter(([, part]) => part !== null));

function readGeo(row: readonly unknown[], columns: GeoColumns, order: GeoOrder): Geo | undefined {
  if ('points' in columns) return inCell(columns.points, () => geoOf(row[columns.points], order));
  const { latitude, longitude } = columns;
  if ([row[latitude], row[longitude]].every((value) => textOf(value).trim() === '')) return undefined;
  return {
    latitude: inCell(latitude, () => parseCoordinate(textOf(row[latitude]), 'latitude')),
    longitude: inCell(longitude, () => parseCoordinate(textOf(row[longitude]), 'longitude')),
  };
}

/** A text or list of two numbers in the given order, or a struct that names them. */
function geoOf(value: unknown, order: GeoOrder): Geo | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string' || value instanceof BinaryValue) return parseGeoPoints(textOf(value), order);
  if (Array.isArray(value)) return parseGeoPoints(value.join(','), order);
  const { latitude, lat, longitude, lon, lng } = value as Record<string, unknown>;
  const [north, east] = [latitude ?? lat, longitude ?? lon ?? lng];
  if ((north ?? east ?? null) === null) return undefined;
  return {
    latitude: parseCoordinate(textOf(north), 'latitude'),
    longitude: parseCoordinate(textOf(east), 'longitude'),
  };
}

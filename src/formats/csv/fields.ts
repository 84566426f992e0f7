import type { Concept, Geo, Metadata } from '../../model/labels.ts';
import { CellError } from './cell-error.ts';
import {
  addConcept,
  type GeoOrder,
  parseConceptList,
  parseConceptValue,
  parseCoordinate,
  parseGeoPoints,
  parseMetadata,
} from './cells.ts';
import type { Columns, ConceptColumns, GeoColumns } from './columns.ts';

/** What a row says about its input. */
export interface RowFields {
  concepts: Concept[];
  metadata?: Metadata;
  geo?: Geo;
}

/** Reads the cells of a row that describe its input. Throws CellError, which then names the cell. */
export function readFields(cells: readonly string[], columns: Columns, order: GeoOrder): RowFields {
  const metadata = readMetadata(cells, columns.metadata);
  const geo = columns.geo === undefined ? undefined : readGeo(cells, columns.geo, order);
  return {
    concepts: readConcepts(cells, columns),
    ...(metadata === undefined ? {} : { metadata }),
    ...(geo === undefined ? {} : { geo }),
  };
}

function readConcepts(cells: readonly string[], { conceptList, concepts }: Columns): Concept[] {
  if (conceptList !== undefined) return inCell(conceptList, () => parseConceptList(cells[conceptList] ?? ''));
  const found = new Map<string, Concept>();
  for (const columns of concepts) readConcept(cells, columns, found);
  return [...found.values()];
}

function readConcept(cells: readonly string[], columns: ConceptColumns, found: Map<string, Concept>): void {
  const idCell = cells[columns.id ?? -1] ?? '';
  const nameCell = cells[columns.name ?? -1] ?? '';
  const ids = (columns.list ? idCell.split(',') : [idCell]).map((id) => id.trim()).filter((id) => id !== '');
  const names = (columns.list ? nameCell.split(',') : [nameCell])
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const count = Math.max(ids.length, names.length);
  if (count === 0) return;
  const value =
    columns.value === undefined
      ? 1
      : inCell(columns.value, () => parseConceptValue(cells[columns.value!] ?? ''));
  inCell(columns.id ?? columns.name!, () => {
    for (let i = 0; i < count; i++) {
      const id = ids[i] ?? names[i]!;
      addConcept(found, { id, name: names[i] ?? id, value });
    }
  });
}

function readMetadata(cells: readonly string[], columns: readonly number[]): Metadata | undefined {
  let metadata: Metadata | undefined;
  for (const column of columns) {
    const cell = cells[column] ?? '';
    if (cell === '') continue;
    const found = inCell(column, () => parseMetadata(cell));
    if (found !== undefined) metadata = metadata === undefined ? found : { ...metadata, ...found };
  }
  return metadata;
}

function readGeo(cells: readonly string[], columns: GeoColumns, order: GeoOrder): Geo | undefined {
  if ('points' in columns)
    return inCell(columns.points, () => parseGeoPoints(cells[columns.points] ?? '', order));
  const coordinate = (name: 'latitude' | 'longitude'): number =>
    inCell(columns[name], () => parseCoordinate(cells[columns[name]] ?? '', name));
  const isEmpty = [columns.latitude, columns.longitude].every(
    (column) => (cells[column] ?? '').trim() === '',
  );
  return isEmpty ? undefined : { latitude: coordinate('latitude'), longitude: coordinate('longitude') };
}

function inCell<T>(cell: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CellError) error.cell ??= cell;
    throw error;
  }
}

import {
  type ConceptColumns,
  type ContentColumn,
  type GeoColumns,
  readHeader,
} from '../formats/csv/columns.ts';
import type { Shape, TableColumn } from '../formats/parquet/shape.ts';
import { closest } from '../model/closest.ts';
import { FatalError } from '../model/errors.ts';
import type { Kind } from '../model/kind.ts';
import type { TableOptions } from './parquet-options.ts';

/** A column that may hold an input: `input` cells are what --input-type says, the others say it themselves. */
export interface TableContent extends Omit<ContentColumn, 'form'> {
  form: ContentColumn['form'] | 'bytes';
}

/** What the columns of a table mean, as indexes into a row. */
export interface TableColumns {
  names: readonly string[];
  id?: number;
  contents: TableContent[];
  /** Labels of any form that `conceptsOf` reads. */
  concepts?: number;
  /** What the integers of `concepts` stand for. */
  classNames?: readonly string[];
  /** Columns that hold a part of one concept each, as the portal has them. */
  slots: ConceptColumns[];
  /** Objects, or texts of them, which are put together. */
  metadata: number[];
  /** Values that become metadata under the name of their column. */
  fields: number[];
  geo?: GeoColumns;
  text?: number;
  /** Names that mean nothing here. */
  ignored: string[];
}

/** The columns of the platform's data frames. */
const URL_COLUMN = /^(image|video|audio|text)_url$/;
const INFO_COLUMN = /^(?:(?:image|video|audio|text)_info|input_(?:created|modified)_at)$/;
/** What public datasets call their one column of media. */
const MEDIA_COLUMN = /^(image|video|audio)$/;

/**
 * Finds the columns by their names: those of the CSVs of the SDK and the portal, of the platform's data frames, or of
 * Hugging Face datasets; what the options name comes first.
 *
 * Throws FatalError CONFIG_INVALID when a column is not there or is of a type that cannot be what it is to be.
 */
export function planColumns(
  columns: readonly TableColumn[],
  options: TableOptions,
  table: string,
): TableColumns {
  const find = (name: string | undefined): number | undefined => {
    if (name === undefined) return undefined;
    const index = columns.findIndex((column) => column.name === name);
    if (index < 0) throw missing(name, columns, table);
    return index;
  };
  const known = columns.map(({ name }) => name.trim().toLowerCase());
  const at = (...names: string[]): number | undefined => {
    const index = known.findIndex((name) => names.includes(name));
    return index < 0 ? undefined : index;
  };
  const csv = readHeader(known);
  const contents = contentsOf(columns, known, find(options.inputColumn), csv?.contents ?? []);
  if (contents.length === 0) throw noInput(columns, table);
  const labelled = columns.findIndex(
    ({ name, classNames }) => classNames !== undefined && /^labels?$/.test(name),
  );
  const concepts = find(options.conceptsColumn) ?? at('concepts') ?? (labelled < 0 ? undefined : labelled);
  const isFrame = known.some((name) => URL_COLUMN.test(name));
  const given = options.metadataColumns.map((name) => find(name)!);
  const id = find(options.idColumn) ?? at('inputid', 'input.id', 'input_id');
  const text = find(options.textColumn);
  const classNames = concepts === undefined ? undefined : columns[concepts]!.classNames;
  const geo = csv?.geo ?? geoPoints(at('geopoints'));
  const slots = csv?.concepts ?? [];
  const plan: Omit<TableColumns, 'ignored'> = {
    names: columns.map(({ name }) => name),
    contents,
    slots: concepts === undefined ? slots : [],
    metadata: known.flatMap((name, index) =>
      ['metadata', 'input.data.metadata', 'input.metadata'].includes(name) && !given.includes(index)
        ? [index]
        : [],
    ),
    fields: known.flatMap((name, index) =>
      given.includes(index) || (isFrame && INFO_COLUMN.test(name)) ? [index] : [],
    ),
    ...(id === undefined ? {} : { id }),
    ...(text === undefined ? {} : { text }),
    ...(concepts === undefined ? {} : { concepts }),
    ...(classNames === undefined ? {} : { classNames }),
    ...(geo === undefined ? {} : { geo }),
  };
  checkShapes(plan, columns, table);
  const used = new Set(usedColumns(plan));
  return { ...plan, ignored: plan.names.filter((_, index) => !used.has(index)) };
}

/** Every column that must be read, once. */
export function usedColumns(plan: Omit<TableColumns, 'ignored'>): number[] {
  const { id, contents, concepts, slots, metadata, fields, geo, text } = plan;
  const all = [
    id,
    ...contents.map(({ index }) => index),
    concepts,
    ...slots.flatMap((slot) => [slot.id, slot.name, slot.value]),
    ...metadata,
    ...fields,
    ...(geo === undefined ? [] : Object.values(geo)),
    text,
  ];
  return [...new Set(all.filter((index) => index !== undefined))].sort((a, b) => a - b);
}

const geoPoints = (points: number | undefined): GeoColumns | undefined =>
  points === undefined ? undefined : { points };

function contentsOf(
  columns: readonly TableColumn[],
  known: readonly string[],
  given: number | undefined,
  ofCsv: readonly ContentColumn[],
): TableContent[] {
  const content = (index: number, form: TableContent['form'], kind?: string): TableContent => ({
    index,
    name: columns[index]!.name,
    form: form === 'input' && isBytes(columns[index]!.shape) ? 'bytes' : form,
    ...(kind === undefined ? {} : { kind: kind as Kind }),
  });
  if (given !== undefined) return [content(given, 'input', MEDIA_COLUMN.exec(known[given]!)?.[1])];
  if (ofCsv.length > 0) return ofCsv.map(({ index, form, kind }) => content(index, form, kind));
  const urls = known.flatMap((name, index) => {
    const kind = URL_COLUMN.exec(name)?.[1];
    return kind === undefined ? [] : [content(index, 'url', kind)];
  });
  if (urls.length > 0) return urls;
  const media = known.findIndex((name) => MEDIA_COLUMN.test(name));
  if (media >= 0) return [content(media, 'input', known[media])];
  const text = known.indexOf('text');
  return text < 0 ? [] : [content(text, 'text', 'text')];
}

const isBytes = (shape: Shape): boolean => shape === 'media' || shape === 'binary';

const SCALARS: readonly Shape[] = ['text', 'number', 'boolean', 'binary'];
const GIVES: Readonly<Record<Shape, string>> = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  binary: 'binary',
  media: 'a struct of bytes',
  struct: 'a struct',
  list: 'a list',
  map: 'a map',
};

function checkShapes(
  plan: Omit<TableColumns, 'ignored'>,
  columns: readonly TableColumn[],
  table: string,
): void {
  const check = (index: number | undefined, use: string, allowed: readonly Shape[]): void => {
    if (index === undefined) return;
    const { name, shape } = columns[index]!;
    if (allowed.includes(shape)) return;
    const message = `${table}: the column "${name}" is ${GIVES[shape]}, which cannot be ${use}`;
    throw new FatalError('CONFIG_INVALID', message);
  };
  check(plan.id, 'an id', SCALARS);
  check(plan.text, 'a text', SCALARS);
  for (const { index, form } of plan.contents)
    check(index, 'an input', form === 'bytes' ? [...SCALARS, 'media'] : SCALARS);
  check(plan.concepts, 'labels', ['text', 'number', 'list', 'struct', 'binary']);
  for (const { id, name, value } of plan.slots)
    for (const index of [id, name, value]) check(index, 'a label', SCALARS);
  for (const index of plan.metadata) check(index, 'metadata', ['text', 'struct', 'map', 'binary']);
  if (plan.geo === undefined) return;
  if ('points' in plan.geo) check(plan.geo.points, 'a place', ['text', 'struct', 'list', 'binary']);
  else for (const index of Object.values(plan.geo)) check(index, 'a coordinate', SCALARS);
}

function missing(name: string, columns: readonly TableColumn[], table: string): FatalError {
  const near = closest(
    name,
    columns.map((column) => column.name),
  );
  const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
  return new FatalError(
    'CONFIG_INVALID',
    `${table} has no column "${name}"${hint}; its columns are ${listed(columns)}`,
  );
}

const noInput = (columns: readonly TableColumn[], table: string): FatalError =>
  new FatalError(
    'CONFIG_INVALID',
    `${table} has no column that is known to hold inputs (input, image_url, input.data.image.url, image, text …); ` +
      `say with --input-column which it is: ${listed(columns)}`,
  );

function listed(columns: readonly TableColumn[]): string {
  const names = columns.slice(0, 30).map(({ name }) => JSON.stringify(name));
  return columns.length > 30 ? `${names.join(', ')} and ${columns.length - 30} more` : names.join(', ');
}

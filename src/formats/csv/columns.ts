import { FatalError } from '../../model/errors.ts';
import type { Kind } from '../../model/kind.ts';
import type { ColumnRange } from './broken-extent.ts';

/** A column that may hold an input: `input` cells are what --csv-type says, the others say it themselves. */
export interface ContentColumn {
  index: number;
  name: string;
  form: 'input' | 'url' | 'text';
  kind?: Kind;
}

/** The columns of one concept; `list` for `[*]`, whose cell may name several, apart by commas. */
export interface ConceptColumns {
  id?: number;
  name?: number;
  value?: number;
  list: boolean;
}

export type GeoColumns = { points: number } | { latitude: number; longitude: number };

/** What the columns of a CSV mean, as indexes into a row. */
export interface Columns extends ColumnRange {
  /** `sdk`: inputid, input, concepts, metadata, geopoints. `portal`: the dotted names of the platform's template. */
  format: 'sdk' | 'portal';
  header: readonly string[];
  id?: number;
  contents: ContentColumn[];
  concepts: ConceptColumns[];
  /** A cell that lists concepts (the SDK's `concepts`). */
  conceptList?: number;
  metadata: number[];
  geo?: GeoColumns;
  /** Names that mean nothing here, each with the column that may have been meant. */
  ignored: { name: string; meant?: string }[];
}

const SDK_COLUMNS = ['inputid', 'input', 'concepts', 'metadata', 'geopoints'] as const;
const CONTENTS = new Map<string, Omit<ContentColumn, 'index' | 'name'>>([
  ['input.data.image.url', { form: 'url', kind: 'image' }],
  ['input.data.video.url', { form: 'url', kind: 'video' }],
  ['input.data.audio.url', { form: 'url', kind: 'audio' }],
  ['input.data.text.url', { form: 'url', kind: 'text' }],
  ['input.data.text.raw', { form: 'text', kind: 'text' }],
]);
const LATITUDE = 'input.data.geo.geo_point.latitude';
const LONGITUDE = 'input.data.geo.geo_point.longitude';
const METADATA = ['input.data.metadata', 'input.metadata'];
const PORTAL_COLUMNS = ['input.id', ...CONTENTS.keys(), ...METADATA, LATITUDE, LONGITUDE];
const CONCEPT = /^input\.data\.concepts\[(\d+|\*)\]\.(id|name|value)$/;

/** What a header line means; undefined when it is none of the two formats. Names are taken in any case and order. */
export function readHeader(cells: readonly string[]): Columns | undefined {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  if (names.some((name) => CONTENTS.has(name))) return portalColumns(cells, names);
  return names.includes('input') ? sdkColumns(cells, names) : undefined;
}

/** Like `readHeader`; throws FatalError with what was seen. */
export function requireHeader(cells: readonly string[], file: string): Columns {
  const columns = readHeader(cells);
  if (columns === undefined) {
    const seen = cells.map((cell) => JSON.stringify(cell.slice(0, 60))).slice(0, 20);
    const meant = cells.flatMap((cell) => likely(cell, [...SDK_COLUMNS, ...PORTAL_COLUMNS]) ?? []);
    throw new FatalError(
      'SOURCE_UNRECOGNISED',
      `${file}:1:1: the first line must name the columns, one of them "input" or one such as "input.data.image.url"; ` +
        `it ${seen.length === 0 ? 'cannot be read as a CSV record' : `holds ${seen.join(', ')}`}${meant.length === 0 ? '' : ` (did you mean ${meant.join(', ')}?)`}`,
    );
  }
  const known = columns.format === 'sdk' ? isSdk : isPortal;
  const twice = columns.header.find((name, i) => known(name) && columns.header.indexOf(name) !== i);
  if (twice !== undefined)
    throw new FatalError('CONFIG_INVALID', `${file}:1:1: the header names the column "${twice}" twice`);
  return columns;
}

function sdkColumns(cells: readonly string[], names: readonly string[]): Columns {
  const at = indexIn(names);
  const input = names.indexOf('input');
  return {
    ...shared('sdk', cells, names, isSdk),
    ...at('id', 'inputid'),
    contents: [{ index: input, name: 'input', form: 'input' }],
    concepts: [],
    ...at('conceptList', 'concepts'),
    metadata: indexes(names, ['metadata']),
    ...(names.includes('geopoints') ? { geo: { points: names.indexOf('geopoints') } } : {}),
  };
}

function portalColumns(cells: readonly string[], names: readonly string[]): Columns {
  const slots = new Map<string, ConceptColumns>();
  const contents: ContentColumn[] = [];
  names.forEach((name, index) => {
    const content = CONTENTS.get(name);
    if (content !== undefined) contents.push({ index, name, ...content });
    const [, slot, part] = CONCEPT.exec(name) ?? [];
    if (slot === undefined) return;
    const columns = slots.get(slot) ?? { list: slot === '*' };
    columns[part as 'id' | 'name' | 'value'] = index;
    slots.set(slot, columns);
  });
  const latitude = names.indexOf(LATITUDE);
  const longitude = names.indexOf(LONGITUDE);
  const halfGeo = latitude < 0 !== longitude < 0;
  const known = (name: string): boolean =>
    isPortal(name) && !(halfGeo && (name === LATITUDE || name === LONGITUDE));
  return {
    ...shared('portal', cells, names, known),
    ...indexIn(names)('id', 'input.id'),
    contents,
    concepts: [...slots.values()],
    metadata: indexes(names, METADATA),
    ...(latitude >= 0 && longitude >= 0 ? { geo: { latitude, longitude } } : {}),
  };
}

function shared(
  format: Columns['format'],
  cells: readonly string[],
  names: readonly string[],
  known: (name: string) => boolean,
): Pick<Columns, 'format' | 'header' | 'min' | 'max' | 'ignored'> {
  const ignored = cells.flatMap((cell, i) => {
    if (names[i] === '' || known(names[i]!)) return [];
    const meant = likely(cell, format === 'sdk' ? SDK_COLUMNS : PORTAL_COLUMNS);
    return [{ name: cell.trim(), ...(meant === undefined ? {} : { meant }) }];
  });
  // The template's header ends in a comma: its rows may or may not.
  return {
    format,
    header: names,
    min: names.findLastIndex((name) => name !== '') + 1,
    max: names.length,
    ignored,
  };
}

const isSdk = (name: string): boolean => (SDK_COLUMNS as readonly string[]).includes(name);
const isPortal = (name: string): boolean => PORTAL_COLUMNS.includes(name) || CONCEPT.test(name);

const indexIn =
  (names: readonly string[]) =>
  <K extends string>(key: K, name: string): { [k in K]?: number } =>
    names.includes(name) ? ({ [key]: names.indexOf(name) } as { [k in K]: number }) : {};

const indexes = (names: readonly string[], wanted: readonly string[]): number[] =>
  wanted.flatMap((name) => (names.includes(name) ? [names.indexOf(name)] : []));

/** The known name that differs from `name` only in case, punctuation or a plural s. */
function likely(name: string, known: readonly string[]): string | undefined {
  const bare = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z]/g, '')
      .replace(/s$/, '');
  const wanted = bare(name);
  return wanted === '' ? undefined : known.find((candidate) => bare(candidate) === wanted);
}

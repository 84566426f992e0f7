import type { Annotation } from '../../model/annotation.ts';
import type { Input } from '../../model/input.ts';
import type { Tally } from '../tally.ts';
import { type FolderColumns, isTexts, type KeyColumn, labelsOf } from './columns.ts';
import { boxOf, placeOf } from './objects.ts';

/**
 * A line of a `metadata.jsonl`, with every column in every line. A reader takes the type of a column from what it finds,
 * split by split, so numbers that may have a fraction always show one, and a text that is not there is empty.
 */
export function metadataLine(input: Input, fileName: string, columns: FolderColumns, tally: Tally): string {
  const { label, objects, text, geo, metadata } = columns;
  const fields = [field('file_name', JSON.stringify(fileName)), field('input_id', JSON.stringify(input.id))];
  const labels = labelsOf(input);
  if (label === 'label') fields.push(field(label, JSON.stringify(labels[0] ?? '')));
  if (label === 'labels') fields.push(field(label, JSON.stringify(labels)));
  if (objects) fields.push(field('objects', objectsOf(input)));
  if (text) fields.push(field('text', JSON.stringify(input.text ?? '')));
  if (geo) {
    fields.push(field('latitude', decimalOf(input.geo?.latitude)));
    fields.push(field('longitude', decimalOf(input.geo?.longitude)));
  }
  if (metadata === 'whole') fields.push(field('metadata', JSON.stringify(JSON.stringify(input.metadata))));
  else for (const column of metadata) fields.push(field(column.column, keyValue(input, column)));
  count(input, columns, tally);
  return `{${fields.join(',')}}\n`;
}

const field = (name: string, json: string): string => `${JSON.stringify(name)}:${json}`;

/** As JSON; undefined and what is not finite as null. */
function decimalOf(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return 'null';
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
}

/** As the library keeps them: an object of lists. */
function objectsOf(input: Input): string {
  const objects = input.annotations.filter((annotation) => placeOf(annotation, input) === 'object');
  const boxes = objects.map((annotation) => `[${boxOf(annotation, input).map(decimalOf).join(',')}]`);
  const categories = objects.map((annotation) => presentOf(annotation)[0]?.id ?? '');
  const ids = objects.map(({ id }) => id);
  return `{"bbox":[${boxes.join(',')}],"categories":${JSON.stringify(categories)},"id":${JSON.stringify(ids)}}`;
}

const presentOf = ({ concepts }: Annotation) => concepts.filter(({ value }) => value > 0);

function keyValue({ metadata }: Input, { key, type }: KeyColumn): string {
  const value = Object.hasOwn(metadata, key) ? metadata[key] : null;
  if (value === null || value === undefined) return isTexts(type) ? '""' : 'null';
  if (type === 'json') return JSON.stringify(JSON.stringify(value));
  return type === 'number' ? decimalOf(value as number) : JSON.stringify(value);
}

/** What of the input, which is exported, is not in its line. */
function count(input: Input, { metadata }: FolderColumns, tally: Tally): void {
  const own = [...input.concepts, ...input.annotations.flatMap(({ concepts }) => concepts)];
  tally.lose('negative-concepts', own.filter(({ value }) => value <= 0).length);
  tally.lose('concept-names', own.filter(({ id, name, value }) => value > 0 && id !== name).length);
  for (const annotation of input.annotations) countAnnotation(annotation, input, tally);
  const given = new Set(Object.keys(input.metadata).filter((key) => input.metadata[key] !== null));
  if (metadata === 'whole') tally.lose('metadata-types', given.size);
  else {
    const used = metadata.filter(({ key }) => given.has(key));
    tally.lose('metadata-types', used.filter(({ type }) => type === 'json').length);
    tally.lose('metadata-names', used.filter(({ key, column }) => key !== column).length);
  }
}

function countAnnotation(annotation: Annotation, input: Input, tally: Tally): void {
  const { region, concepts: _, id: __, ...details } = annotation;
  const place = placeOf(annotation, input);
  if (place === 'points') tally.lose('points');
  if (place === 'elsewhere') tally.lose('places');
  tally.annotations(
    place === 'object' || place === 'whole' ? 1 : 0,
    place === 'object' || place === 'whole' ? 0 : 1,
  );
  if (place === 'whole') tally.lose('whole-annotations');
  if (place === 'object') {
    if (region?.polygon !== undefined || region?.mask !== undefined) tally.lose('outlines');
    if (region?.point !== undefined || region?.keypoints !== undefined) tally.lose('points');
    tally.lose('more-concepts', Math.max(0, presentOf(annotation).length - 1));
  }
  if ((place === 'object' || place === 'whole') && Object.keys(details).length > 0)
    tally.lose('annotation-details');
}

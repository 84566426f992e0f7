import type { Annotation } from '../../model/annotation.ts';
import type { Input } from '../../model/input.ts';
import { placeOf } from './objects.ts';

/** Of the values of a metadata key: one type for all, for readers give a column one. */
export type ValueType = 'text' | 'integer' | 'number' | 'boolean' | 'json';

/** A metadata key and the column that it becomes. */
export interface KeyColumn {
  key: string;
  column: string;
  type: ValueType;
}

/** The columns of the metadata files of one data set, the same in every split. */
export interface FolderColumns {
  /** `labels` where an input has several. */
  label: 'label' | 'labels' | undefined;
  objects: boolean;
  text: boolean;
  geo: boolean;
  /** `whole`: too many keys for columns of their own. */
  metadata: readonly KeyColumn[] | 'whole';
}

/** More keys are no columns but data. */
const MAX_KEYS = 200;
const OWN_COLUMNS = new Set([
  'file_name',
  'file_names',
  'input_id',
  'label',
  'labels',
  'objects',
  'text',
  'latitude',
  'longitude',
  'image',
  'audio',
  'video',
  'metadata',
]);
/** The library takes these for media. */
const MEDIA_NAME = /_file_names?$/;

/** Finds out which columns the inputs of a data set need. */
export class ColumnSurvey {
  #mostLabels = 0;
  #objects = false;
  #text = false;
  #geo = false;
  readonly #keys = new Map<string, ValueType>();
  #tooManyKeys = false;
  /** By split, the columns that have a value there. */
  readonly #filled = new Map<string, Set<string>>();

  look(input: Input, split: string): void {
    const filled = this.#filled.get(split) ?? new Set();
    this.#filled.set(split, filled);
    const labels = labelsOf(input).length;
    this.#mostLabels = Math.max(this.#mostLabels, labels);
    if (labels > 0) filled.add('labels');
    if (input.annotations.some((annotation) => placeOf(annotation, input) === 'object')) {
      this.#objects = true;
      filled.add('objects');
    }
    if (input.text !== undefined) this.#text = true;
    if (input.geo !== undefined) {
      this.#geo = true;
      filled.add('latitude and longitude');
    }
    for (const [key, value] of Object.entries(input.metadata)) {
      if (value !== null) this.#lookAt(key, value, filled);
    }
  }

  get columns(): FolderColumns {
    return {
      label: this.#mostLabels === 0 ? undefined : this.#mostLabels === 1 ? 'label' : 'labels',
      objects: this.#objects,
      text: this.#text,
      geo: this.#geo,
      metadata: this.#tooManyKeys ? 'whole' : this.#keyColumns(),
    };
  }

  /** Columns without a value in a split, where nothing then tells the library their type. */
  get untyped(): { split: string; column: string }[] {
    const { label, objects, geo, metadata } = this.columns;
    const columns = [
      ...(label === 'labels' ? ['labels'] : []),
      ...(objects ? ['objects'] : []),
      ...(geo ? ['latitude and longitude'] : []),
      ...(metadata === 'whole' ? [] : metadata.filter(({ type }) => !isTexts(type)).map(({ key }) => key)),
    ];
    return [...this.#filled].flatMap(([split, filled]) =>
      columns.filter((column) => !filled.has(column)).map((column) => ({ split, column })),
    );
  }

  #lookAt(key: string, value: unknown, filled: Set<string>): void {
    const known = this.#keys.get(key);
    if (known === undefined && this.#keys.size >= MAX_KEYS) {
      this.#tooManyKeys = true;
      return;
    }
    this.#keys.set(key, joined(known, typeOf(value)));
    filled.add(key);
  }

  #keyColumns(): KeyColumn[] {
    const taken = new Set([...OWN_COLUMNS, ...this.#keys.keys()]);
    return [...this.#keys.keys()].sort().map((key) => {
      const type = this.#keys.get(key)!;
      if (!OWN_COLUMNS.has(key) && !MEDIA_NAME.test(key)) return { key, column: key, type };
      let column = `${key}_`;
      while (taken.has(column)) column += '_';
      taken.add(column);
      return { key, column, type };
    });
  }
}

/** Whether a column of values of this type is one of texts, in which an empty one stands for none. */
export const isTexts = (type: ValueType): boolean => type === 'text' || type === 'json';

/** Present concepts of the input, also those that annotations without a place have. */
export function labelsOf({ concepts, annotations }: Input): string[] {
  const ofWhole = annotations.filter(isOfWhole).flatMap((annotation) => annotation.concepts);
  return [...new Set([...concepts, ...ofWhole].filter(({ value }) => value > 0).map(({ id }) => id))];
}

/** Concepts of the whole input, given as an annotation. */
const isOfWhole = ({ region, span, frame, segment }: Annotation): boolean =>
  region === undefined && span === undefined && frame === undefined && segment === undefined;

function typeOf(value: unknown): ValueType {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value !== 'number') return 'json';
  return Number.isSafeInteger(value) ? 'integer' : 'number';
}

function joined(known: ValueType | undefined, found: ValueType): ValueType {
  if (known === undefined || known === found) return found;
  const both = [known, found];
  return both.every((type) => type === 'integer' || type === 'number') ? 'number' : 'json';
}

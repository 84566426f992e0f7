import type { Kind } from '../../model/kind.ts';

/** What the cells of a column hold; any of them may be null. */
export type CellType =
  | 'text'
  | 'integer'
  /** A Date. */
  | 'time'
  /** `{ id, name, value }`, each. */
  | 'concepts'
  /** `{ latitude, longitude }`. */
  | 'geo'
  /** `{ bytes, path }`, as Hugging Face datasets hold media. */
  | 'media';

export interface Column {
  name: string;
  type: CellType;
}

export type Row = Record<string, unknown>;

/** Where the bytes of media are: in the cells of the table, in files beside it, or nowhere. */
export const MEDIA_MODES = ['embed', 'files', 'none'] as const;
export type MediaMode = (typeof MEDIA_MODES)[number];

const text = (name: string): Column => ({ name, type: 'text' });

/** Of the table of inputs, for a version with inputs of these kinds. */
export function inputColumns(kinds: readonly Kind[], media: MediaMode): Column[] {
  return [
    text('input_id'),
    text('kind'),
    text('uri'),
    text('split'),
    ...kinds.flatMap((kind) => [text(`${kind}_url`), text(`${kind}_info`)]),
    ...(media === 'none' ? [] : kinds.filter(hasFile).map((kind): Column => ({ name: kind, type: 'media' }))),
    text('text'),
    { name: 'concepts', type: 'concepts' },
    text('metadata'),
    { name: 'geopoints', type: 'geo' },
    text('sha256'),
    { name: 'bytes', type: 'integer' },
    { name: 'input_created_at', type: 'time' },
    { name: 'input_modified_at', type: 'time' },
  ];
}

/** Texts are in a column of their own. */
export const hasFile = (kind: Kind): boolean => kind !== 'text';

/** Of the table of annotations. */
export const ANNOTATION_COLUMNS: readonly Column[] = [
  text('annotation_id'),
  text('annotation'),
  text('annotation_kind'),
  text('annotation_user_id'),
  text('input_id'),
  { name: 'concepts', type: 'concepts' },
  { name: 'annotation_created_at', type: 'time' },
  { name: 'annotation_modified_at', type: 'time' },
];

import {
  type Data,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMillisecond,
  Utf8,
} from 'apache-arrow';
import type { Annotation } from '../../model/annotation.ts';
import type { ExistingInput } from '../../model/contracts.ts';
import type { Input, MediaInfo } from '../../model/input.ts';
import type { Kind } from '../../model/kind.ts';
import type { Concept, Geo, Metadata } from '../../model/labels.ts';
import {
  encodedColumn,
  floatColumn,
  intColumn,
  listColumn,
  listOfUtf8,
  timeColumn,
  utf8Column,
} from './columns.ts';
import { type ResultBatch, stringColumn } from './result.ts';

/** Texts up to this size are kept in their row. */
export const INLINE_TEXT_BYTES = 64_000;

/** The annotations of an input that has none, as its row has them. */
export const NO_ANNOTATIONS = '[]';

/** Stands for a text, or annotations, that a row of the table holds and that were not read. */
export class Unread {
  /** As UTF-8. */
  readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }
}

/** A row of the table `inputs`. */
export interface InputRow {
  id: string;
  kind: Kind;
  uri: string;
  sha256: string;
  bytes: number;
  fingerprint: string | undefined;
  media: MediaInfo;
  /**
   * UTF-8. Of a text, its content, where it is small enough to be no blob; of any other kind, whose content is a blob,
   * the text that came with it.
   */
  text: Uint8Array | undefined;
  concepts: Concept[];
  metadata: Metadata;
  geo: Geo | undefined;
  datasets: string[];
  split: string | undefined;
  /** Absolute path of the original file, when the store keeps a reference instead of a copy. */
  source: string | undefined;
  /** The run that wrote the row last, and with which code. */
  runId: string;
  runCode: 'INPUT_SUCCESS' | 'INPUT_UPDATED';
  /** Milliseconds since the epoch. */
  createdAt: number;
  updatedAt: number;
  /** As JSON, for most rows are only passed on. */
  annotations: string;
}

/** A row of which the parts that can be large may be unread. */
export type KnownRow = Omit<InputRow, LargePart> & {
  text: InputRow['text'] | Unread;
  annotations: string | Unread;
};

export type LargePart = 'text' | 'annotations';

/** Bytes of a row's large parts, read or not. */
export const largeBytes = ({ text, annotations }: Pick<KnownRow, LargePart>): number =>
  textBytes(text) + annotationBytes(annotations);

const textBytes = (text: KnownRow['text']): number =>
  text === undefined ? 0 : text instanceof Unread ? text.bytes : text.length;

function annotationBytes(annotations: KnownRow['annotations']): number {
  if (annotations === NO_ANNOTATIONS) return 0;
  return annotations instanceof Unread ? annotations.bytes : Buffer.byteLength(annotations);
}

export const inputSchema = new Schema([
  new Field('id', new Utf8(), false),
  new Field('kind', new Utf8(), false),
  new Field('uri', new Utf8(), false),
  new Field('sha256', new Utf8(), false),
  new Field('bytes', new Int64(), false),
  new Field('fingerprint', new Utf8(), true),
  new Field('media', new Utf8(), false),
  new Field('text', new Utf8(), true),
  new Field('concepts', new Utf8(), false),
  new Field('metadata', new Utf8(), false),
  new Field('latitude', new Float64(), true),
  new Field('longitude', new Float64(), true),
  new Field('datasets', listOfUtf8, false),
  new Field('split', new Utf8(), true),
  new Field('source', new Utf8(), true),
  new Field('runId', new Utf8(), false),
  new Field('runCode', new Utf8(), false),
  new Field('createdAt', new TimestampMillisecond(), false),
  new Field('updatedAt', new TimestampMillisecond(), false),
  new Field('annotations', new Utf8(), false),
  // So that sizes are known without reading what can be large. Null where there is no text, 0 where it is empty.
  new Field('textBytes', new Int64(), true),
  new Field('annotationBytes', new Int64(), false),
]);

const LARGE: readonly string[] = ['text', 'annotations'] satisfies LargePart[];

/** Every column of a table but those that can be large. */
export const smallColumns = (names: readonly string[]): string[] =>
  names.filter((name) => !LARGE.includes(name));

/** Rows as Lance takes them; the rows themselves are not needed any more. */
export interface EncodedRows {
  table: Table;
  /** Of texts and annotations kept in the rows. */
  largeBytes: number;
}

export function encodeRows(rows: readonly InputRow[]): EncodedRows {
  let bytes = 0;
  for (const row of rows) bytes += largeBytes(row);
  const column = (pick: (row: InputRow) => string | undefined) => utf8Column(rows.map(pick));
  const table = tableOf(inputSchema, rows.length, [
    column((row) => row.id),
    column((row) => row.kind),
    column((row) => row.uri),
    column((row) => row.sha256),
    intColumn(rows.map((row) => row.bytes)),
    column((row) => row.fingerprint),
    column((row) => JSON.stringify(row.media)),
    encodedColumn(rows.map((row) => row.text)),
    column((row) => (row.concepts.length === 0 ? '[]' : JSON.stringify(row.concepts))),
    column((row) => JSON.stringify(row.metadata)),
    floatColumn(rows.map((row) => row.geo?.latitude)),
    floatColumn(rows.map((row) => row.geo?.longitude)),
    listColumn(rows.map((row) => row.datasets)),
    column((row) => row.split),
    column((row) => row.source),
    column((row) => row.runId),
    column((row) => row.runCode),
    timeColumn(rows.map((row) => row.createdAt)),
    timeColumn(rows.map((row) => row.updatedAt)),
    column((row) => row.annotations),
    intColumn(rows.map((row) => row.text?.length)),
    intColumn(rows.map((row) => annotationBytes(row.annotations))),
  ]);
  return { table, largeBytes: bytes };
}

export function tableOf(schema: Schema, length: number, children: Data[]): Table {
  const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
  return new Table(schema, [new RecordBatch(schema, data)]);
}

/** Reads rows out of a batch that has every column of the table. */
export function readRows(batch: ResultBatch): Generator<InputRow> {
  const texts = stringColumn(batch, 'text');
  // A table of schema 1 has no annotations.
  const annotations = batch.getChild('annotations') === null ? [] : stringColumn(batch, 'annotations');
  return rowsOf(
    batch,
    (i) => {
      const text = texts[i];
      return text === undefined ? undefined : Buffer.from(text);
    },
    (i) => annotations[i] ?? NO_ANNOTATIONS,
  );
}

/** Reads rows out of a batch that has all columns but those that can be large. */
export function readKnownRows(batch: ResultBatch): Generator<KnownRow> {
  const texts = batch.getChild('textBytes');
  const annotations = batch.getChild('annotationBytes');
  return rowsOf(
    batch,
    (i, kind, bytes) => {
      const size = texts === null ? textBytesOfSchema1(kind, bytes) : texts.get(i);
      return size === null ? undefined : new Unread(Number(size));
    },
    (i) => {
      const size = Number(annotations?.get(i) ?? 0);
      return size === 0 ? NO_ANNOTATIONS : new Unread(size);
    },
  );
}

/** In a table of schema 1, which has no such column, only texts have a text; it may turn out to be a blob after all. */
export const textBytesOfSchema1 = (kind: string, bytes: number): number | null =>
  kind === 'text' && bytes <= INLINE_TEXT_BYTES ? bytes : null;

function* rowsOf<Text, Annotations>(
  batch: ResultBatch,
  textAt: (i: number, kind: Kind, bytes: number) => Text,
  annotationsAt: (i: number) => Annotations,
): Generator<Omit<InputRow, LargePart> & { text: Text; annotations: Annotations }> {
  const [ids, kinds, uris, hashes] = required(batch, 'id', 'kind', 'uri', 'sha256');
  const [media, concepts, metadata, runIds, runCodes] = required(
    batch,
    'media',
    'concepts',
    'metadata',
    'runId',
    'runCode',
  );
  const [fingerprints, splits, sources] = ['fingerprint', 'split', 'source'].map((name) =>
    stringColumn(batch, name),
  );
  const [latitudes, longitudes, datasets] = ['latitude', 'longitude', 'datasets'].map(
    (name) => batch.getChild(name)!,
  );
  const [sizes, created, updated] = ['bytes', 'createdAt', 'updatedAt'].map((name) => batch.getChild(name)!);
  for (let i = 0; i < batch.numRows; i++) {
    const kind = kinds![i] as Kind;
    const bytes = Number(sizes!.get(i));
    const latitude = latitudes!.get(i) as number | null;
    yield {
      id: ids![i]!,
      kind,
      uri: uris![i]!,
      sha256: hashes![i]!,
      bytes,
      fingerprint: fingerprints![i],
      media: JSON.parse(media![i]!) as MediaInfo,
      text: textAt(i, kind, bytes),
      concepts: JSON.parse(concepts![i]!) as Concept[],
      metadata: JSON.parse(metadata![i]!) as Metadata,
      geo: latitude === null ? undefined : { latitude, longitude: longitudes!.get(i) as number },
      datasets: [...(datasets!.get(i) as Iterable<string>)],
      split: splits![i],
      source: sources![i],
      runId: runIds![i]!,
      runCode: runCodes![i] as InputRow['runCode'],
      createdAt: Number(created!.get(i)),
      updatedAt: Number(updated!.get(i)),
      annotations: annotationsAt(i),
    };
  }
}

const required = (batch: ResultBatch, ...names: string[]): (readonly string[])[] =>
  names.map((name) => stringColumn(batch, name) as readonly string[]);

/** The row as users see it. */
export function toInput(row: InputRow): Input {
  const { id, kind, uri, sha256, bytes, media, text, concepts, metadata, geo, datasets, split } = row;
  return {
    id,
    kind,
    uri,
    sha256,
    bytes,
    media,
    ...(text === undefined ? {} : { text: Buffer.from(text).toString() }),
    concepts,
    metadata,
    ...(geo === undefined ? {} : { geo }),
    datasets,
    ...(split === undefined ? {} : { split }),
    annotations: row.annotations === NO_ANNOTATIONS ? [] : (JSON.parse(row.annotations) as Annotation[]),
  };
}

/** The row as a run sees it that meets its id again. */
export const toExisting = (row: KnownRow): ExistingInput => ({
  sha256: row.sha256,
  kind: row.kind,
  bytes: row.bytes,
  media: row.media,
  uri: row.uri,
  ...(row.fingerprint === undefined ? {} : { fingerprint: row.fingerprint }),
  runId: row.runId,
  runCode: row.runCode,
});

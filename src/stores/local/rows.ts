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
import type { ExistingInput } from '../../model/contracts.ts';
import type { Concept, Geo, Input, MediaInfo, Metadata } from '../../model/input.ts';
import type { Kind } from '../../model/kind.ts';
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

/** A row of the table `inputs`. */
export interface InputRow {
  id: string;
  kind: Kind;
  uri: string;
  sha256: string;
  bytes: number;
  fingerprint: string | undefined;
  media: MediaInfo;
  /** UTF-8 of a text that is kept in the row; absent for larger texts and other kinds, whose bytes are a blob. */
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
]);

/** Every column but the one that can be large. */
export const COLUMNS_WITHOUT_TEXT = inputSchema.names.filter((name) => name !== 'text') as string[];

/** Rows as Lance takes them; the rows themselves are not needed any more. */
export interface EncodedRows {
  table: Table;
  /** Of texts kept in the rows. */
  textBytes: number;
}

export function encodeRows(rows: readonly InputRow[]): EncodedRows {
  let textBytes = 0;
  for (const { text } of rows) if (text !== undefined) textBytes += text.length;
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
  ]);
  return { table, textBytes };
}

export function tableOf(schema: Schema, length: number, children: Data[]): Table {
  const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
  return new Table(schema, [new RecordBatch(schema, data)]);
}

/** Reads rows out of a batch that has every column of `inputs`, with or without `text`. */
export function* readRows(batch: ResultBatch): Generator<InputRow> {
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
  const texts = batch.getChild('text') === null ? undefined : stringColumn(batch, 'text');
  const [latitudes, longitudes, datasets] = ['latitude', 'longitude', 'datasets'].map(
    (name) => batch.getChild(name)!,
  );
  const [bytes, created, updated] = ['bytes', 'createdAt', 'updatedAt'].map((name) => batch.getChild(name)!);
  for (let i = 0; i < batch.numRows; i++) {
    const text = texts?.[i];
    const latitude = latitudes!.get(i) as number | null;
    yield {
      id: ids![i]!,
      kind: kinds![i] as Kind,
      uri: uris![i]!,
      sha256: hashes![i]!,
      bytes: Number(bytes!.get(i)),
      fingerprint: fingerprints![i],
      media: JSON.parse(media![i]!) as MediaInfo,
      text: text === undefined ? undefined : Buffer.from(text),
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
    annotations: [],
  };
}

/** The row as a run sees it that meets its id again. */
export const toExisting = (row: InputRow): ExistingInput => ({
  sha256: row.sha256,
  kind: row.kind,
  bytes: row.bytes,
  media: row.media,
  uri: row.uri,
  ...(row.fingerprint === undefined ? {} : { fingerprint: row.fingerprint }),
  runId: row.runId,
  runCode: row.runCode,
});

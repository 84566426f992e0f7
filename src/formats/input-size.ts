import type { Kind } from '../model/kind.ts';
import type { Concept, Geo, Metadata } from '../model/labels.ts';

/** An input as it travels in a `PostInputsRequest` (`clarifai/api/service.proto`). */
export interface WireInput {
  id: string;
  kind: Kind;
  /** Size of the media; for a text, of its UTF-8. Not sent, and so not counted, when there is a `url`. */
  bytes: number;
  /** Sent in place of the bytes. */
  url?: string;
  /** A text beside an image. */
  text?: string;
  concepts: readonly Concept[];
  metadata: Metadata;
  geo?: Geo;
  datasetIds: readonly string[];
}

/** The part of a `PostInputsRequest` that is there once, whatever its inputs. */
export interface RequestEnvelope {
  userId?: string;
  appId?: string;
  inputsAddJobId?: string;
}

// Every field used here has a number below 16, so its tag takes one byte:
//   PostInputsRequest { user_app_id 1 { user_id 1, app_id 2 }, inputs 2, inputs_add_job_id 3 }
//   Input { id 1, data 2, dataset_ids 7 }
//   Data { image 1, video 2, concepts 3, metadata 5, geo 6, text 13, audio 14 }
//   Image, Video, Audio { url 1, base64 2 }   Text { raw 1, url 2 }
//   Concept { id 1, name 2, value 3 float }   Geo { geo_point 1 { longitude 1 float, latitude 2 float } }
//   Struct { fields 1 { key 1, value 2 } }    ListValue { values 1 }
//   Value { null_value 1, number_value 2 double, string_value 3, bool_value 4, struct_value 5, list_value 6 }
const TAG = 1;
const FLOAT = TAG + 4;
const DOUBLE = TAG + 8;
/** A bool or an enum of a small value. */
const SHORT_VARINT = TAG + 1;

/**
 * Exact size in bytes of one element of `inputs`: tag, length and the message with its media inside.
 *
 * As in the canonical encoding, scalar fields of value zero or empty are not written. An encoder that writes a zero
 * which was set explicitly (protobufjs) needs five bytes more for each negative concept, unless the field is left
 * unset.
 */
export function serializedInputSize(input: WireInput): number {
  let size = text(input.id) + embedded(dataSize(input));
  for (const id of input.datasetIds) size += element(utf8(id));
  return embedded(size);
}

/** Size in bytes of a request without inputs. */
export function requestOverhead({
  userId = '',
  appId = '',
  inputsAddJobId = '',
}: RequestEnvelope = {}): number {
  const ids = text(userId) + text(appId);
  return (ids === 0 ? 0 : embedded(ids)) + text(inputsAddJobId);
}

function dataSize(input: WireInput): number {
  const { kind, url } = input;
  let size = embedded(url === undefined ? scalar(input.bytes) : text(url));
  if (kind !== 'text' && input.text !== undefined) size += embedded(text(input.text));
  for (const { id, name, value } of input.concepts) {
    size += embedded(text(id) + text(name) + (value === 0 ? 0 : FLOAT));
  }
  const fields = structSize(input.metadata);
  if (fields > 0) size += embedded(fields);
  if (input.geo !== undefined) {
    const { longitude, latitude } = input.geo;
    size += embedded(embedded((longitude === 0 ? 0 : FLOAT) + (latitude === 0 ? 0 : FLOAT)));
  }
  return size;
}

/** Size of a `google.protobuf.Struct`; fields that are undefined are left out, as JSON does. */
function structSize(fields: Metadata): number {
  let size = 0;
  for (const key in fields) {
    const value = fields[key];
    // Entries of a map always carry their key and their value.
    if (value !== undefined) size += embedded(element(utf8(key)) + embedded(valueSize(value)));
  }
  return size;
}

/** Size of a `google.protobuf.Value`: exactly one of its fields is set, and written even when it is zero. */
function valueSize(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return element(utf8(value));
    case 'number':
    case 'bigint':
      return DOUBLE;
    case 'boolean':
      return SHORT_VARINT;
  }
  if (Array.isArray(value)) {
    return embedded(value.reduce((size: number, each: unknown) => size + embedded(valueSize(each)), 0));
  }
  if (typeof value === 'object' && value !== null) return embedded(structSize(value as Metadata));
  return SHORT_VARINT;
}

const utf8 = (value: string): number => Buffer.byteLength(value);

/** A singular string, left out when empty. */
const text = (value: string): number => scalar(utf8(value));

/** A singular string or bytes field of a length, left out when empty. */
const scalar = (length: number): number => (length === 0 ? 0 : element(length));

/** A message field, which is written even when the message is empty. */
const embedded = (length: number): number => element(length);

/** A length-delimited field: tag, length, content. */
const element = (length: number): number => TAG + varint(length) + length;

/** Bytes of an unsigned number as a varint of seven bits each. */
function varint(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

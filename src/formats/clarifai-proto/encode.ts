import {
  type Field,
  INPUT,
  INPUTS_FIELD,
  type MessageType,
  type Scalar,
  VISIBILITY_NAMES,
} from './schema.ts';
import { type Outside, type Piece, WireWriter } from './wire-writer.ts';

/** A message in proto3 JSON; the bytes of media are `Outside`. */
export type Message = { [field: string]: unknown };

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** An element of an `InputBatch`, with its tag and length; scalar fields of value zero or empty are not written. */
export function encodeInput(input: Message): Piece[] {
  const writer = new WireWriter();
  writeFields(writer, INPUT, input);
  close(writer, 0, INPUTS_FIELD);
  return writer.finish();
}

function writeFields(writer: WireWriter, type: MessageType, message: Message): void {
  for (let i = type.fields.length - 1; i >= 0; i--) {
    const field = type.fields[i]!;
    const value = message[field.name];
    if (value === undefined) continue;
    if (field.repeated) {
      const values = value as unknown[];
      for (let k = values.length - 1; k >= 0; k--) writeValue(writer, field, values[k]);
    } else if (value !== 0 && value !== '' && value !== VISIBILITY_NAMES[0]) writeValue(writer, field, value);
  }
}

function writeValue(writer: WireWriter, { type, number }: Field, value: unknown): void {
  const end = writer.length;
  let wireType = LENGTH;
  if (typeof type === 'function') writeFields(writer, type(), value as Message);
  else wireType = writeScalar(writer, type, value);
  close(writer, end, number, wireType);
}

/** Writes the value without tag and length; gives its wire type. */
function writeScalar(writer: WireWriter, type: Scalar, value: unknown): number {
  switch (type) {
    case 'float':
      writer.float(value as number);
      return FIXED32;
    case 'uint32':
      writer.varint(value as number);
      return VARINT;
    case 'visibility':
      writer.varint(VISIBILITY_NAMES.indexOf(value as (typeof VISIBILITY_NAMES)[number]));
      return VARINT;
    case 'string':
      writer.text(value as string);
      return LENGTH;
    case 'bytes':
      writer.bytes(Buffer.from(value as string, 'base64'));
      return LENGTH;
    case 'media':
      writer.outside((value as Outside).outside);
      return LENGTH;
    case 'floats':
      for (const each of (value as number[]).toReversed()) writer.float(each);
      return LENGTH;
    case 'struct':
      writeStruct(writer, value as Message);
      return LENGTH;
  }
}

/** The tag of what was written since `end`, and its length where the wire type has one. */
function close(writer: WireWriter, end: number, number: number, wireType = LENGTH): void {
  if (wireType === LENGTH) writer.varint(writer.length - end);
  writer.varint(number * 8 + wireType);
}

/** `google.protobuf.Struct { fields 1 { key 1, value 2 } }`; fields that are undefined are left out, as JSON does. */
function writeStruct(writer: WireWriter, fields: Message): void {
  for (const [key, value] of Object.entries(fields).reverse()) {
    if (value === undefined) continue;
    const end = writer.length;
    writeStructValue(writer, value);
    close(writer, end, 2);
    const keyEnd = writer.length;
    writer.text(key);
    close(writer, keyEnd, 1);
    close(writer, end, 1);
  }
}

/** `google.protobuf.Value`: exactly one of its fields is set, and written even when it is zero. */
function writeStructValue(writer: WireWriter, value: unknown): void {
  const end = writer.length;
  if (typeof value === 'number') {
    writer.double(value);
    close(writer, end, 2, FIXED64);
  } else if (typeof value === 'string') {
    writer.text(value);
    close(writer, end, 3);
  } else if (typeof value === 'boolean') {
    writer.varint(value ? 1 : 0);
    close(writer, end, 4, VARINT);
  } else if (Array.isArray(value)) {
    for (const element of value.toReversed()) {
      const elementEnd = writer.length;
      writeStructValue(writer, element);
      close(writer, elementEnd, 1);
    }
    close(writer, end, 6);
  } else if (typeof value === 'object' && value !== null) {
    writeStruct(writer, value as Message);
    close(writer, end, 5);
  } else {
    writer.varint(0);
    close(writer, end, 1, VARINT);
  }
}

import type { Message } from './encode.ts';
import { type Field, INPUT, type MessageType, VISIBILITY_NAMES } from './schema.ts';

/** Deeper messages are refused, as protobuf's own readers do. */
const MAX_DEPTH = 100;

/** The bytes are no message of the type, or end in the middle of one. */
export class WireError extends Error {}

/** Where the bytes of media lie in what was decoded. */
export class MediaRange {
  readonly start: number;
  readonly bytes: number;

  constructor(start: number, bytes: number) {
    this.start = start;
    this.bytes = bytes;
  }
}

/** Reads an `Input` as proto3 JSON; media are a `MediaRange`. Throws WireError. */
export function decodeInput(bytes: Buffer): Message {
  const message: Message = {};
  readFields(new Reader(bytes), bytes.length, INPUT, message, 0);
  return message;
}

/** Tag and varint reading over one buffer. */
class Reader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Of at most 10 bytes; beyond 53 bits it is not exact, which nothing that is read needs. */
  varint(end: number): number {
    let value = 0;
    for (let scale = 1, read = 0; read < 10; read++, scale *= 0x80) {
      if (this.at >= end) throw new WireError(`it ends within a number at byte ${this.at}`);
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new WireError(`a number of more than 10 bytes at byte ${this.at}`);
  }

  /** Where a value of that many bytes starts, which is passed. */
  take(length: number, end: number): number {
    const start = this.at;
    if (length > end - start)
      throw new WireError(`a field of ${length} bytes reaches over the end at byte ${start}`);
    this.at += length;
    return start;
  }

  text(length: number, end: number): string {
    const start = this.take(length, end);
    return this.bytes.toString('utf8', start, this.at);
  }
}

/** What follows a tag: a number, or the length of what follows. */
interface Tag {
  number: number;
  wireType: number;
}

function readTag(reader: Reader, end: number): Tag {
  const key = reader.varint(end);
  return { number: Math.floor(key / 8), wireType: key % 8 };
}

function skip(reader: Reader, wireType: number, end: number): void {
  if (wireType === 0) reader.varint(end);
  else if (wireType === 1) reader.take(8, end);
  else if (wireType === 2) reader.take(reader.varint(end), end);
  else if (wireType === 5) reader.take(4, end);
  else throw new WireError(`wire type ${wireType} at byte ${reader.at}`);
}

const byNumber = new WeakMap<MessageType, ReadonlyMap<number, Field>>();

function fieldOf(type: MessageType, number: number): Field | undefined {
  let fields = byNumber.get(type);
  if (fields === undefined) {
    fields = new Map(type.fields.map((field) => [field.number, field]));
    byNumber.set(type, fields);
  }
  return fields.get(number);
}

function readFields(reader: Reader, end: number, type: MessageType, into: Message, depth: number): void {
  if (depth > MAX_DEPTH) throw new WireError(`messages nested deeper than ${MAX_DEPTH}`);
  while (reader.at < end) {
    const { number, wireType } = readTag(reader, end);
    const field = fieldOf(type, number);
    if (field === undefined || wireType !== wireTypeOf(field)) {
      skip(reader, wireType, end);
      continue;
    }
    const value = readValue(reader, end, field, into[field.name], depth);
    if (value === undefined) continue;
    if (!field.repeated) into[field.name] = value;
    else if (into[field.name] === undefined) into[field.name] = [value];
    else (into[field.name] as unknown[]).push(value);
  }
}

function wireTypeOf({ type }: Field): number {
  if (type === 'float') return 5;
  return type === 'uint32' || type === 'visibility' ? 0 : 2;
}

/** `former`: of a message that comes a second time, which is merged. */
function readValue(reader: Reader, end: number, field: Field, former: unknown, depth: number): unknown {
  const { type, repeated } = field;
  if (type === 'float') return reader.bytes.readFloatLE(reader.take(4, end));
  if (type === 'uint32') return reader.varint(end);
  if (type === 'visibility') return VISIBILITY_NAMES[reader.varint(end)];
  const length = reader.varint(end);
  if (type === 'string') return reader.text(length, end);
  const start = reader.take(length, end);
  if (type === 'bytes') return reader.bytes.toString('base64', start, reader.at);
  if (type === 'media') return new MediaRange(start, length);
  if (type === 'floats') return undefined;
  const inner = new Reader(reader.bytes);
  inner.at = start;
  if (type === 'struct') return readStruct(inner, reader.at, depth + 1);
  const message: Message = repeated ? {} : ((former as Message | undefined) ?? {});
  readFields(inner, reader.at, type(), message, depth + 1);
  return message;
}

/** Calls `read` for each field with its tag; what it does not take is skipped. */
function eachField(reader: Reader, end: number, read: (tag: Tag) => boolean): void {
  while (reader.at < end) {
    const tag = readTag(reader, end);
    if (!read(tag)) skip(reader, tag.wireType, end);
  }
}

/** The end of a length-delimited field whose content begins where the reader is. */
function contentEnd(reader: Reader, end: number): number {
  const length = reader.varint(end);
  const start = reader.take(length, end);
  reader.at = start;
  return start + length;
}

function readStruct(reader: Reader, end: number, depth: number): Message {
  if (depth > MAX_DEPTH) throw new WireError(`messages nested deeper than ${MAX_DEPTH}`);
  const entries: [string, unknown][] = [];
  eachField(reader, end, ({ number, wireType }) => {
    if (number !== 1 || wireType !== 2) return false;
    const entryEnd = contentEnd(reader, end);
    let key = '';
    let value: unknown = null;
    eachField(reader, entryEnd, (tag) => {
      if (tag.wireType !== 2 || tag.number > 2) return false;
      const length = reader.varint(entryEnd);
      const start = reader.take(length, entryEnd);
      if (tag.number === 1) key = reader.bytes.toString('utf8', start, reader.at);
      else {
        reader.at = start;
        value = readStructValue(reader, start + length, depth + 1);
      }
      return true;
    });
    entries.push([key, value]);
    return true;
  });
  return Object.fromEntries(entries);
}

function readStructValue(reader: Reader, end: number, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new WireError(`messages nested deeper than ${MAX_DEPTH}`);
  let value: unknown = null;
  eachField(reader, end, ({ number, wireType }) => {
    if (number === 2 && wireType === 1) value = reader.bytes.readDoubleLE(reader.take(8, end));
    else if (number === 3 && wireType === 2) value = reader.text(reader.varint(end), end);
    else if (number === 4 && wireType === 0) value = reader.varint(end) !== 0;
    else if (number === 5 && wireType === 2) value = readStruct(reader, contentEnd(reader, end), depth + 1);
    else if (number === 6 && wireType === 2) value = readList(reader, contentEnd(reader, end), depth + 1);
    else return false;
    return true;
  });
  return value;
}

function readList(reader: Reader, end: number, depth: number): unknown[] {
  const values: unknown[] = [];
  eachField(reader, end, ({ number, wireType }) => {
    if (number !== 1 || wireType !== 2) return false;
    values.push(readStructValue(reader, contentEnd(reader, end), depth + 1));
    return true;
  });
  return values;
}

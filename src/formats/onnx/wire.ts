/** What is not a message, or not a whole one. */
export class WireError extends Error {}

/** How the content of a field is written. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

const MAX_VARINT_BYTES = 10;

export interface Field {
  number: number;
  /** Of a varint, else 0. Over 2⁵³, where negative numbers are, the last digits are lost. */
  value: number;
  /** Of a field that has a length, else empty. */
  bytes: Uint8Array;
  /** The field as it stands, its tag included. */
  raw: Uint8Array;
}

/** The fields of a message; what lies inside them is stepped over, nothing is copied. Throws WireError. */
export function* fieldsOf(message: Uint8Array): Generator<Field, void, void> {
  for (let start = 0; start < message.length; ) {
    const tag = readVarint(message, start);
    let end = tag.end;
    let begin = end;
    let value = 0;
    switch (tag.value % 8) {
      case VARINT:
        ({ value, end } = readVarint(message, end));
        begin = end;
        break;
      case LENGTH_DELIMITED: {
        const length = readVarint(message, end);
        begin = length.end;
        end = begin + length.value;
        break;
      }
      case FIXED32:
        begin = end += 4;
        break;
      case FIXED64:
        begin = end += 8;
        break;
      default:
        throw new WireError(`no field begins at byte ${start}`);
    }
    if (end > message.length) throw new WireError(`its last ${end - message.length} bytes are missing`);
    const number = Math.floor(tag.value / 8);
    yield { number, value, bytes: message.subarray(begin, end), raw: message.subarray(start, end) };
    start = end;
  }
}

function readVarint(message: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < start + MAX_VARINT_BYTES; at++) {
    const byte = message[at];
    if (byte === undefined) throw new WireError('its last bytes are missing');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at + 1 };
    scale *= 0x80;
  }
  throw new WireError(`the number at byte ${start} has no end`);
}

/** Parts of a message, in order. Large ones are only joined when the message is whole. */
export type Parts = Uint8Array[];

/** An int64 or enum. */
export function integer(field: number, value: number | bigint): Uint8Array {
  return Buffer.from([...varint(field * 8 + VARINT), ...varint(BigInt.asUintN(64, BigInt(value)))]);
}

export function float(field: number, value: number): Uint8Array {
  const tag = varint(field * 8 + FIXED32);
  const written = Buffer.alloc(tag.length + 4);
  written.set(tag);
  written.writeFloatLE(value, tag.length);
  return written;
}

/** A message, or bytes, inside another one. */
export function nested(field: number, parts: Parts): Parts {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [Buffer.from([...varint(field * 8 + LENGTH_DELIMITED), ...varint(length)]), ...parts];
}

export const text = (field: number, value: string): Uint8Array =>
  Buffer.concat(nested(field, [Buffer.from(value, 'utf8')]));

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

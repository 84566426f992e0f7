/**
 * Deletion vectors: a Z85 text, the `RoaringBitmapArray` inside, and the 32-bit Roaring bitmaps inside that.
 *
 * Formats: delta-io/delta PROTOCOL.md, "Deletion Vector Format"; RoaringBitmap/RoaringFormatSpec; ZeroMQ RFC 32.
 */
const ARRAY_MAGIC = 1681511377;
/** Of a bitmap without runs, and of one with; the upper half of the latter is the number of containers − 1. */
const COOKIE_PLAIN = 12346;
const COOKIE_RUNS = 12347;
/** Fewer containers than this have no table of offsets when there are runs. */
const NO_OFFSETS_BELOW = 4;
/** A container with more values is a bitmap of 2^16 bits. */
const MAX_ARRAY = 4096;
const BITMAP_BYTES = 8192;

/** Calls `visit` with every row of a `RoaringBitmapArray`, counted from 0, ascending. Throws on malformed bytes. */
export function visitDeletedRows(bytes: Buffer, visit: (row: number) => void): void {
  if (bytes.length < 12 || bytes.readInt32LE(0) !== ARRAY_MAGIC)
    throw new Error('it does not begin as a portable RoaringBitmapArray');
  const bitmaps = Number(bytes.readBigInt64LE(4));
  let at = 12;
  for (let i = 0; i < bitmaps; i++) {
    const high = bytes.readUInt32LE(at) * 0x1_0000_0000;
    if (!Number.isSafeInteger(high + 0xffff_ffff)) throw new Error('it names rows beyond 2^53');
    at = visitBitmap(bytes, at + 4, (low) => visit(high + low));
  }
  if (at !== bytes.length) throw new Error(`it has ${bytes.length} bytes, ${at} of them are bitmaps`);
}

/** Returns where the bitmap ends. */
function visitBitmap(bytes: Buffer, start: number, visit: (value: number) => void): number {
  const cookie = bytes.readUInt32LE(start);
  const hasRuns = (cookie & 0xffff) === COOKIE_RUNS;
  if (!hasRuns && cookie !== COOKIE_PLAIN) throw new Error(`its bitmap has the unknown cookie ${cookie}`);
  let at = start + 4;
  const count = hasRuns ? (cookie >>> 16) + 1 : bytes.readUInt32LE(at);
  if (!hasRuns) at += 4;
  if (count > 65_536) throw new Error(`its bitmap has ${count} containers`);
  const runFlags = at;
  if (hasRuns) at += Math.ceil(count / 8);
  const header = at;
  at += count * 4;
  if (!hasRuns || count >= NO_OFFSETS_BELOW) at += count * 4;
  for (let i = 0; i < count; i++) {
    const base = bytes.readUInt16LE(header + i * 4) * 65_536;
    const cardinality = bytes.readUInt16LE(header + i * 4 + 2) + 1;
    const isRun = hasRuns && (bytes.readUInt8(runFlags + (i >> 3)) & (1 << (i & 7))) !== 0;
    if (isRun) at = visitRuns(bytes, at, base, visit);
    else if (cardinality <= MAX_ARRAY) at = visitArray(bytes, at, base, cardinality, visit);
    else at = visitBits(bytes, at, base, visit);
  }
  return at;
}

function visitRuns(bytes: Buffer, start: number, base: number, visit: (value: number) => void): number {
  const runs = bytes.readUInt16LE(start);
  for (let i = 0; i < runs; i++) {
    const first = bytes.readUInt16LE(start + 2 + i * 4);
    const more = bytes.readUInt16LE(start + 4 + i * 4);
    for (let value = first; value <= Math.min(first + more, 65_535); value++) visit(base + value);
  }
  return start + 2 + runs * 4;
}

function visitArray(
  bytes: Buffer,
  start: number,
  base: number,
  count: number,
  visit: (value: number) => void,
): number {
  for (let i = 0; i < count; i++) visit(base + bytes.readUInt16LE(start + i * 2));
  return start + count * 2;
}

function visitBits(bytes: Buffer, start: number, base: number, visit: (value: number) => void): number {
  for (let i = 0; i < BITMAP_BYTES; i++) {
    const byte = bytes.readUInt8(start + i);
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) visit(base + i * 8 + bit);
  }
  return start + BITMAP_BYTES;
}

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Throws when the text is none of Z85. */
export function decodeZ85(text: string): Buffer {
  if (text.length % 5 !== 0) throw new Error('its Z85 text is cut off');
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const digit = Z85.indexOf(text[group * 5 + i]!);
      if (digit < 0) throw new Error('its text is not Z85');
      value = value * 85 + digit;
    }
    if (value > 0xffff_ffff) throw new Error('its text is not Z85');
    bytes.writeUInt32BE(value, group * 4);
  }
  return bytes;
}

/** A stored entry as headers and directory tell of it. Sizes and offsets are bytes. */
export interface StoredEntry {
  name: string;
  size: number;
  crc32: number;
  /** Of its local header. */
  offset: number;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
export const LOCAL_SIZE = 30;
export const CRC_AT = 14;
const CENTRAL_SIZE = 46;
const MAX16 = 0xffff;
const MAX32 = 0xffff_ffff;
const VERSION = 20;
const VERSION_64 = 45;
const UTF8_NAMES = 0x0800;
/** The first day that ZIP knows, 1 January 1980: equal content gives equal bytes. */
const FIXED_DATE = 0x0021;
const ZIP64 = 0x0001;

/** The header before an entry's data; the fields of 64 bits are there when the size needs them. */
export function localHeader({ name, size, crc32 }: StoredEntry): Buffer {
  const bytes = Buffer.from(name);
  const extra = size >= MAX32 ? zip64(size, size) : Buffer.alloc(0);
  const header = Buffer.alloc(LOCAL_SIZE);
  header.writeUInt32LE(LOCAL, 0);
  writeCommon(header, 4, { version: extra.length === 0 ? VERSION : VERSION_64, size, crc32 });
  header.writeUInt16LE(bytes.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, bytes, extra]);
}

/** The entry whose local header starts `bytes`, and the header's length; undefined where there is none of ours. */
export function readLocalHeader(
  bytes: Buffer,
  offset: number,
): { entry: StoredEntry; length: number } | undefined {
  if (bytes.length < LOCAL_SIZE || bytes.readUInt32LE(0) !== LOCAL) return undefined;
  const nameEnd = LOCAL_SIZE + bytes.readUInt16LE(26);
  const length = nameEnd + bytes.readUInt16LE(28);
  if (bytes.length < length) return undefined;
  const narrow = bytes.readUInt32LE(22);
  const size = narrow === MAX32 ? Number(bytes.readBigUInt64LE(nameEnd + 4)) : narrow;
  const name = bytes.toString('utf8', LOCAL_SIZE, nameEnd);
  return { entry: { name, size, crc32: bytes.readUInt32LE(CRC_AT), offset }, length };
}

/** What follows the data of the last entry: the directory and its end records. */
export function directoryOf(entries: readonly StoredEntry[], at: number): Buffer {
  const records = Buffer.concat(entries.map(centralRecord));
  const isWide = entries.length >= MAX16 || at >= MAX32 || records.length >= MAX32;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(Math.min(entries.length, MAX16), 8);
  end.writeUInt16LE(Math.min(entries.length, MAX16), 10);
  end.writeUInt32LE(Math.min(records.length, MAX32), 12);
  end.writeUInt32LE(Math.min(at, MAX32), 16);
  return Buffer.concat([
    records,
    isWide ? wideEnd(entries.length, records.length, at) : Buffer.alloc(0),
    end,
  ]);
}

function centralRecord({ name, size, crc32, offset }: StoredEntry): Buffer {
  const bytes = Buffer.from(name);
  const wide = [...(size >= MAX32 ? [size, size] : []), ...(offset >= MAX32 ? [offset] : [])];
  const extra = wide.length === 0 ? Buffer.alloc(0) : zip64(...wide);
  const record = Buffer.alloc(CENTRAL_SIZE);
  const version = wide.length === 0 ? VERSION : VERSION_64;
  record.writeUInt32LE(CENTRAL, 0);
  record.writeUInt16LE(version, 4);
  writeCommon(record, 6, { version, size, crc32 });
  record.writeUInt16LE(bytes.length, 28);
  record.writeUInt16LE(extra.length, 30);
  record.writeUInt32LE(Math.min(offset, MAX32), 42);
  return Buffer.concat([record, bytes, extra]);
}

/** The fields that local header and directory share, from the version needed to the size. Stored: method 0. */
function writeCommon(
  into: Buffer,
  at: number,
  entry: { version: number; size: number; crc32: number },
): void {
  into.writeUInt16LE(entry.version, at);
  into.writeUInt16LE(UTF8_NAMES, at + 2);
  into.writeUInt16LE(FIXED_DATE, at + 8);
  into.writeUInt32LE(entry.crc32, at + 10);
  into.writeUInt32LE(Math.min(entry.size, MAX32), at + 14);
  into.writeUInt32LE(Math.min(entry.size, MAX32), at + 18);
}

function zip64(...values: number[]): Buffer {
  const field = Buffer.alloc(4 + values.length * 8);
  field.writeUInt16LE(ZIP64, 0);
  field.writeUInt16LE(values.length * 8, 2);
  for (const [i, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + i * 8);
  return field;
}

function wideEnd(count: number, size: number, at: number): Buffer {
  const wide = Buffer.alloc(76);
  wide.writeUInt32LE(END64, 0);
  wide.writeBigUInt64LE(44n, 4);
  wide.writeUInt16LE(VERSION_64, 12);
  wide.writeUInt16LE(VERSION_64, 14);
  wide.writeBigUInt64LE(BigInt(count), 24);
  wide.writeBigUInt64LE(BigInt(count), 32);
  wide.writeBigUInt64LE(BigInt(size), 40);
  wide.writeBigUInt64LE(BigInt(at), 48);
  wide.writeUInt32LE(LOCATOR64, 56);
  wide.writeBigUInt64LE(BigInt(at + size), 64);
  wide.writeUInt32LE(1, 72);
  return wide;
}

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { crc32, deflateRawSync } from 'node:zlib';

/** An entry as it is to be written; every field after `method` is a lie or an oddity. */
export interface ZipSpec {
  name: string | Buffer;
  data?: Buffer | string;
  /** 0 stored, 8 Deflate (the default for data that is given), others keep the data as it is. */
  method?: number;
  /** Compressed bytes as they are, instead of those made from `data`. */
  packed?: Buffer;
  /** That many zero bytes, stored, as a hole in the file; the CRC is then not computed. */
  hole?: number;
  crc?: number;
  size?: number;
  compressedSize?: number;
  flags?: number;
  /** Upper byte of "version made by": 0 DOS, 3 Unix, 19 macOS. */
  host?: number;
  mode?: number;
  extra?: Buffer;
  localExtra?: Buffer;
  /** Where the directory says that the local header is. */
  offset?: number;
  /** No local part: the directory points to `offset`. */
  directoryOnly?: boolean;
  descriptor?: boolean;
  zip64?: boolean;
  local?: {
    name?: string | Buffer;
    crc?: number;
    size?: number;
    compressedSize?: number;
    method?: number;
    flags?: number;
  };
  gapAfter?: number;
}

/** What the end record says, where it is not the truth. */
export interface ZipEnd {
  zip64?: boolean;
  entries?: number;
  directorySize?: number;
  directoryOffset?: number;
  comment?: string;
  disk?: number;
  trailing?: Buffer;
  /** Bytes before the archive, to which no offset refers. */
  prefix?: Buffer;
  /** Offsets and sizes modulo 4 GiB and counts modulo 65 536, as writers without ZIP64 leave them. */
  wrap?: boolean;
  reorder?(records: Buffer[]): Buffer[];
}

const MAX32 = 0xffffffff;

/** Writes an archive byte by byte, however wrong it is asked to be. */
export function writeZip(path: string, specs: Iterable<ZipSpec>, end: ZipEnd = {}): void {
  const fd = openSync(path, 'w');
  try {
    let at = end.prefix?.length ?? 0;
    const base = at;
    if (end.prefix !== undefined) writeSync(fd, end.prefix);
    let records: Buffer[] = [];
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    const flush = () => {
      const joined = Buffer.concat(pending);
      if (joined.length > 0) writeSync(fd, joined, 0, joined.length, at - joined.length);
      pending = [];
      pendingBytes = 0;
    };
    const put = (bytes: Buffer) => {
      pending.push(bytes);
      pendingBytes += bytes.length;
      at += bytes.length;
      if (pendingBytes > 1_000_000) flush();
    };
    for (const spec of specs) {
      const { local, packed, record, descriptor } = build(spec, at - base, end.wrap ?? false);
      if (!spec.directoryOnly) {
        put(local);
        put(packed);
        if (spec.hole !== undefined) {
          flush();
          at += spec.hole;
        }
        put(descriptor);
        if (spec.gapAfter !== undefined) put(Buffer.alloc(spec.gapAfter));
      }
      records.push(record);
    }
    records = end.reorder?.(records) ?? records;
    const directory = Buffer.concat(records);
    const directoryAt = at - base;
    put(directory);
    put(endRecords(records.length, directory.length, directoryAt, at - base, end));
    if (end.trailing !== undefined) put(end.trailing);
    flush();
    ftruncateSync(fd, at);
  } finally {
    closeSync(fd);
  }
}

function build(spec: ZipSpec, at: number, wrap: boolean) {
  const name = Buffer.isBuffer(spec.name) ? spec.name : Buffer.from(spec.name);
  const localName = spec.local?.name === undefined ? name : Buffer.from(spec.local.name as string);
  const data = Buffer.from(spec.data ?? '');
  const method = spec.method ?? (spec.hole === undefined && spec.packed === undefined ? 8 : 0);
  const packed = spec.packed ?? (method === 8 ? deflateRawSync(data) : data);
  const flags = spec.flags ?? (Buffer.isBuffer(spec.name) ? 0 : 0x800) | (spec.descriptor ? 0x0008 : 0);
  const crc = spec.crc ?? crc32(data);
  const size = spec.size ?? spec.hole ?? data.length;
  const compressedSize = spec.compressedSize ?? spec.hole ?? packed.length;
  const offset = spec.offset ?? at;
  const zip64 = spec.zip64 ?? (!wrap && Math.max(size, compressedSize, offset) >= MAX32);
  const extra = Buffer.concat([
    zip64 ? zip64Extra(size, compressedSize, offset) : Buffer.alloc(0),
    spec.extra ?? Buffer.alloc(0),
  ]);
  const hidden = spec.descriptor ?? false;
  const localSize = spec.local?.size ?? (hidden ? 0 : size);
  const localCompressed = spec.local?.compressedSize ?? (hidden ? 0 : compressedSize);
  const localExtra = Buffer.concat([
    zip64 && !hidden ? zip64Extra(localSize, localCompressed) : Buffer.alloc(0),
    spec.localExtra ?? spec.extra ?? Buffer.alloc(0),
  ]);
  const narrow = (value: number) => (zip64 ? MAX32 : wrap ? value % 0x1_0000_0000 : value);

  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(zip64 ? 45 : 20, 4);
  local.writeUInt16LE(spec.local?.flags ?? flags, 6);
  local.writeUInt16LE(spec.local?.method ?? method, 8);
  local.writeUInt32LE(spec.local?.crc ?? (hidden ? 0 : crc), 14);
  local.writeUInt32LE(hidden ? localCompressed : narrow(localCompressed), 18);
  local.writeUInt32LE(hidden ? localSize : narrow(localSize), 22);
  local.writeUInt16LE(localName.length, 26);
  local.writeUInt16LE(localExtra.length, 28);

  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt8(zip64 ? 45 : 20, 4);
  record.writeUInt8(spec.host ?? (spec.mode === undefined ? 0 : 3), 5);
  record.writeUInt16LE(zip64 ? 45 : 20, 6);
  record.writeUInt16LE(flags, 8);
  record.writeUInt16LE(method, 10);
  record.writeUInt32LE(crc, 16);
  record.writeUInt32LE(narrow(compressedSize), 20);
  record.writeUInt32LE(narrow(size), 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt16LE(extra.length, 30);
  record.writeUInt16LE(spec.mode ?? 0, 40);
  record.writeUInt32LE(narrow(offset), 42);

  const descriptor = Buffer.alloc(hidden ? 16 : 0);
  if (hidden) {
    descriptor.writeUInt32LE(0x08074b50, 0);
    descriptor.writeUInt32LE(crc, 4);
    descriptor.writeUInt32LE(compressedSize, 8);
    descriptor.writeUInt32LE(size, 12);
  }
  return {
    local: Buffer.concat([local, localName, localExtra]),
    packed,
    record: Buffer.concat([record, name, extra]),
    descriptor,
  };
}

function zip64Extra(...values: number[]): Buffer {
  const field = Buffer.alloc(4 + values.length * 8);
  field.writeUInt16LE(0x0001, 0);
  field.writeUInt16LE(values.length * 8, 2);
  for (const [i, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + i * 8);
  return field;
}

function endRecords(count: number, size: number, offset: number, at: number, end: ZipEnd): Buffer {
  const entries = end.entries ?? count;
  const directorySize = end.directorySize ?? size;
  const directoryOffset = end.directoryOffset ?? offset;
  const zip64 = end.zip64 ?? (!end.wrap && (entries > 0xffff || directoryOffset >= MAX32));
  const wide = Buffer.alloc(zip64 ? 76 : 0);
  if (zip64) {
    wide.writeUInt32LE(0x06064b50, 0);
    wide.writeBigUInt64LE(44n, 4);
    wide.writeBigUInt64LE(BigInt(entries), 24);
    wide.writeBigUInt64LE(BigInt(entries), 32);
    wide.writeBigUInt64LE(BigInt(directorySize), 40);
    wide.writeBigUInt64LE(BigInt(directoryOffset), 48);
    wide.writeUInt32LE(0x07064b50, 56);
    wide.writeBigUInt64LE(BigInt(at), 64);
    wide.writeUInt32LE(1, 72);
  }
  const comment = Buffer.from(end.comment ?? '');
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(end.disk ?? 0, 4);
  record.writeUInt16LE(end.disk ?? 0, 6);
  record.writeUInt16LE(zip64 ? 0xffff : entries % 0x1_0000, 8);
  record.writeUInt16LE(zip64 ? 0xffff : entries % 0x1_0000, 10);
  record.writeUInt32LE(zip64 ? MAX32 : directorySize, 12);
  record.writeUInt32LE(zip64 ? MAX32 : directoryOffset % 0x1_0000_0000, 16);
  record.writeUInt16LE(comment.length, 20);
  return Buffer.concat([wide, record, comment]);
}

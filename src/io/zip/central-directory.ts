import type { DirectoryLocation } from './end-record.ts';
import { unreadable } from './end-record.ts';
import type { ZipEntry } from './entry.ts';
import { DARWIN, decodeName, extraField, UNIX } from './entry-name.ts';
import type { RandomAccess } from './random-access.ts';

const SIGNATURE = 0x02014b50;
/** Bytes of a record before its name; no two records lie closer together. */
export const RECORD_SIZE = 46;
const USUAL_RECORD = 512;
const MAX_RECORD = RECORD_SIZE + 3 * 0xffff;
/** Larger than any record. */
const WINDOW = 512 * 1024;
const ZIP64 = 0x0001;

/** Reads the directory in windows; each step gives the entries of one window, so memory does not grow with it. */
export async function* scanDirectory(
  source: RandomAccess,
  location: DirectoryLocation,
): AsyncGenerator<ZipEntry[]> {
  for (let at = location.start; at < location.end; ) {
    const window = await source.read(at, Math.min(WINDOW, location.end - at));
    const entries: ZipEntry[] = [];
    let used = 0;
    for (;;) {
      const length = recordLength(window, used);
      if (length === undefined) break;
      entries.push(
        parseRecord(window.subarray(used, used + length), at + used - location.start, location.base),
      );
      used += length;
    }
    // A record that is cut by the window's end starts the next window; one that cannot start a window is none.
    if (used === 0) throw unreadable(`its central directory is invalid at byte ${at}`);
    at += used;
    yield entries;
  }
}

/** The entry whose record starts at `record`, as `ZipEntry.record` says. */
export async function readRecord(
  source: RandomAccess,
  location: DirectoryLocation,
  record: number,
): Promise<ZipEntry> {
  const start = location.start + record;
  let bytes = await source.read(start, Math.min(USUAL_RECORD, location.end - start));
  let length = recordLength(bytes, 0);
  if (length === undefined) {
    bytes = await source.read(start, Math.min(MAX_RECORD, location.end - start));
    length = recordLength(bytes, 0);
  }
  if (length === undefined) throw unreadable(`its central directory is invalid at byte ${start}`);
  return parseRecord(bytes.subarray(0, length), record, location.base);
}

/** Bytes of the whole record at `at`; undefined when there is none, or only its beginning. */
function recordLength(window: Buffer, at: number): number | undefined {
  if (at + RECORD_SIZE > window.length || window.readUInt32LE(at) !== SIGNATURE) return undefined;
  const length =
    RECORD_SIZE + window.readUInt16LE(at + 28) + window.readUInt16LE(at + 30) + window.readUInt16LE(at + 32);
  return at + length <= window.length ? length : undefined;
}

function parseRecord(bytes: Buffer, record: number, base: number): ZipEntry {
  const nameEnd = RECORD_SIZE + bytes.readUInt16LE(28);
  const extra = bytes.subarray(nameEnd, nameEnd + bytes.readUInt16LE(30));
  const rawName = bytes.toString('latin1', RECORD_SIZE, nameEnd);
  const flags = bytes.readUInt16LE(8);
  const host = bytes[5]!;
  const wide = wideValues(extra);
  return {
    record,
    recordSize: bytes.length,
    name: decodeName({ raw: rawName, bytes: bytes.subarray(RECORD_SIZE, nameEnd), flags, host, extra }),
    rawName,
    // In the order in which the wide values lie.
    size: wide(bytes.readUInt32LE(24)),
    compressedSize: wide(bytes.readUInt32LE(20)),
    offset: base + wide(bytes.readUInt32LE(42)),
    crc32: bytes.readUInt32LE(16),
    flags,
    method: bytes.readUInt16LE(10),
    mode: host === UNIX || host === DARWIN ? bytes.readUInt16LE(40) : 0,
    extraLength: extra.length,
  };
}

/**
 * Gives each 32-bit value back, or, where it is saturated, the next 64-bit value of the ZIP64 extra field; so it must
 * be asked in the order of that field: size, compressed size, offset.
 */
export function wideValues(extra: Buffer): (value: number) => number {
  let field: Buffer | undefined;
  let at = 0;
  return (value) => {
    if (value !== 0xffffffff) return value;
    field ??= extraField(extra, ZIP64) ?? Buffer.alloc(0);
    if (at + 8 > field.length) return value;
    at += 8;
    return Number(field.readBigUInt64LE(at - 8));
  };
}

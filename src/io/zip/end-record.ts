import { RejectedItemError } from '../../model/errors.ts';
import type { RandomAccess } from './random-access.ts';

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const MAX_COMMENT = 0xffff;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_LOCATOR_SIZE = 20;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ZIP64_END_SIZE = 56;
const RECORD_SIGNATURE = 0x02014b50;
const FOUR_GIB = 0x1_0000_0000;

/** Where an archive's central directory lies, in bytes from the start of the file. */
export interface DirectoryLocation {
  start: number;
  end: number;
  /** What every offset in the directory is relative to: not 0 when a program stands before the archive. */
  base: number;
  declaredEntries: number;
  /** Without ZIP64 the count has 16 bits, and writers of larger archives let it wrap. */
  countBits: 16 | 64;
}

/** An archive that cannot be opened, with the way out that helps most. */
export const unreadable = (reason: string, cause?: unknown): RejectedItemError =>
  new RejectedItemError('ARCHIVE_UNREADABLE', `${reason}; repair it (zip -FF) or re-pack it`, { cause });

/** Finds the central directory by the end record, or throws RejectedItemError ARCHIVE_UNREADABLE. */
export async function findDirectory(source: RandomAccess): Promise<DirectoryLocation> {
  const tailStart = Math.max(0, source.size - END_SIZE - MAX_COMMENT - ZIP64_LOCATOR_SIZE);
  const tail = await source.read(tailStart, source.size - tailStart);
  const at = endRecordIn(tail);
  const end = tail.subarray(at);
  if (isMultiPart(end.readUInt16LE(4), end.readUInt16LE(6)))
    throw unreadable('it is one part of a split archive');
  const plain = {
    entries: end.readUInt16LE(10),
    size: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  };
  const locator = at >= ZIP64_LOCATOR_SIZE ? tail.subarray(at - ZIP64_LOCATOR_SIZE, at) : undefined;
  if (locator?.readUInt32LE(0) !== ZIP64_LOCATOR_SIGNATURE) {
    return locate(source, { ...plain, endRecord: tailStart + at, countBits: 16 });
  }
  const record = await zip64EndRecord(source, locator, tailStart + at - ZIP64_LOCATOR_SIZE);
  return locate(source, {
    entries: plain.entries === 0xffff ? Number(record.bytes.readBigUInt64LE(32)) : plain.entries,
    size: plain.size === 0xffffffff ? Number(record.bytes.readBigUInt64LE(40)) : plain.size,
    offset: plain.offset === 0xffffffff ? Number(record.bytes.readBigUInt64LE(48)) : plain.offset,
    endRecord: record.at,
    countBits: plain.entries === 0xffff ? 64 : 16,
  });
}

/** The end record's place in the last bytes of the file: its comment must end where the file ends. */
function endRecordIn(tail: Buffer): number {
  let following: number | undefined;
  for (let at = tail.length - END_SIZE; at >= 0; at--) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    const left = tail.length - at - END_SIZE - tail.readUInt16LE(at + 20);
    if (left === 0) return at;
    following ??= left;
  }
  if (following === undefined)
    throw unreadable('it has no end-of-central-directory record: not a ZIP, or cut short');
  throw unreadable(
    following > 0
      ? `${following} bytes follow its end record`
      : `its comment is cut short by ${-following} bytes`,
  );
}

async function zip64EndRecord(
  source: RandomAccess,
  locator: Buffer,
  locatorAt: number,
): Promise<{ at: number; bytes: Buffer }> {
  if (isMultiPart(locator.readUInt32LE(4), 0) || locator.readUInt32LE(16) > 1) {
    throw unreadable('it is one part of a split archive');
  }
  // The second place serves archives behind a program, whose offsets are all too small.
  for (const at of [Number(locator.readBigUInt64LE(8)), locatorAt - ZIP64_END_SIZE]) {
    if (at < 0 || at + ZIP64_END_SIZE > locatorAt) continue;
    const bytes = await source.read(at, ZIP64_END_SIZE);
    if (bytes.readUInt32LE(0) === ZIP64_END_SIGNATURE) return { at, bytes };
  }
  throw unreadable('its ZIP64 end record is missing');
}

async function locate(
  source: RandomAccess,
  found: { entries: number; size: number; offset: number; endRecord: number; countBits: 16 | 64 },
): Promise<DirectoryLocation> {
  const { size, offset, endRecord } = found;
  const at = (start: number, base: number): DirectoryLocation => ({
    start,
    end: start + size,
    base,
    declaredEntries: found.entries,
    countBits: found.countBits,
  });
  const shift = endRecord - size - offset;
  if (shift < 0)
    throw unreadable(`its central directory is invalid: it would reach ${-shift} bytes past its end record`);
  if (size === 0 || (await isRecord(source, offset))) return at(offset, 0);
  if (shift % FOUR_GIB === 0) {
    throw unreadable(
      `its central directory is invalid: offsets were cut to 32 bits, as macOS does in archives over 4 GB without ZIP64`,
    );
  }
  if (await isRecord(source, endRecord - size)) return at(endRecord - size, shift);
  throw unreadable(`its central directory is invalid: no entry starts at byte ${offset}`);
}

async function isRecord(source: RandomAccess, at: number): Promise<boolean> {
  return at + 4 <= source.size && (await source.read(at, 4)).readUInt32LE(0) === RECORD_SIGNATURE;
}

const isMultiPart = (disk: number, directoryDisk: number): boolean =>
  (disk !== 0 && disk !== 0xffff) || (directoryDisk !== 0 && directoryDisk !== 0xffff);

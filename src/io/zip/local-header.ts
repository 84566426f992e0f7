import { wideValues } from './central-directory.ts';
import { corrupt, hex } from './corrupt.ts';
import type { PlacedEntry } from './entry.ts';
import { quoted } from './entry-name.ts';
import { LOCAL_HEADER_SIZE } from './extents.ts';

const SIGNATURE = 0x04034b50;
const ENCRYPTED = 0x0001;
/** Size and CRC follow the data, so the header's own are not filled in. */
const DATA_DESCRIPTOR = 0x0008;

export const isLocalHeader = (bytes: Buffer): boolean =>
  bytes.length >= LOCAL_HEADER_SIZE && bytes.readUInt32LE(0) === SIGNATURE;

/** Bytes of the local header that starts `bytes`, which may hold only its beginning. */
export function localHeaderLength(bytes: Buffer, entry: PlacedEntry): number {
  if (!isLocalHeader(bytes)) throw corrupt(entry, `has no local header at byte ${entry.offset}`);
  const length = LOCAL_HEADER_SIZE + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  const end = entry.offset + length + entry.compressedSize;
  if (end > entry.limit) {
    throw corrupt(entry, `reaches ${end - entry.limit} bytes into what follows it`, {
      measured: end,
      limit: entry.limit,
    });
  }
  return length;
}

/** Holds the whole local header against the directory; throws ZIP_ENTRY_CORRUPT naming what differs. */
export function checkLocalHeader(header: Buffer, entry: PlacedEntry): void {
  const flags = header.readUInt16LE(6);
  const nameEnd = LOCAL_HEADER_SIZE + header.readUInt16LE(26);
  const same = (what: string, local: number | string, directory: number | string): void => {
    if (local === directory) return;
    throw corrupt(entry, `has ${what} ${local} in its local header and ${directory} in the directory`, {
      measured: local,
      limit: directory,
    });
  };
  same('the encryption flag', flags & ENCRYPTED, entry.flags & ENCRYPTED);
  same('method', header.readUInt16LE(8), entry.method);
  const name = header.toString('latin1', LOCAL_HEADER_SIZE, nameEnd);
  if (name !== entry.rawName) throw corrupt(entry, `is named ${quoted(name)} in its local header`);
  if ((flags & DATA_DESCRIPTOR) !== 0) return;
  const wide = wideValues(header.subarray(nameEnd));
  same('size', wide(header.readUInt32LE(22)), entry.size);
  same('compressed size', wide(header.readUInt32LE(18)), entry.compressedSize);
  same('CRC', hex(header.readUInt32LE(14)), hex(entry.crc32));
}

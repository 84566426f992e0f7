import { truncated } from './invalid.ts';

/** Tags that say where the strips or tiles of a page are, and how many bytes each has. */
const OFFSETS = new Set([273, 324]);
const BYTE_COUNTS = new Set([279, 325]);
/** Bytes per value of the field types that offsets and counts come in: SHORT, LONG, LONG8. */
const VALUE_BYTES: Record<number, 2 | 4 | 8> = { 3: 2, 4: 4, 16: 8 };

/** A list of numbers in the file. */
interface List {
  at: number;
  length: number;
  valueBytes: 2 | 4 | 8;
}

/**
 * Checks that the directory of a TIFF's first page and its strips or tiles lie inside the file. What cannot be
 * followed is left to the decoder. Throws RejectedItemError ALL_INPUT_INVALID_BYTES.
 */
export function checkTiffEnd(file: Buffer): void {
  const read = reader(file);
  const { offsets, counts } = pixelParts(read, file.length);
  if (offsets === undefined || counts === undefined) return;
  for (let part = 0; part < Math.min(offsets.length, counts.length); part++) {
    const start = read(offsets.at + part * offsets.valueBytes, offsets.valueBytes);
    const end = start + read(counts.at + part * counts.valueBytes, counts.valueBytes);
    if (end > file.length) throw truncated('TIFF', file.length, end);
  }
}

/** Where the offsets and the sizes of the first page's strips or tiles are listed. */
function pixelParts(read: Read, fileBytes: number): { offsets?: List; counts?: List } {
  const big = read(2, 2) === 43;
  const word = big ? 8 : 4;
  const directory = read(big ? 8 : 4, word);
  const first = directory + (big ? 8 : 2);
  const entryBytes = big ? 20 : 12;
  const last = first + read(directory, big ? 8 : 2) * entryBytes;
  // The offset of the next page ends a directory.
  if (last + word > fileBytes) throw truncated('TIFF directory', fileBytes, last + word);
  const parts: { offsets?: List; counts?: List } = {};
  for (let entry = first; entry < last; entry += entryBytes) {
    const tag = read(entry, 2);
    const name = OFFSETS.has(tag) ? 'offsets' : BYTE_COUNTS.has(tag) ? 'counts' : undefined;
    const valueBytes = VALUE_BYTES[read(entry + 2, 2)];
    const length = read(entry + 4, word);
    if (name === undefined || valueBytes === undefined || length * valueBytes > fileBytes) continue;
    const bytes = length * valueBytes;
    const at = bytes <= word ? entry + 4 + word : read(entry + 4 + word, word);
    if (at + bytes > fileBytes) throw truncated('TIFF directory', fileBytes, at + bytes);
    parts[name] = { at, length, valueBytes };
  }
  return parts;
}

type Read = (at: number, bytes: 2 | 4 | 8) => number;

/** Reads unsigned integers in the file's byte order; 0 where they lie outside the file. */
function reader(file: Buffer): Read {
  const little = file[0] === 0x49;
  return (at, bytes) => {
    if (at + bytes > file.length) return 0;
    if (bytes === 2) return little ? file.readUInt16LE(at) : file.readUInt16BE(at);
    if (bytes === 4) return little ? file.readUInt32LE(at) : file.readUInt32BE(at);
    return Number(little ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at));
  };
}

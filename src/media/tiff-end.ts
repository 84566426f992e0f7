import { truncated } from './invalid.ts';

/** Tags that say where the pixels of a page are, and how many bytes each part has. */
const OFFSETS = new Set([273, 324]);
const BYTE_COUNTS = new Set([279, 325]);
/** Bytes per value of the field types that offsets and counts come in: SHORT, LONG, LONG8. */
const VALUE_BYTES: Record<number, 2 | 4 | 8> = { 3: 2, 4: 4, 16: 8 };

/**
 * Checks that the strips or tiles of a TIFF's first page lie inside the file. What cannot be followed is left to
 * the decoder. Throws RejectedItemError ALL_INPUT_INVALID_BYTES.
 */
export function checkTiffEnd(file: Buffer): void {
  const { offsets, counts } = pixelParts(file);
  for (let part = 0; part < Math.min(offsets.length, counts.length); part++) {
    const end = offsets[part]! + counts[part]!;
    if (end > file.length) throw truncated('TIFF', file.length, end);
  }
}

/** Offsets and sizes of the first page's strips or tiles; empty where the directory is not inside the file. */
function pixelParts(file: Buffer): { offsets: number[]; counts: number[] } {
  const read = reader(file);
  const big = read(2, 2) === 43;
  const word = big ? 8 : 4;
  const directory = read(big ? 8 : 4, word);
  const entries = read(directory, big ? 8 : 2);
  const first = directory + (big ? 8 : 2);
  const entryBytes = big ? 20 : 12;
  let offsets: number[] = [];
  let counts: number[] = [];
  for (
    let at = first;
    at < first + entries * entryBytes && at + entryBytes <= file.length;
    at += entryBytes
  ) {
    const tag = read(at, 2);
    if (!OFFSETS.has(tag) && !BYTE_COUNTS.has(tag)) continue;
    const valueBytes = VALUE_BYTES[read(at + 2, 2)];
    const length = read(at + 4, word);
    if (valueBytes === undefined || length > file.length) continue;
    const inline = length * valueBytes <= word;
    const values = inline ? at + 4 + word : read(at + 4 + word, word);
    const list = Array.from({ length }, (_, index) => read(values + index * valueBytes, valueBytes));
    if (OFFSETS.has(tag)) offsets = list;
    else counts = list;
  }
  return { offsets, counts };
}

/** Reads unsigned integers in the file's byte order; 0 where they lie outside the file. */
function reader(file: Buffer): (at: number, bytes: 2 | 4 | 8) => number {
  const little = file[0] === 0x49;
  return (at, bytes) => {
    if (at < 0 || at + bytes > file.length) return 0;
    if (bytes === 2) return little ? file.readUInt16LE(at) : file.readUInt16BE(at);
    if (bytes === 4) return little ? file.readUInt32LE(at) : file.readUInt32BE(at);
    return Number(little ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at));
  };
}

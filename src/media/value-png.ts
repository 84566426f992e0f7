import { crc32 } from 'node:zlib';
import { invalidBytes, truncated } from './invalid.ts';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const HEADER_BYTES = 13;
const BIT_DEPTH = 8;
const COLOUR_TYPE = 9;

/** What the samples of a PNG are, by its colour type. */
const COLOUR_TYPES: Readonly<Record<number, PngColour>> = {
  0: 'gray',
  2: 'rgb',
  3: 'indexed',
  4: 'gray with alpha',
  6: 'rgb with alpha',
};
export type PngColour = 'gray' | 'rgb' | 'indexed' | 'gray with alpha' | 'rgb with alpha';

export interface PngHeader {
  width: number;
  height: number;
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  bitDepth: number;
  colour: PngColour;
}

/** Throws RejectedItemError ALL_INPUT_INVALID_BYTES for what is no PNG. */
export function readPngHeader(file: Buffer): PngHeader {
  const ihdr = chunks(file).next().value;
  if (ihdr === undefined || ihdr.type !== 'IHDR' || ihdr.data.length !== HEADER_BYTES)
    throw invalidBytes('not a PNG: it has no header');
  const colour = COLOUR_TYPES[ihdr.data[COLOUR_TYPE]!];
  if (colour === undefined) throw invalidBytes(`a PNG has no colour type ${ihdr.data[COLOUR_TYPE]}`);
  return {
    width: ihdr.data.readUInt32BE(0),
    height: ihdr.data.readUInt32BE(4),
    bitDepth: ihdr.data[BIT_DEPTH]!,
    colour,
  };
}

/**
 * The PNG without everything that changes what its samples mean: gamma, profiles, transparency, orientation. With
 * `asGray`, an indexed one is made gray by its header, so that a decoder gives its indexes, whatever its palette is.
 *
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES when it is truncated.
 */
export function barePng(file: Buffer, { asGray }: { asGray: boolean }): Buffer {
  const parts: Buffer[] = [SIGNATURE];
  for (const { type, data, whole } of chunks(file)) {
    if (type === 'IHDR') parts.push(asGray ? headerChunk(data) : whole);
    else if (type === 'IDAT' || (type === 'PLTE' && !asGray)) parts.push(whole);
    else if (type === 'IEND') return Buffer.concat([...parts, whole]);
  }
  throw invalidBytes('PNG is truncated: it ends before its IEND chunk');
}

function headerChunk(data: Buffer): Buffer {
  const chunk = Buffer.alloc(HEADER_BYTES + 12);
  chunk.writeUInt32BE(HEADER_BYTES, 0);
  chunk.write('IHDR', 4, 'latin1');
  data.copy(chunk, 8);
  chunk[8 + COLOUR_TYPE] = 0;
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + HEADER_BYTES)), 8 + HEADER_BYTES);
  return chunk;
}

interface Chunk {
  type: string;
  data: Buffer;
  /** With its length, type and checksum. */
  whole: Buffer;
}

function* chunks(file: Buffer): Generator<Chunk, undefined, void> {
  if (!file.subarray(0, SIGNATURE.length).equals(SIGNATURE))
    throw invalidBytes('not a PNG: it has no signature');
  for (let at = SIGNATURE.length; at + 8 <= file.length; ) {
    const end = at + 12 + file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    if (end > file.length) throw truncated(`PNG chunk ${type}`, file.length, end);
    yield { type, data: file.subarray(at + 8, end - 4), whole: file.subarray(at, end) };
    at = end;
  }
  return undefined;
}

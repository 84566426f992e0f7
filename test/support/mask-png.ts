import { crc32, deflateSync } from 'node:zlib';

export interface MaskPngOptions {
  /** 1, 2, 4, 8 or 16. */
  bitDepth: number;
  /** 0 gray, 3 indexed. */
  colourType: 0 | 3;
  /** Red, green, blue of each index; by default all indexes are black. */
  palette?: readonly number[];
  /** Alpha of each index. */
  transparency?: readonly number[];
  /** The size that the header states, where it is to be another one. */
  claims?: { width: number; height: number };
}

/** A PNG of one channel, made by hand so that its samples are surely these. */
export function maskPng(pixels: readonly (readonly number[])[], options: MaskPngOptions): Buffer {
  const { bitDepth, colourType, transparency } = options;
  const { width, height } = options.claims ?? { width: pixels[0]!.length, height: pixels.length };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bitDepth;
  header[9] = colourType;
  const palette = options.palette ?? new Array(3 * 2 ** Math.min(8, bitDepth)).fill(0);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...(colourType === 3 ? [chunk('PLTE', Buffer.from(palette))] : []),
    ...(transparency === undefined ? [] : [chunk('tRNS', Buffer.from(transparency))]),
    chunk('IDAT', deflateSync(Buffer.concat(pixels.map((row) => packed(row, bitDepth))))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A row without a filter, its samples side by side from the highest bit on. */
function packed(row: readonly number[], bitDepth: number): Buffer {
  const bytes = Buffer.alloc(1 + Math.ceil((row.length * bitDepth) / 8));
  row.forEach((value, i) => {
    if (bitDepth === 16) bytes.writeUInt16BE(value, 1 + 2 * i);
    else bytes[1 + ((i * bitDepth) >> 3)]! |= value << (8 - bitDepth - ((i * bitDepth) & 7));
  });
  return bytes;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), 4 + body.length);
  return whole;
}

import { checkBitmapPixels, readBitmap } from './bmp.ts';
import { invalidBytes } from './invalid.ts';

/** Four channels where the header names a mask for transparency and uses it. */
export interface BitmapPixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 3 | 4;
}

export const isBitmap = (head: Buffer): boolean => head.length >= 2 && head.toString('latin1', 0, 2) === 'BM';

const RUNS = new Set([1, 2]);
/** Where the header of three masks begins, and the older one of 12 bytes has three bytes for each colour. */
const MASKS = 54;
const CORE_HEADER = 12;

/**
 * The pixels of a Windows bitmap, which libvips does not read, from the top. Throws RejectedItemError
 * ALL_INPUT_INVALID_BYTES where they are not all there, or are stored as runs.
 */
export function bitmapPixels(file: Buffer): BitmapPixels {
  const bitmap = readBitmap(file);
  checkBitmapPixels(file, bitmap);
  const { media, compression, pixels, bitsPerPixel } = bitmap;
  if (RUNS.has(compression))
    throw invalidBytes('BMP whose pixels are stored as runs cannot be read: save it as PNG');
  const { width, height } = media;
  const colour = bitsPerPixel <= 8 ? palette(file, bitsPerPixel) : direct(file, bitsPerPixel, compression);
  const rowBytes = Math.ceil((width * bitsPerPixel) / 32) * 4;
  const fromTop = file.readUInt32LE(14) > CORE_HEADER && file.readInt32LE(22) < 0;
  const data = new Uint8Array(width * height * 4);
  let unused = true;
  for (let y = 0, to = 0; y < height; y++) {
    const row = pixels + (fromTop ? y : height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x++, to += 4) {
      const value = colour(row, x);
      data[to] = value >>> 24;
      data[to + 1] = value >>> 16;
      data[to + 2] = value >>> 8;
      data[to + 3] = value;
      unused &&= (value & 255) === 0;
    }
  }
  // Programs that know of no transparency leave the fourth byte 0 everywhere.
  if (media.alpha && !unused) return { data, width, height, channels: 4 };
  return { data: withoutFourth(data), width, height, channels: 3 };
}

/** Red, green, blue and opacity in one number, of the pixel `x` of the row that begins at `row`. */
type Colour = (row: number, x: number) => number;

function palette(file: Buffer, bits: number): Colour {
  const header = file.readUInt32LE(14);
  const entry = header === CORE_HEADER ? 3 : 4;
  const perByte = 8 / bits;
  return (row, x) => {
    const byte = file[row + Math.floor(x / perByte)]!;
    const index = (byte >> (8 - bits * (1 + (x % perByte)))) & ((1 << bits) - 1);
    const at = 14 + header + index * entry;
    return packed(file[at + 2] ?? 0, file[at + 1] ?? 0, file[at] ?? 0, 0);
  };
}

function direct(file: Buffer, bits: number, compression: number): Colour {
  const masks = masksOf(file, bits, compression);
  const bytes = bits / 8;
  return (row, x) => {
    const value = file.readUIntLE(row + x * bytes, bytes);
    const [red, green, blue, alpha] = masks.map((mask) => scaled(value, mask));
    return packed(red!, green!, blue!, alpha!);
  };
}

function masksOf(file: Buffer, bits: number, compression: number): number[] {
  const header = file.readUInt32LE(14);
  const alpha = header >= 56 && bits === 32 ? file.readUInt32LE(66) : 0;
  if (compression !== 0) return [0, 4, 8].map((at) => file.readUInt32LE(MASKS + at)).concat(alpha);
  return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, alpha];
}

/** The bits of a mask as a byte. */
function scaled(value: number, mask: number): number {
  if (mask === 0) return 0;
  const shift = 31 - Math.clz32(mask & -mask);
  return Math.round((((value & mask) >>> shift) * 255) / (mask >>> shift));
}

const packed = (red: number, green: number, blue: number, alpha: number): number =>
  ((red << 24) | (green << 16) | (blue << 8) | alpha) >>> 0;

function withoutFourth(data: Uint8Array): Uint8Array {
  const kept = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    kept[to] = data[from]!;
    kept[to + 1] = data[from + 1]!;
    kept[to + 2] = data[from + 2]!;
  }
  return kept;
}

import type { MediaInfo } from '../model/input.ts';
import { invalidBytes, truncated } from './invalid.ts';

/** Values of the compression field. */
const RLE8 = 1;
const RLE4 = 2;
const RAW = new Set([0, 3, 6]);

/** A Windows bitmap by its headers. */
export interface Bitmap {
  media: MediaInfo & { width: number; height: number };
  compression: number;
  /** Offset of the pixels in the file. */
  pixels: number;
  bitsPerPixel: number;
}

/** Reads the headers of a BMP (libvips has no reader for it). Throws RejectedItemError ALL_INPUT_INVALID_BYTES. */
export function readBitmap(file: Buffer): Bitmap {
  const headerBytes = file.length < 18 ? 0 : file.readUInt32LE(14);
  if (headerBytes === 0 || 14 + headerBytes > file.length)
    throw invalidBytes('BMP is truncated in its header');
  const core = headerBytes === 12;
  const width = core ? file.readUInt16LE(18) : file.readInt32LE(18);
  const height = core ? file.readUInt16LE(20) : Math.abs(file.readInt32LE(22));
  const bitsPerPixel = file.readUInt16LE(core ? 24 : 28);
  const compression = headerBytes >= 20 && !core ? file.readUInt32LE(30) : 0;
  if (width <= 0 || height === 0) throw invalidBytes(`BMP claims ${width} × ${height} pixels`);
  if (![1, 2, 4, 8, 16, 24, 32].includes(bitsPerPixel)) {
    throw invalidBytes(`BMP claims ${bitsPerPixel} bits per pixel`);
  }
  // Four channels of eight bits only where the header names a mask for the fourth.
  const alpha = headerBytes >= 56 && bitsPerPixel === 32 && file.readUInt32LE(66) !== 0;
  const media = {
    format: 'bmp',
    width,
    height,
    orientation: 1,
    colorSpace: 'srgb',
    bitDepth: bitsPerPixel <= 8 ? bitsPerPixel : bitsPerPixel === 16 ? 5 : 8,
    alpha,
    frames: 1,
  };
  return { media, compression, pixels: file.readUInt32LE(10), bitsPerPixel };
}

/** Checks that all pixels of a BMP are there. Throws RejectedItemError ALL_INPUT_INVALID_BYTES. */
export function checkBitmapPixels(file: Buffer, bitmap: Bitmap): void {
  const { media, compression, pixels, bitsPerPixel } = bitmap;
  if (RAW.has(compression)) {
    const rowBytes = Math.ceil((media.width * bitsPerPixel) / 32) * 4;
    const needed = pixels + rowBytes * media.height;
    if (needed > file.length) throw truncated('BMP', file.length, needed);
  } else if (compression === RLE8 || compression === RLE4) {
    checkRunsEnd(file, pixels, compression);
  } else {
    throw invalidBytes(`BMP is compressed in way ${compression}, which cannot be read`);
  }
}

/** Walks the runs of an RLE bitmap to the end-of-bitmap mark (0, 1). */
function checkRunsEnd(file: Buffer, pixels: number, compression: number): void {
  for (let at = pixels; at + 1 < file.length; ) {
    const value = file[at + 1]!;
    if (file[at] !== 0) at += 2;
    else if (value === 1) return;
    else if (value === 0) at += 2;
    else if (value === 2) at += 4;
    else at += 2 + 2 * Math.ceil((compression === RLE8 ? value : value / 2) / 2);
  }
  throw invalidBytes('BMP is truncated: its runs end before the end-of-bitmap mark');
}

import { invalidBytes, truncated } from './invalid.ts';
import { checkTiffEnd } from './tiff-end.ts';

/**
 * Checks that an image file reaches its own end, where the decoder does not look: libvips stops at the last row of
 * pixels, so it misses a PNG without its IEND, a GIF whose later frames are cut off and, depending on the last bits,
 * a JPEG without its EOI, and it shows the missing tiles of a TIFF as black.
 *
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES.
 */
export function checkImageEnd(format: string, file: Buffer): void {
  if (format === 'jpeg') checkJpegEnd(file);
  else if (format === 'png') checkPngEnd(file);
  else if (format === 'gif') checkGifEnd(file);
  else if (format === 'tiff') checkTiffEnd(file);
}

const JPEG_SOS = 0xda;
const JPEG_EOI = Buffer.from([0xff, 0xd9]);

/** Checks that an EOI marker follows the first scan; those of thumbnails lie in the segments before it. */
function checkJpegEnd(file: Buffer): void {
  let at = 2;
  while (at + 4 <= file.length && file[at] === 0xff && file[at + 1] !== JPEG_SOS) {
    at += file[at + 1] === 0xff ? 1 : 2 + file.readUInt16BE(at + 2);
  }
  if (file.lastIndexOf(JPEG_EOI) < at) throw invalidBytes('JPEG is truncated: it ends before its EOI marker');
}

function checkPngEnd(file: Buffer): void {
  for (const { type, end } of pngChunks(file)) {
    if (end > file.length) throw truncated(`PNG chunk ${type}`, file.length, end);
    if (type === 'IEND') return;
  }
  throw invalidBytes('PNG is truncated: it ends before its IEND chunk');
}

/** Whether a PNG brings EXIF, readable or not. */
export function pngHasExif(file: Buffer): boolean {
  for (const { type } of pngChunks(file)) if (type === 'eXIf') return true;
  return false;
}

/** The chunks of a PNG; `end` is the offset behind the chunk, which a truncated file does not reach. */
function* pngChunks(file: Buffer): Generator<{ type: string; end: number }> {
  for (let at = 8; at + 8 <= file.length; ) {
    const end = at + 12 + file.readUInt32BE(at);
    yield { type: file.toString('latin1', at + 4, at + 8), end };
    at = end;
  }
}

const GIF_EXTENSION = 0x21;
const GIF_IMAGE = 0x2c;

/** Walks the blocks of a GIF to its trailer, or to what is no block, where decoders stop as well. */
function checkGifEnd(file: Buffer): void {
  let at = 13 + colorTableBytes(file[10]);
  while (at < file.length) {
    if (file[at] === GIF_IMAGE) at = skipSubBlocks(file, at + 11 + colorTableBytes(file[at + 9]));
    else if (file[at] === GIF_EXTENSION) at = skipSubBlocks(file, at + 2);
    else return;
  }
  throw invalidBytes('GIF is truncated: it ends before its trailer');
}

const colorTableBytes = (packed = 0): number => (packed & 0x80 ? 3 << ((packed & 7) + 1) : 0);

function skipSubBlocks(file: Buffer, start: number): number {
  let at = start;
  while (at < file.length && file[at] !== 0) at += file[at]! + 1;
  return at + 1;
}

import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import { decodeMask } from '../../annotations/mask.ts';
import type { Mask } from '../../model/annotation.ts';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const compress = promisify(deflate);

/** The mask as a PNG of one bit a pixel, white where it is set. Throws RejectedItemError MASK_INVALID. */
export async function maskPng(mask: Mask): Promise<Buffer> {
  const [height, width] = mask.size;
  const bitmap = decodeMask(mask);
  const rowBytes = 1 + Math.ceil(width / 8);
  const rows = new Uint8Array(rowBytes * height);
  for (let y = 0, at = 0; y < height; y++) {
    // The first byte of a row says that it is not filtered.
    const row = y * rowBytes + 1;
    for (let x = 0; x < width; x++, at++) if (bitmap[at] === 1) rows[row + (x >> 3)]! |= 0x80 >> (x & 7);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', await compress(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}

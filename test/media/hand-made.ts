import { crc32, createDeflate } from 'node:zlib';

/** A chunk of a PNG with its checksum. */
export function pngChunk(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length);
  head.write(type, 4, 'latin1');
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body, crc32(head.subarray(4))));
  return Buffer.concat([head, body, sum]);
}

/** A black 1-bit PNG of any size, which packs a thousandfold. */
export async function blackPng(width: number, height: number): Promise<Buffer> {
  const deflate = createDeflate({ level: 9 });
  const packed: Buffer[] = [];
  deflate.on('data', (piece: Buffer) => packed.push(piece));
  const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * 1000);
  for (let row = 0; row < height; row += 1000) {
    await new Promise<void>((resolve) => deflate.write(rows, () => resolve()));
  }
  await new Promise<void>((resolve) => deflate.once('end', resolve).end());
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', Buffer.concat(packed)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A 24-bit BMP; rows are multiples of four bytes at these sizes. */
export function bitmap(width: number, height: number): Buffer {
  const file = Buffer.alloc(54 + Math.ceil((width * 3) / 4) * 4 * height, 0x80);
  file.fill(0, 0, 54);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  return file;
}

/** A run-length encoded 8-bit BMP of one row, with the end-of-bitmap mark or without. */
export function runLengthBitmap(marked: boolean): Buffer {
  const head = bitmap(4, 1).subarray(0, 54);
  head.writeUInt16LE(8, 28);
  head.writeUInt32LE(1, 30);
  return Buffer.concat([
    head,
    Buffer.from([4, 7, 0, 0, 0, 3, 1, 2, 3, 0, 0, 2, 9, 9, ...(marked ? [0, 1] : [])]),
  ]);
}

/**
 * A grey uncompressed TIFF, tiled, whose directories stand before all pixels, as cloud-optimised ones do: cutting
 * its end leaves a header that looks whole.
 */
export function frontTiff(width: number, height: number, pages = 1): Buffer {
  const tile = 128;
  const tiles = Math.ceil(width / tile) * Math.ceil(height / tile);
  const entries = 10;
  const directoryBytes = 2 + entries * 12 + 4 + 8 * tiles;
  const pixelsAt = 8 + pages * directoryBytes;
  const head = Buffer.alloc(pixelsAt);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  for (let page = 0; page < pages; page++) {
    const at = 8 + page * directoryBytes;
    const lists = at + 2 + entries * 12 + 4;
    const fields: [tag: number, count: number, value: number][] = [
      [256, 1, width],
      [257, 1, height],
      [258, 1, 8],
      [259, 1, 1],
      [262, 1, 1],
      [277, 1, 1],
      [322, 1, tile],
      [323, 1, tile],
      [324, tiles, lists],
      [325, tiles, lists + 4 * tiles],
    ];
    head.writeUInt16LE(entries, at);
    fields.forEach(([tag, count, value], index) => {
      const field = at + 2 + index * 12;
      head.writeUInt16LE(tag, field);
      head.writeUInt16LE(4, field + 2);
      head.writeUInt32LE(count, field + 4);
      head.writeUInt32LE(value, field + 8);
    });
    head.writeUInt32LE(page + 1 < pages ? at + directoryBytes : 0, lists - 4);
    for (let index = 0; index < tiles; index++) {
      head.writeUInt32LE(pixelsAt + index * tile * tile, lists + 4 * index);
      head.writeUInt32LE(tile * tile, lists + 4 * (tiles + index));
    }
  }
  return Buffer.concat([head, Buffer.alloc(tiles * tile * tile, 0x55)]);
}

/** A HEIC whose header is right and whose pixels nobody can decode, made of an AVIF by renaming what tells them apart. */
export function heicOf(avif: Buffer): Buffer {
  const text = avif.toString('latin1').replaceAll('avif', 'heic').replaceAll('av01', 'hvc1');
  const at = text.indexOf('av1C') - 4;
  const config = Buffer.alloc(31);
  config.writeUInt32BE(config.length);
  config.write('hvcC\x01', 4, 'latin1');
  const grown = config.length - avif.readUInt32BE(at);
  const file = Buffer.concat([
    Buffer.from(text.slice(0, at), 'latin1'),
    config,
    Buffer.from(text.slice(at + avif.readUInt32BE(at)), 'latin1'),
  ]);
  for (const box of ['meta', 'iprp', 'ipco']) {
    const size = file.indexOf(box) - 4;
    file.writeUInt32BE(file.readUInt32BE(size) + grown, size);
  }
  const pixels = Buffer.alloc(4);
  pixels.writeUInt32BE(avif.indexOf('mdat') + 4);
  const extent = file.indexOf(pixels, file.indexOf('iloc'));
  file.writeUInt32BE(file.indexOf('mdat') + 4, extent);
  return file;
}

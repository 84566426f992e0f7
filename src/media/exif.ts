const IDENTIFIER = Buffer.from('Exif\0\0', 'latin1');
const ENTRY_BYTES = 12;
/** Bytes per value of the TIFF field types 1–13. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/**
 * Whether the first directory of an EXIF block (with or without the `Exif\0\0` of JPEG) can be read: its entries
 * and the values they point at lie inside the block. What the strings hold is no matter.
 */
export function exifReadable(block: Buffer): boolean {
  const tiff = block.indexOf(IDENTIFIER) === 0 ? block.subarray(IDENTIFIER.length) : block;
  if (tiff.length < 8) return false;
  const order = tiff.toString('latin1', 0, 4);
  if (order !== 'II*\0' && order !== 'MM\0*') return false;
  const little = order === 'II*\0';
  const u16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const u32 = (at: number) => (little ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));

  const directory = u32(4);
  if (directory + 2 > tiff.length) return false;
  const entries = u16(directory);
  if (directory + 2 + entries * ENTRY_BYTES > tiff.length) return false;
  for (let index = 0; index < entries; index++) {
    const at = directory + 2 + index * ENTRY_BYTES;
    const unit = TYPE_BYTES[u16(at + 2)];
    if (unit === undefined || unit === 0) return false;
    const bytes = unit * u32(at + 4);
    if (bytes > 4 && u32(at + 8) + bytes > tiff.length) return false;
  }
  return true;
}

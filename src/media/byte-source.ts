import type { FileHandle } from 'node:fs/promises';

/** Random access to the bytes of a file that may be in memory or on disk. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `offset`, fewer than `length` only where the file ends. */
  read(offset: number, length: number): Promise<Buffer>;
}

export function bufferSource(buffer: Buffer): ByteSource {
  return {
    size: buffer.length,
    read: async (offset, length) => buffer.subarray(offset, offset + length),
  };
}

/** Bytes that one access to a file fetches, so that walking small neighbouring boxes costs few reads. */
const WINDOW = 16 * 1024;

/** Small reads of an open file; the caller keeps the handle open meanwhile and closes it. */
export async function fileSource(file: FileHandle): Promise<ByteSource> {
  const { size } = await file.stat();
  let window: Buffer = Buffer.alloc(0);
  let start = 0;
  return {
    size,
    async read(offset, length) {
      if (offset < start || offset + length > start + window.length) {
        const buffer = Buffer.allocUnsafe(Math.max(length, WINDOW));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
        window = buffer.subarray(0, bytesRead);
        start = offset;
      }
      return window.subarray(offset - start, offset - start + length);
    },
  };
}

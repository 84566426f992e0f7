import { pipeline } from 'node:stream';
import { createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';
import { errnoOf } from '../disk-errors.ts';
import { corrupt, wrongSize } from './corrupt.ts';
import type { PlacedEntry } from './entry.ts';

const CHUNK = 128 * 1024;
/** Bytes that are unpacked on this thread, in well under a millisecond: sending them to another takes longer. */
export const INFLATED_AT_ONCE = 128 * 1024;

/** Unpacks on another thread. Throws zlib's own errors, and ZIP_ENTRY_CORRUPT for bytes that are left over. */
export async function* inflate(packed: AsyncIterable<Buffer>, entry: PlacedEntry): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw({ chunkSize: CHUNK });
  // Its errors come out of the iteration.
  pipeline(packed, inflater, () => {});
  yield* inflater as AsyncIterable<Buffer>;
  checkAllUsed(inflater, entry);
}

/** `inflate` for all of a small entry at once; also throws ZIP_ENTRY_CORRUPT for more bytes than it declares. */
export function inflateSmall(packed: Buffer, entry: PlacedEntry): Buffer {
  // One byte more than declared is enough to tell that there are more.
  const options = { chunkSize: Math.max(64, entry.size + 1), maxOutputLength: entry.size + 1, info: true };
  try {
    // The types do not know what `info` changes.
    const result: unknown = inflateRawSync(packed, options);
    const { buffer, engine } = result as { buffer: Buffer; engine: InflateRaw };
    checkAllUsed(engine, entry);
    return buffer;
  } catch (error) {
    if (errnoOf(error) === 'ERR_BUFFER_TOO_LARGE') throw wrongSize(entry, entry.size + 1, 'or more');
    throw error;
  }
}

function checkAllUsed({ bytesWritten }: InflateRaw, entry: PlacedEntry): void {
  const left = entry.compressedSize - bytesWritten;
  if (left === 0) return;
  throw corrupt(entry, `has ${left} bytes after the end of its compressed data`, {
    measured: bytesWritten,
    limit: entry.compressedSize,
  });
}

import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { asError, RetryableError, SluiceError } from '../../model/errors.ts';
import type { PlacedEntry } from './archive.ts';
import { quoted } from './entry-name.ts';
import { LOCAL_HEADER_SIZE } from './extents.ts';
import { DEFLATED } from './guards.ts';
import { checkLocalHeader, corrupt, hex, localHeaderLength } from './local-header.ts';
import type { RandomAccess } from './random-access.ts';

/** Read in one piece with the header; what is longer follows as a stream. */
const FIRST_READ = 256 * 1024;
/** Local extra fields are often a little longer than those of the directory. */
const EXTRA_SLACK = 64;
const INFLATE_CHUNK = 128 * 1024;

export interface OpenEntryOptions {
  signal: AbortSignal;
  /** Sees the first bytes, up to a chunk, before anyone else; what it throws ends the stream. */
  inspect?(head: Buffer): Promise<void>;
}

/**
 * The unpacked bytes of an entry.
 *
 * The archive is held from the first read until the stream has ended or was destroyed. Size, CRC-32 and local header
 * are checked on the way: the stream never gives more bytes than the entry declares, and it ends with an error,
 * RejectedItemError ZIP_ENTRY_CORRUPT, or RetryableError INPUT_CHANGED_WHILE_READ when the archive was written to.
 */
export function openEntry(source: RandomAccess, entry: PlacedEntry, options: OpenEntryOptions): Readable {
  return Readable.from(checkedBytes(source, entry, options), {
    objectMode: false,
    highWaterMark: FIRST_READ,
    signal: options.signal,
  });
}

async function* checkedBytes(
  source: RandomAccess,
  entry: PlacedEntry,
  options: OpenEntryOptions,
): AsyncGenerator<Buffer> {
  await source.acquire();
  let delivering = false;
  try {
    let size = 0;
    let crc = 0;
    for await (const chunk of entry.method === DEFLATED ? inflated(source, entry) : packed(source, entry)) {
      if (size === 0) await options.inspect?.(chunk);
      size += chunk.length;
      if (size > entry.size) throw wrongSize(entry, `${size} bytes or more`, size);
      crc = crc32(chunk, crc);
      delivering = true;
      yield chunk;
      delivering = false;
    }
    if (size !== entry.size) throw wrongSize(entry, `${size} bytes`, size);
    if (crc !== entry.crc32) {
      throw corrupt(entry, `has the CRC ${hex(crc)}; the archive declares ${hex(entry.crc32)}`, {
        measured: hex(crc),
        limit: hex(entry.crc32),
      });
    }
  } catch (error) {
    // Thrown in by who reads us, when aborted for instance: not ours to explain.
    if (delivering) throw error;
    throw await explained(error, source, entry);
  } finally {
    await source.release();
  }
}

/** The entry's data as it lies in the archive. */
async function* packed(source: RandomAccess, entry: PlacedEntry): AsyncGenerator<Buffer> {
  const guess = LOCAL_HEADER_SIZE + entry.rawName.length + entry.extraLength + EXTRA_SLACK;
  const room = entry.limit - entry.offset;
  const first = await source.read(
    entry.offset,
    Math.min(room, guess + Math.min(entry.compressedSize, FIRST_READ)),
  );
  const length = localHeaderLength(first, entry);
  const header = length <= first.length ? first.subarray(0, length) : await source.read(entry.offset, length);
  checkLocalHeader(header, entry);
  const start = entry.offset + length;
  const end = start + entry.compressedSize;
  const data = first.subarray(length, length + entry.compressedSize);
  if (data.length > 0) yield data;
  if (start + data.length < end) yield* source.stream(start + data.length, end);
}

async function* inflated(source: RandomAccess, entry: PlacedEntry): AsyncGenerator<Buffer> {
  const inflate = createInflateRaw({ chunkSize: INFLATE_CHUNK });
  pipeline(packed(source, entry), inflate, () => {});
  yield* inflate as AsyncIterable<Buffer>;
  if (inflate.bytesWritten !== entry.compressedSize) {
    const left = entry.compressedSize - inflate.bytesWritten;
    throw corrupt(entry, `has ${left} bytes after the end of its compressed data`, {
      measured: inflate.bytesWritten,
      limit: entry.compressedSize,
    });
  }
}

const wrongSize = (entry: PlacedEntry, found: string, measured: number): SluiceError =>
  corrupt(entry, `unpacks to ${found}; the archive declares ${entry.size}`, { measured, limit: entry.size });

/** What a failure to read an entry means: a changed archive explains everything else. */
async function explained(thrown: unknown, source: RandomAccess, entry: PlacedEntry): Promise<unknown> {
  const error = asError(thrown) as NodeJS.ErrnoException;
  const known = error instanceof SluiceError;
  const broken = known ? error.code === 'ZIP_ENTRY_CORRUPT' || error.code === 'INPUT_READ_FAILED' : true;
  if (broken && (await source.changed())) {
    return new RetryableError(
      'INPUT_CHANGED_WHILE_READ',
      `${source.name} changed while ${quoted(entry.name)} was read`,
      {
        cause: error,
      },
    );
  }
  if (known) return error;
  if (error.code?.startsWith('Z_'))
    return corrupt(entry, `cannot be unpacked: ${error.message}`, { cause: error });
  return new RetryableError(
    'INPUT_READ_FAILED',
    `${quoted(entry.name)} in ${source.name}: ${error.message}`,
    {
      cause: error,
    },
  );
}

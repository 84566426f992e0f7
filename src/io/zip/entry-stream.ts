import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { asError, RetryableError, SluiceError } from '../../model/errors.ts';
import { errnoOf } from '../disk-errors.ts';
import { corrupt, hex, wrongSize } from './corrupt.ts';
import type { PlacedEntry } from './entry.ts';
import { quoted } from './entry-name.ts';
import { LOCAL_HEADER_SIZE } from './extents.ts';
import { DEFLATED } from './guards.ts';
import { INFLATED_AT_ONCE, inflate, inflateSmall } from './inflate.ts';
import { checkLocalHeader, localHeaderLength } from './local-header.ts';
import type { RandomAccess } from './random-access.ts';

/** Read in one piece with the header; what is longer follows as a stream. */
const FIRST_READ = 256 * 1024;
/** Local extra fields are often a little longer than those of the directory. */
const EXTRA_SLACK = 64;
interface Packed {
  first: Buffer;
  rest?: AsyncIterable<Buffer>;
}

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
    for await (const chunk of unpacked(source, entry)) {
      if (size === 0) await options.inspect?.(chunk);
      size += chunk.length;
      if (size > entry.size) throw wrongSize(entry, size, 'or more');
      crc = crc32(chunk, crc);
      delivering = true;
      yield chunk;
      delivering = false;
    }
    if (size !== entry.size) throw wrongSize(entry, size);
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

/** The entry's data as it lies in the archive: all that came with the header, and what is left, if anything. */
async function openPacked(source: RandomAccess, entry: PlacedEntry): Promise<Packed> {
  const guess = LOCAL_HEADER_SIZE + entry.rawName.length + entry.extraLength + EXTRA_SLACK;
  const wanted = guess + Math.min(entry.compressedSize, FIRST_READ);
  const bytes = await source.read(entry.offset, Math.min(entry.limit - entry.offset, wanted));
  const length = localHeaderLength(bytes, entry);
  const header = length <= bytes.length ? bytes.subarray(0, length) : await source.read(entry.offset, length);
  checkLocalHeader(header, entry);
  const first = bytes.subarray(length, length + entry.compressedSize);
  const start = entry.offset + length;
  const end = start + entry.compressedSize;
  return start + first.length < end ? { first, rest: source.stream(start + first.length, end) } : { first };
}

async function* unpacked(source: RandomAccess, entry: PlacedEntry): AsyncGenerator<Buffer> {
  const packed = await openPacked(source, entry);
  if (entry.method !== DEFLATED || entry.compressedSize === 0) yield* joined(packed);
  else if (packed.rest !== undefined || entry.size > INFLATED_AT_ONCE) yield* inflate(joined(packed), entry);
  else yield inflateSmall(packed.first, entry);
}

async function* joined({ first, rest }: Packed): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  if (rest !== undefined) yield* rest;
}

/** What a failure to read an entry means: a changed archive explains everything else. */
async function explained(thrown: unknown, source: RandomAccess, entry: PlacedEntry): Promise<unknown> {
  const error = asError(thrown);
  const errno = errnoOf(error);
  const name = quoted(entry.name);
  if (errno !== undefined && (await source.changed())) {
    const message = `${source.name} changed while ${name} was read`;
    return new RetryableError('INPUT_CHANGED_WHILE_READ', message, { cause: error });
  }
  if (errno === undefined || error instanceof SluiceError) return error;
  if (errno.startsWith('Z_')) return corrupt(entry, `cannot be unpacked: ${error.message}`, { cause: error });
  const message = `${name} in ${source.name}: ${error.message}`;
  return new RetryableError('INPUT_READ_FAILED', message, { cause: error });
}

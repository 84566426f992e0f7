import { type FileHandle, open, readFile } from 'node:fs/promises';
import type { Piece } from '../../formats/clarifai-proto/wire-writer.ts';
import { FatalError } from '../../model/errors.ts';
import type { MediaSource } from '../../model/export.ts';

/** Read in one piece, some at once. */
const SMALL_BYTES = 1_000_000;
const FILES_AHEAD = 16;
const BYTES_AHEAD = 8_000_000;
/** Of a larger file; a multiple of three, so that base64 needs no padding between chunks. */
const CHUNK_BYTES = 999_999;
const BASE64_STEP = 48_000;

/** A message of an entry in pieces; what is outside of it are these media. */
export interface PiecedInput {
  pieces: readonly Piece[];
  media?: MediaSource;
}

type Encoding = 'bytes' | 'base64';

/** The bytes of an entry, in order. Small files are read ahead, so that disk and CPU work at once. */
export async function* mediaChunks(
  inputs: readonly PiecedInput[],
  encoding: Encoding,
  separator: Buffer,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const ahead = new ReadAhead(inputs);
  for (const [i, { pieces, media }] of inputs.entries()) {
    signal.throwIfAborted();
    if (i > 0 && separator.length > 0) yield separator;
    for (const piece of pieces) {
      if (Buffer.isBuffer(piece)) yield piece;
      else if (encoding === 'bytes') yield* contentOf(i, media!, ahead);
      else for await (const chunk of contentOf(i, media!, ahead)) yield base64Of(chunk);
    }
  }
}

/** In steps whose text stays in the processor's cache: five times as fast as the whole at once. */
function base64Of(bytes: Buffer): Buffer {
  const encoded = Buffer.allocUnsafe(Math.ceil(bytes.length / 3) * 4);
  for (let from = 0, at = 0; from < bytes.length; from += BASE64_STEP)
    at += encoded.write(bytes.toString('base64', from, from + BASE64_STEP), at, 'latin1');
  return encoded;
}

async function* contentOf(index: number, media: MediaSource, ahead: ReadAhead): AsyncGenerator<Buffer> {
  if ('buffer' in media) yield media.buffer;
  else if (media.bytes > SMALL_BYTES) yield* largeFile(media);
  else yield checked(await ahead.take(index), media);
}

function checked(bytes: Buffer, media: { path: string; bytes: number }): Buffer {
  if (bytes.length === media.bytes) return bytes;
  throw changed(media, bytes.length);
}

const changed = ({ path, bytes }: { path: string; bytes: number }, found: number): FatalError =>
  new FatalError('STORE_CORRUPT', `${path} has ${found} bytes where ${bytes} were a moment ago`, {
    measured: found,
    limit: bytes,
  });

async function* largeFile(media: { path: string; bytes: number }): AsyncGenerator<Buffer> {
  const file = await open(media.path, 'r');
  try {
    for (let at = 0; at < media.bytes; ) {
      const chunk = await filled(file, Math.min(CHUNK_BYTES, media.bytes - at), at, media);
      at += chunk.length;
      yield chunk;
    }
  } finally {
    await file.close();
  }
}

async function filled(
  file: FileHandle,
  length: number,
  position: number,
  media: { path: string; bytes: number },
): Promise<Buffer> {
  const chunk = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(chunk, done, length - done, position + done);
    if (bytesRead === 0) throw changed(media, position + done);
    done += bytesRead;
  }
  return chunk;
}

/** Reads the small files that come next, a bounded number of files and bytes. */
class ReadAhead {
  readonly #inputs: readonly PiecedInput[];
  readonly #reading = new Map<number, Promise<Buffer>>();
  #next = 0;
  #bytes = 0;

  constructor(inputs: readonly PiecedInput[]) {
    this.#inputs = inputs;
  }

  async take(index: number): Promise<Buffer> {
    this.#start();
    const buffer = await this.#reading.get(index)!;
    this.#reading.delete(index);
    this.#bytes -= buffer.length;
    this.#start();
    return buffer;
  }

  #start(): void {
    while (
      this.#next < this.#inputs.length &&
      this.#reading.size < FILES_AHEAD &&
      this.#bytes < BYTES_AHEAD
    ) {
      const { media } = this.#inputs[this.#next]!;
      if (media !== undefined && 'path' in media && media.bytes <= SMALL_BYTES) {
        const reading = readFile(media.path);
        // Awaited in its turn; until then a failure must not count as unhandled.
        reading.catch(() => {});
        this.#reading.set(this.#next, reading);
        this.#bytes += media.bytes;
      }
      this.#next++;
    }
  }
}

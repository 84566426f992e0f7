import { open, stat } from 'node:fs/promises';
import { asError, RejectedItemError } from '../model/errors.ts';
import type { MediaSource } from '../model/export.ts';

/** Throws RejectedItemError INPUT_NOT_FOUND when a file is gone or not all there. */
export async function assertWhole({ path, bytes }: { path: string; bytes: number }): Promise<void> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw unreadable(error);
  });
  checkSize(size, bytes);
}

/** The bytes of an input as a whole. Throws RejectedItemError INPUT_NOT_FOUND when they are gone or not all there. */
export async function readMedia(source: MediaSource): Promise<Buffer> {
  if ('buffer' in source) return source.buffer;
  try {
    await using file = await open(source.path);
    const { size } = await file.stat();
    checkSize(size, source.bytes);
    return await file.readFile();
  } catch (error) {
    throw unreadable(error);
  }
}

/**
 * The bytes of an input in order, in pieces. Throws as `readMedia`, before the first piece whatever can be told then.
 */
export async function* streamMedia(source: MediaSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if ('buffer' in source) {
    yield source.buffer;
    return;
  }
  try {
    await using file = await open(source.path);
    const { size } = await file.stat();
    checkSize(size, source.bytes);
    for await (const chunk of file.createReadStream({ highWaterMark: 1_000_000, autoClose: false, signal }))
      yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable(error);
  } finally {
    await source.converted?.release();
  }
}

export const sizeOfMedia = (source: MediaSource): number =>
  'buffer' in source ? source.buffer.length : source.bytes;

function checkSize(size: number, expected: number): void {
  if (size === expected) return;
  throw new RejectedItemError('INPUT_NOT_FOUND', 'its bytes are not all there', {
    measured: size,
    limit: expected,
  });
}

function unreadable(error: unknown): RejectedItemError {
  if (error instanceof RejectedItemError) return error;
  const message = `its bytes cannot be read: ${asError(error).message}`;
  return new RejectedItemError('INPUT_NOT_FOUND', message, { cause: error });
}

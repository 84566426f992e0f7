import type { Context, Payload } from '../model/contracts.ts';
import { asError, RejectedItemError, RetryableError, SluiceError } from '../model/errors.ts';
import { errnoOf } from './disk-errors.ts';

/** What sniffing needs at most: the longest signature of a format, with room for the first lines of a text. */
export const HEAD_BYTES = 4100;

/** What becomes of an item, decided from its first bytes. */
export interface ReadDecision {
  /** In memory, or as a file that a prober can seek in and the sink can rename into the store. */
  keep: 'memory' | 'spool';
  /** The most bytes that the item may have. */
  maxBytes: number;
  /** The item must have fewer bytes than `maxBytes`. */
  exclusive?: boolean;
}

export interface ReadOptions<D extends ReadDecision> {
  ctx: Context;
  /** Folder for spooled payloads; it must exist. */
  spoolDir: string;
  /**
   * Called once, before the rest is read, with the first bytes (all of a small item) and the size where that is
   * known. What it throws ends the reading.
   */
  decide(head: Buffer, size: number | undefined): D | Promise<D>;
  /** Called with the number of bytes of each piece that was read. */
  onBytes?(bytes: number): void;
}

/** The fingerprint of the bytes that are stored, for an item that can say whether they are still the same. */
export interface Stored {
  stored: string | undefined;
}

/** Bytes that were read, and what they are. */
export interface ReadBytes {
  payload: Exclude<Payload, { unchanged: true }>;
  /** Hexadecimal, of all bytes. */
  sha256: string;
  bytes: number;
  /** The first bytes, at most `HEAD_BYTES`. */
  head: Buffer;
}

export interface ReadResult<D extends ReadDecision> extends ReadBytes {
  /** What `decide` gave. */
  decision: D;
  /** Of an item whose source told it with the bytes. */
  fingerprint?: string;
}

export function headOf(buffer: Buffer): Buffer {
  return buffer.length <= HEAD_BYTES ? buffer : buffer.subarray(0, HEAD_BYTES);
}

/** `measured` is the size where it is known, else the bytes read when the limit was passed. */
export function assertWithin(uri: string, measured: number, { maxBytes, exclusive }: ReadDecision): void {
  if (measured < maxBytes || (measured === maxBytes && !exclusive)) return;
  const limit = exclusive ? `it must have fewer than ${maxBytes}` : `it may have at most ${maxBytes}`;
  throw new RejectedItemError('INPUT_OVER_LIMIT', `${uri} has ${measured} bytes; ${limit}`, {
    measured,
    limit: maxBytes,
  });
}

/** What a failed read of an item means. Only a RetryableError is worth another attempt in the same run. */
export function readFailure(thrown: unknown, uri: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const cause = asError(thrown);
  switch (errnoOf(thrown)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new RejectedItemError('INPUT_NOT_FOUND', `${uri} does not exist`, { cause });
    case 'EACCES':
    case 'EPERM':
      return new RejectedItemError('INPUT_PERMISSION_DENIED', `${uri} may not be read`, { cause });
    case 'EISDIR':
      return new RejectedItemError('INPUT_READ_FAILED', `${uri} is a folder`, { cause });
    default:
      return new RetryableError('INPUT_READ_FAILED', `reading ${uri} failed: ${cause.message}`, { cause });
  }
}

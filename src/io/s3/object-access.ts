import { buffer } from 'node:stream/consumers';
import { RejectedItemError, RetryableError } from '../../model/errors.ts';
import type { RandomAccess } from '../zip/random-access.ts';
import { formatS3 } from './address.ts';
import { ObjectBody } from './object-body.ts';
import type { ObjectName, S3Object } from './options.ts';
import type { Requests } from './requests.ts';
import type { Segment, SegmentCache } from './segment-cache.ts';

/** The least that is asked for at once. */
const MIN_BYTES = 64 * 1024;
/** The most that is read ahead of who reads one piece after the other. */
const MAX_AHEAD = 4 * 1024 * 1024;
/** Pieces that lie so close are one request; a jump over more is none. */
const NEAR = 256 * 1024;

export interface PinnedObject extends ObjectName {
  etag: string;
  /** Bytes. */
  size: number;
}

/**
 * An object read by ranges, each pinned to the content that was listed. Who reads onward gets larger and larger pieces
 * at once; who jumps gets little more than was asked for. Pieces are kept in `cache` for a while, asked for once.
 */
export class ObjectAccess implements RandomAccess {
  readonly name: string;
  readonly size: number;
  readonly fingerprint: string;
  readonly #requests: Requests;
  readonly #object: PinnedObject;
  readonly #cache: SegmentCache;
  readonly #head: (object: ObjectName) => Promise<S3Object>;

  constructor(
    requests: Requests,
    object: PinnedObject,
    cache: SegmentCache,
    head: (object: ObjectName) => Promise<S3Object>,
  ) {
    this.name = formatS3(object);
    this.size = object.size;
    this.fingerprint = `${object.etag} ${object.size}`;
    this.#requests = requests;
    this.#object = object;
    this.#cache = cache;
    this.#head = head;
  }

  /** Nothing is held open, and every request names the content that it is for. */
  async acquire(): Promise<void> {}

  async release(): Promise<void> {}

  async read(offset: number, length: number): Promise<Buffer> {
    const end = offset + length;
    if (end > this.size)
      throw new RetryableError('INPUT_READ_FAILED', `${this.name} ends before byte ${end}`, {
        measured: this.size,
        limit: end,
      });
    if (length === 0) return Buffer.alloc(0);
    const segment =
      this.#cache.find(this, (kept) => kept.start <= offset && end <= kept.end) ?? this.#fetch(offset, end);
    const bytes = await segment.bytes;
    // A copy, for whoever keeps a small piece must not keep all that came with it.
    return Buffer.from(bytes.subarray(offset - segment.start, end - segment.start));
  }

  async *stream(start: number, end: number): AsyncGenerator<Buffer> {
    if (start < end) yield* await this.#open(start, end);
  }

  async changed(): Promise<boolean> {
    try {
      const { etag, size } = await this.#head(this.#object);
      return etag !== this.#object.etag || size !== this.size;
    } catch (error) {
      return error instanceof RejectedItemError && error.code === 'INPUT_NOT_FOUND';
    }
  }

  #fetch(offset: number, end: number): Segment {
    const last = this.#cache.find(this, (kept) => kept.start <= offset && offset <= kept.end + NEAR);
    const ahead = last === undefined ? MIN_BYTES : Math.min(MAX_AHEAD, 2 * (last.end - last.start));
    const segmentEnd = Math.min(this.size, Math.max(end, offset + ahead));
    const segment = { start: offset, end: segmentEnd, bytes: this.#readRange(offset, segmentEnd) };
    this.#cache.add(this, segment);
    return segment;
  }

  async #readRange(start: number, end: number): Promise<Buffer> {
    return buffer(await this.#open(start, end));
  }

  #open(start: number, end: number) {
    const { bucket, key, etag, size } = this.#object;
    const never = new AbortController().signal;
    return new ObjectBody(this.#requests, { bucket, key, etag, size, range: { start, end } }, never).open();
  }
}

import { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { RetryableError, type SluiceError } from '../../model/errors.ts';
import type { Backoff } from '../retry.ts';
import { formatS3 } from './address.ts';
import { askForChecksum, type Checksum, checksumOf } from './checksum.ts';
import type { ObjectName } from './options.ts';
import { changed } from './read-errors.ts';
import type { Requests, Target } from './requests.ts';

/** An object, or a part of one, and what is known of it. */
export interface Wanted extends ObjectName {
  /** Only this content is wanted; any when empty or not given. */
  etag?: string;
  /** Bytes of the whole object. */
  size?: number;
  /** Bytes from `start` up to and without `end`; all when not given. */
  range?: { start: number; end: number };
}

/** After so many bytes without a break, the attempts are counted anew: a long body may break more often than a short one. */
const STEADY_BYTES = 16 * 1024 * 1024;

/**
 * One object being transferred, pinned to the content that its first answer had. A body that breaks or stalls goes on
 * from its offset.
 */
export class ObjectBody {
  readonly #requests: Requests;
  readonly #wanted: Wanted;
  readonly #target: Target;
  readonly #shown: string;
  readonly #sources: readonly AbortSignal[];
  readonly #abort = new AbortController();
  readonly #signal = this.#abort.signal;
  #backoff: Backoff;
  /** Where the attempts are counted anew. */
  #steadyAt = Number.POSITIVE_INFINITY;
  #etag: string | undefined;
  /** Where the bytes end that are to come; known after the first answer. */
  #end: number | undefined;
  /** Of the next byte. */
  #at: number;
  #checksum: Checksum | undefined;
  #body: Readable | undefined;
  #chunks: AsyncIterator<Buffer> | undefined;

  constructor(requests: Requests, wanted: Wanted, signal: AbortSignal) {
    this.#requests = requests;
    this.#wanted = wanted;
    const { bucket, key, range, etag } = wanted;
    this.#target = { operation: 'GetObject', bucket, key };
    this.#shown = formatS3({ bucket, key });
    this.#sources = [signal, requests.closed];
    this.#backoff = requests.backoff(this.#signal);
    this.#etag = etag === '' ? undefined : etag;
    this.#at = range?.start ?? 0;
    this.#end = range?.end;
  }

  /** Resolves when the bytes are about to come. Throws what the object's outcome is to be, or the signal's reason. */
  async open(): Promise<Readable> {
    for (const source of this.#sources) {
      source.throwIfAborted();
      source.addEventListener('abort', this.#onAbort, { once: true });
    }
    try {
      await this.#connect();
    } catch (error) {
      this.#close();
      throw error;
    }
    const stream = new Readable({
      read: () => {
        this.#next().then(
          (chunk) => stream.push(chunk),
          (error: Error) => stream.destroy(error),
        );
      },
      destroy: (error, done) => {
        this.#close();
        done(error);
      },
    });
    const onAbort = () => stream.destroy(this.#signal.reason);
    this.#signal.addEventListener('abort', onAbort, { once: true });
    return stream;
  }

  readonly #onAbort = (event: Event): void => this.#abort.abort((event.target as AbortSignal).reason);

  /** Ends the transfer, wherever it is. */
  #close(): void {
    for (const source of this.#sources) source.removeEventListener('abort', this.#onAbort);
    // A connection whose answer was read to its end stays open for others.
    if (this.#at === this.#end && this.#body?.readableEnded) return;
    this.#abort.abort();
    this.#body?.destroy();
  }

  async #next(): Promise<Buffer | null> {
    for (;;) {
      let failure: SluiceError;
      try {
        const chunk = await this.#chunk();
        if (chunk !== undefined) return this.#take(chunk);
        if (this.#at !== this.#end) throw this.#failed(`${this.#at} bytes of ${this.#end} came`);
        break;
      } catch (error) {
        this.#signal.throwIfAborted();
        failure = await this.#requests.failure(error, this.#target);
      }
      await this.#connect(failure);
    }
    this.#verify();
    return null;
  }

  /** Makes attempts until one succeeds; `failure` is that of the attempt before. */
  async #connect(failure?: SluiceError): Promise<void> {
    this.#body?.destroy();
    this.#steadyAt = this.#at + STEADY_BYTES;
    for (let last: unknown = failure; ; ) {
      if (last !== undefined) await this.#backoff.after(last);
      try {
        return await this.#attempt();
      } catch (error) {
        this.#signal.throwIfAborted();
        last = error;
      }
    }
  }

  async #attempt(): Promise<void> {
    const { bucket, key } = this.#wanted;
    const whole = this.#at === 0 && this.#wanted.range === undefined;
    const last = this.#end === undefined ? '' : this.#end - 1;
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(this.#etag === undefined ? {} : { IfMatch: this.#etag }),
      ...(whole ? {} : { Range: `bytes=${this.#at}-${last}` }),
      ...(this.#requests.requesterPays ? { RequestPayer: 'requester' } : {}),
    });
    if (whole) askForChecksum(command);
    const answer = await this.#requests.once(this.#target, this.#signal, (client) =>
      client.send(command, { abortSignal: this.#signal }),
    );
    const body = answer.Body as Readable;
    // Errors of a body that nobody reads any more.
    body.on('error', () => {});
    try {
      this.#accept(answer, whole);
    } catch (error) {
      body.destroy();
      throw error;
    }
    this.#body = body;
    this.#chunks = body[Symbol.asyncIterator]();
  }

  #accept(answer: GetObjectCommandOutput, whole: boolean): void {
    const { ETag, ContentLength, ContentRange } = answer;
    if (this.#etag !== undefined && ETag !== undefined && ETag !== this.#etag)
      throw changed(this.#shown, { measured: ETag, limit: this.#etag });
    this.#etag ??= ETag;
    if (!whole && Number(/^bytes (\d+)-/.exec(ContentRange ?? '')?.[1]) !== this.#at)
      throw this.#failed(`the server does not answer with the bytes from ${this.#at} on`);
    if (ContentLength === undefined) throw this.#failed('the server does not say how many bytes there are');
    const end = this.#at + ContentLength;
    const expected = this.#end ?? this.#wanted.size ?? end;
    if (end !== expected) throw changed(this.#shown, { measured: end, limit: expected });
    this.#end = end;
    if (whole) this.#checksum = checksumOf(answer);
  }

  /** The next bytes of the answer, undefined at its end. */
  async #chunk(): Promise<Buffer | undefined> {
    const { stallTimeoutMs } = this.#requests;
    const stalled = setTimeout(() => {
      this.#body?.destroy(this.#failed(`stalled: no byte within ${stallTimeoutMs / 1000} s`));
    }, stallTimeoutMs);
    try {
      const next = await this.#chunks?.next();
      return next === undefined || next.done ? undefined : next.value;
    } finally {
      clearTimeout(stalled);
    }
  }

  #take(chunk: Buffer): Buffer {
    this.#at += chunk.length;
    this.#checksum?.update(chunk);
    if (this.#at >= this.#steadyAt) {
      this.#backoff = this.#requests.backoff(this.#signal);
      this.#steadyAt = Number.POSITIVE_INFINITY;
    }
    return chunk;
  }

  /** Of bytes that were handed on already, so that only who reads them can read again. */
  #verify(): void {
    if (this.#checksum === undefined) return;
    const { name, expected } = this.#checksum;
    const found = this.#checksum.digest();
    if (found === expected) return;
    const message = `${this.#shown}: what came has the ${name} ${found}, the server has ${expected} for it`;
    throw new RetryableError('INPUT_READ_FAILED', message, { measured: found, limit: expected });
  }

  #failed(why: string): RetryableError {
    return new RetryableError('INPUT_READ_FAILED', `${this.#shown}: ${why}`);
  }
}

import { Readable } from 'node:stream';
import { RejectedItemError, RetryableError, type SluiceError } from '../model/errors.ts';
import {
  discard,
  type HttpResponse,
  networkFailure,
  type RequestLimits,
  requestUrl,
} from './http-request.ts';
import { statusFailure } from './http-status.ts';
import { conditionOf, fingerprintOf, isSamePlace } from './http-validator.ts';
import { redactUrl } from './redact.ts';
import { Backoff, type RetryOptions } from './retry.ts';

export interface DownloadOptions extends RequestLimits, RetryOptions {
  maxBytes: number;
  /** Fingerprint of the content that is known already. */
  stored?: string | undefined;
}

/** What the first good answer says about the content. */
interface Answer {
  /** Bytes on the wire. */
  size: number | undefined;
  etag: string | undefined;
  contentType: string | undefined;
  /** Content-Encoding, when it is not identity. */
  encoding: string | undefined;
  /** Proves for If-Range that the content is the same: a strong ETag or a date. */
  validator: string | undefined;
  /** Tells another time whether the content is still the same. */
  fingerprint: string | undefined;
  finalUrl: string;
}

/** One URL being transferred: survives broken connections by asking for the rest. */
export class Download {
  readonly #url: string;
  readonly #shown: string;
  readonly #options: DownloadOptions;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  #answer: Answer | undefined;
  #chunks: AsyncIterator<Buffer> | undefined;
  /** Bytes handed on. */
  #received = 0;
  /** Of the content that is known already, while the server may be asked about it. */
  #stored: string | undefined;

  constructor(url: string, options: DownloadOptions) {
    this.#url = url;
    this.#shown = redactUrl(url);
    this.#options = options;
    this.#stored = options.stored;
    // With our own signal: who closes the download does not wait for the next attempt either.
    this.#backoff = new Backoff({ ...options, signal: this.#abort.signal });
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Resolves when the content is about to come, or, having ended, when it is what `stored` says. */
  async open(): Promise<Answer | 'unchanged'> {
    try {
      const answer = await this.#connect();
      if (answer === 'unchanged') this.close();
      return answer;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The content as it is on the wire. */
  stream(): Readable {
    const stream = new Readable({
      read: () => {
        this.#next().then(
          (chunk) => stream.push(chunk),
          (error: Error) => stream.destroy(error),
        );
      },
      destroy: (error, done) => {
        this.close();
        done(error);
      },
    });
    this.#abort.signal.addEventListener('abort', () => stream.destroy(this.#abort.signal.reason), {
      once: true,
    });
    return stream;
  }

  /** Ends the transfer, wherever it is. */
  close(): void {
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#abort.abort();
  }

  readonly #onAbort = (): void => this.#abort.abort(this.#options.signal.reason);

  async #next(): Promise<Buffer | null> {
    for (;;) {
      let failure: SluiceError;
      try {
        const next = await this.#chunks?.next();
        if (next !== undefined && !next.done) return this.#count(next.value);
        this.#assertComplete();
        return null;
      } catch (error) {
        this.#abort.signal.throwIfAborted();
        failure = networkFailure(error, this.#shown, this.#options);
      }
      await this.#connect(failure);
    }
  }

  /** Makes attempts until one succeeds; `failure` is that of the attempt before. */
  async #connect(failure?: SluiceError): Promise<Answer | 'unchanged'> {
    for (let last = failure; ; ) {
      if (last !== undefined) {
        this.#assertResumable(last);
        await this.#backoff.after(last);
      }
      try {
        return await this.#attempt();
      } catch (error) {
        this.#abort.signal.throwIfAborted();
        last = networkFailure(error, this.#shown, this.#options);
      }
    }
  }

  async #attempt(): Promise<Answer | 'unchanged'> {
    const validator = this.#answer?.validator;
    const resuming = this.#received > 0 && validator !== undefined;
    const range = resuming ? { range: `bytes=${this.#received}-`, 'if-range': validator } : undefined;
    // Once some of the content was promised, its rest is wanted whatever it is.
    const known = this.#answer === undefined ? this.#stored : undefined;
    const condition = known === undefined ? undefined : conditionOf(known);
    const headers = { ...range, ...condition };
    const response = await requestUrl(this.#url, headers, this.#options, this.#abort.signal);
    if (condition !== undefined && response.statusCode === 304) {
      discard(response);
      if (isSamePlace(known!, this.#url, response.url)) return 'unchanged';
      this.#stored = undefined;
      return this.#attempt();
    }
    try {
      const { statusCode, headers } = response;
      const expected = resuming ? [200, 206] : [200, 203];
      if (!expected.includes(statusCode)) {
        throw statusFailure(statusCode, headers, this.#shown, this.#options.clock.now());
      }
      if (resuming) this.#assertContinues(response);
      else this.#accept(readAnswer(response, this.#url));
    } catch (error) {
      discard(response);
      throw error;
    }
    this.#chunks = response.body[Symbol.asyncIterator]();
    return this.#answer as Answer;
  }

  #accept(answer: Answer): void {
    const { size = 0 } = answer;
    this.assertWithin(size);
    if (
      this.#answer !== undefined &&
      (this.#answer.size !== answer.size || this.#answer.etag !== answer.etag)
    ) {
      throw new RejectedItemError(
        'URL_FETCH_FAILED',
        `${this.#shown}: the content changed between two attempts`,
      );
    }
    this.#answer = answer;
  }

  /** After a resume, the answer must go on where the last one broke off. */
  #assertContinues({ statusCode, headers }: HttpResponse): void {
    const begin = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
    if (statusCode === 206 && Number(begin) === this.#received) return;
    throw this.#notResumable('the server starts again from the beginning, or the content changed');
  }

  #assertResumable(failure: SluiceError): void {
    if (!(failure instanceof RetryableError)) return;
    if (this.#received === 0 || this.#answer?.validator !== undefined) return;
    throw this.#notResumable(`the server gives neither ETag nor Last-Modified (${failure.message})`, failure);
  }

  #notResumable(why: string, cause?: SluiceError): RejectedItemError {
    const message = `${this.#shown}: broke off after ${this.#received} bytes and cannot be resumed: ${why}`;
    return new RejectedItemError('URL_FETCH_FAILED', message, { cause });
  }

  #count(chunk: Buffer): Buffer {
    this.#received += chunk.length;
    this.assertWithin(this.#received);
    return chunk;
  }

  /** `measured` is the announced size, or the bytes so far. */
  assertWithin(measured: number): void {
    const limit = this.#options.maxBytes;
    if (measured <= limit) return;
    throw new RejectedItemError(
      'INPUT_OVER_LIMIT',
      `${this.#shown}: ${measured} bytes, the limit is ${limit}`,
      {
        measured,
        limit,
      },
    );
  }

  #assertComplete(): void {
    const size = this.#answer?.size;
    if (size === undefined || this.#received === size) return;
    throw new RetryableError('URL_FETCH_FAILED', `${this.#shown}: ${this.#received} bytes of ${size} came`, {
      measured: this.#received,
      limit: size,
    });
  }
}

function readAnswer(response: HttpResponse, asked: string): Answer {
  const { headers, url } = response;
  const length = headers['content-length'];
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  const etag = headers['etag'];
  return {
    size: length === undefined ? undefined : Number(length),
    etag,
    contentType: headers['content-type'],
    encoding: encoding === '' || encoding === 'identity' ? undefined : encoding,
    validator: etag === undefined || etag.startsWith('W/') ? headers['last-modified'] : etag,
    fingerprint: fingerprintOf(asked, response),
    finalUrl: redactUrl(url.href),
  };
}

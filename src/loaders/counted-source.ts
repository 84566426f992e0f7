import type { Readable } from 'node:stream';
import { RetryableError } from '../model/errors.ts';

/**
 * A stream whose beginning can be looked at before it is read, and whose bytes are counted. Reading one that
 * has other than `expected` bytes throws at its end, so that nobody takes what is cut off for the end.
 */
export class CountedSource implements AsyncIterable<Buffer> {
  /** Bytes that the stream gave so far. */
  bytes = 0;
  /** Whether the stream has ended. */
  ended = false;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #held: Buffer[] = [];
  readonly #expected: number | undefined;

  constructor(stream: Readable, expected?: number) {
    this.#expected = expected;
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The first bytes, at least `wanted` unless the stream is shorter. Reading gives them again. */
  async peek(wanted: number): Promise<Buffer> {
    while (this.bytes < wanted) {
      const chunk = await this.#next();
      if (chunk === undefined) break;
      this.#held.push(chunk);
    }
    return Buffer.concat(this.#held);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    yield* this.#held.splice(0);
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) yield chunk;
    if (this.#expected !== undefined && this.bytes !== this.#expected) {
      const message = `it had ${this.#expected} bytes when it was opened`;
      throw new RetryableError('INPUT_CHANGED_WHILE_READ', message);
    }
  }

  async #next(): Promise<Buffer | undefined> {
    const next = await this.#chunks.next();
    if (next.done) {
      this.ended = true;
      return undefined;
    }
    this.bytes += next.value.length;
    return next.value;
  }
}

import type { Readable } from 'node:stream';

/** A stream whose beginning can be looked at before it is read, and whose bytes are counted. */
export class CountedSource implements AsyncIterable<Buffer> {
  /** Bytes that the stream gave so far. */
  bytes = 0;
  /** Whether the stream has ended. */
  ended = false;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #held: Buffer[] = [];

  constructor(stream: Readable) {
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

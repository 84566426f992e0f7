import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Fetched, SourceItem } from '../model/contracts.ts';
import { FatalError, RetryableError } from '../model/errors.ts';
import {
  assertWithin,
  HEAD_BYTES,
  headOf,
  type ReadDecision,
  type ReadOptions,
  type ReadResult,
  readFailure,
  type Stored,
} from './read-contract.ts';
import { Spool } from './spool.ts';

/** `readOnce` for an item whose bytes come as a stream. */
export async function readStreamOnce<D extends ReadDecision>(
  item: SourceItem,
  options: ReadOptions<D> & Partial<Stored>,
): Promise<ReadResult<D> | 'unchanged'> {
  const { signal } = options.ctx;
  const fetched = await openStream(item, signal, options.stored);
  if (fetched === 'unchanged') return fetched;
  const { stream, fingerprint } = fetched;
  const abort = () => stream.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const read = await new StreamReading(pieces(stream, item, options), item, options).run();
    return fingerprint === undefined ? read : { ...read, fingerprint };
  } finally {
    signal.removeEventListener('abort', abort);
    stream.destroy();
  }
}

class StreamReading<D extends ReadDecision> {
  readonly #pieces: AsyncGenerator<Buffer>;
  readonly #item: SourceItem;
  readonly #options: ReadOptions<D>;
  readonly #digest: Hash = createHash('sha256');
  #bytes = 0;

  constructor(pieces: AsyncGenerator<Buffer>, item: SourceItem, options: ReadOptions<D>) {
    this.#pieces = pieces;
    this.#item = item;
    this.#options = options;
  }

  async run(): Promise<ReadResult<D>> {
    const { size } = this.#item;
    const { first, ended } = await this.#readHead();
    const head = headOf(first);
    const decision = await this.#options.decide(head, size ?? (ended ? first.length : undefined));
    assertWithin(this.#item.uri, size ?? 0, decision);
    assertWithin(this.#item.uri, first.length, decision);
    if (decision.keep === 'memory') {
      const parts: Buffer[] = [];
      await this.#drain(first, decision, async (piece) => void parts.push(piece));
      const buffer = parts.length === 1 ? first : Buffer.concat(parts, this.#bytes);
      return { payload: { buffer }, ...this.#measured(), head, decision };
    }
    await using spool = await Spool.create(this.#options.spoolDir);
    await this.#drain(first, decision, (piece) => spool.write(piece));
    return { payload: { spool: spool.keep() }, ...this.#measured(), head, decision };
  }

  async #readHead(): Promise<{ first: Buffer; ended: boolean }> {
    const parts: Buffer[] = [];
    let bytes = 0;
    while (bytes < HEAD_BYTES) {
      const next = await this.#pieces.next();
      if (next.done) return { first: joined(parts), ended: true };
      parts.push(next.value);
      bytes += next.value.length;
    }
    return { first: joined(parts), ended: false };
  }

  async #drain(first: Buffer, decision: ReadDecision, take: (piece: Buffer) => Promise<void>): Promise<void> {
    for (let piece: Buffer | undefined = first; piece !== undefined; ) {
      this.#bytes += piece.length;
      assertWithin(this.#item.uri, this.#bytes, decision);
      const taken = take(piece);
      this.#digest.update(piece);
      await taken;
      const next: IteratorResult<Buffer, void> = await this.#pieces.next();
      piece = next.done ? undefined : next.value;
    }
    const { size = this.#bytes, uri } = this.#item;
    if (this.#bytes !== size) {
      throw new RetryableError(
        'INPUT_READ_FAILED',
        `${uri} ended after ${this.#bytes} bytes, its source declares ${size}`,
        { measured: this.#bytes, limit: size },
      );
    }
  }

  #measured(): { bytes: number; sha256: string } {
    return { bytes: this.#bytes, sha256: this.#digest.digest('hex') };
  }
}

async function openStream(item: SourceItem, signal: AbortSignal, stored?: string): Promise<Fetched> {
  try {
    if (item.fetch !== undefined) return await item.fetch(signal, stored);
    if (item.open !== undefined) return { stream: await item.open(signal) };
  } catch (error) {
    signal.throwIfAborted();
    throw readFailure(error, item.uri);
  }
  throw new FatalError('INTERNAL', `${item.uri} has none of text, file, open and fetch`);
}

/** The stream's chunks; its errors become ours. */
async function* pieces<D extends ReadDecision>(
  stream: Readable,
  item: SourceItem,
  { ctx: { signal }, onBytes }: ReadOptions<D>,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) {
      signal.throwIfAborted();
      onBytes?.(chunk.length);
      yield chunk;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw readFailure(error, item.uri);
  }
  signal.throwIfAborted();
}

const joined = (parts: Buffer[]): Buffer =>
  parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);

import { createHash, hash } from 'node:crypto';
import { type BigIntStats, closeSync, constants, fstatSync, open, read } from 'node:fs';
import { promisify } from 'node:util';
import type { SourceItem } from '../model/contracts.ts';
import { RejectedItemError, RetryableError } from '../model/errors.ts';
import { statFingerprint } from './fingerprint.ts';
import {
  assertWithin,
  headOf,
  type ReadDecision,
  type ReadOptions,
  type ReadResult,
  readFailure,
} from './read-contract.ts';
import { Spool } from './spool.ts';

/** Files up to this size are read in one call before anything is decided. */
const WHOLE = 1024 * 1024;
/** Size of the first read of a larger file, and of each further one. */
const FIRST = 64 * 1024;
const PIECE = 1024 * 1024;
/** A FIFO must not block the open; the flag does not exist on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

// Bare descriptors: on small files, FileHandle costs a quarter more time than the same calls without it. Of an open
// file, what fstat and close do is done in a microsecond; handing them to a thread and back costs fifty times that.
const openFile = promisify(open);
/** Reads on from where the last read ended. */
const readOn = (fd: number, into: Buffer, offset: number) =>
  new Promise<number>((resolve, reject) => {
    read(fd, into, offset, into.length - offset, null, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });

/** `readOnce` for a local regular file. */
export async function readFileOnce<D extends ReadDecision>(
  item: SourceItem,
  path: string | Buffer,
  options: ReadOptions<D>,
): Promise<ReadResult<D>> {
  const fd = await openFile(path, OPEN_FLAGS).catch((error: unknown) => {
    throw readFailure(error, item.uri);
  });
  try {
    return await new FileReading(fd, item, options).run();
  } finally {
    closeSync(fd);
  }
}

class FileReading<D extends ReadDecision> {
  readonly #fd: number;
  readonly #item: SourceItem;
  readonly #options: ReadOptions<D>;

  constructor(fd: number, item: SourceItem, options: ReadOptions<D>) {
    this.#fd = fd;
    this.#item = item;
    this.#options = options;
  }

  async run(): Promise<ReadResult<D>> {
    const { size, fingerprint } = this.#stat();
    const { fingerprint: listed = fingerprint } = this.#item;
    if (listed !== fingerprint)
      throw this.#changed(`size-mtime was ${listed} when listed, is ${fingerprint}`);
    const first = Buffer.allocUnsafe(size <= WHOLE ? size : FIRST);
    await this.#fill(first, 0);
    const head = headOf(first);
    const decision = await this.#options.decide(head, size);
    assertWithin(this.#item.uri, size, decision);
    if (decision.keep === 'memory') {
      const { buffer, sha256 } = await this.#intoMemory(first, size);
      this.#assertUnchanged(fingerprint);
      return { payload: { buffer }, sha256, bytes: size, head, decision };
    }
    await using spool = await Spool.create(this.#options.spoolDir);
    const sha256 = await this.#intoSpool(spool, first, size);
    this.#assertUnchanged(fingerprint);
    return { payload: { spool: spool.keep() }, sha256, bytes: size, head, decision };
  }

  async #intoMemory(first: Buffer, size: number): Promise<{ buffer: Buffer; sha256: string }> {
    if (first.length === size) return { buffer: first, sha256: hash('sha256', first, 'hex') };
    const buffer = Buffer.allocUnsafe(size);
    first.copy(buffer);
    const digest = createHash('sha256').update(first);
    for (let at = first.length; at < size; at += PIECE) {
      const piece = buffer.subarray(at, at + PIECE);
      await this.#fill(piece, at);
      digest.update(piece);
    }
    return { buffer, sha256: digest.digest('hex') };
  }

  async #intoSpool(spool: Spool, first: Buffer, size: number): Promise<string> {
    const digest = createHash('sha256');
    const space = Buffer.allocUnsafe(Math.min(PIECE, size - first.length));
    let piece = first;
    for (let at = 0; ; ) {
      // The write runs while this thread hashes.
      const written = spool.write(piece);
      digest.update(piece);
      await written;
      at += piece.length;
      if (at === size) return digest.digest('hex');
      piece = space.subarray(0, size - at);
      await this.#fill(piece, at);
    }
  }

  /** Fills `piece` with the bytes from `at` on. */
  async #fill(piece: Buffer, at: number): Promise<void> {
    this.#options.ctx.signal.throwIfAborted();
    for (let filled = 0; filled < piece.length; ) {
      const count = await readOn(this.#fd, piece, filled).catch((error: unknown) => {
        throw readFailure(error, this.#item.uri);
      });
      if (count === 0) throw this.#changed(`it ended after ${at + filled} bytes`);
      filled += count;
    }
    if (piece.length > 0) this.#options.onBytes?.(piece.length);
  }

  #assertUnchanged(before: string): void {
    const { fingerprint: after } = this.#stat();
    if (after !== before) throw this.#changed(`size-mtime went from ${before} to ${after}`);
  }

  #stat(): { size: number; fingerprint: string } {
    let stat: BigIntStats;
    try {
      stat = fstatSync(this.#fd, { bigint: true });
    } catch (error) {
      throw readFailure(error, this.#item.uri);
    }
    if (!stat.isFile()) {
      const what = stat.isDirectory() ? 'a folder' : 'a FIFO, socket or device';
      throw new RejectedItemError('INPUT_READ_FAILED', `${this.#item.uri} is ${what}, not a regular file`);
    }
    return { size: Number(stat.size), fingerprint: statFingerprint(stat) };
  }

  #changed(how: string): RetryableError {
    return new RetryableError('INPUT_CHANGED_WHILE_READ', `${this.#item.uri} changed: ${how}`);
  }
}

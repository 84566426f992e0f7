import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { statFingerprint } from '../io/fingerprint.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import type { Context, Listed, ListingProof } from '../model/contracts.ts';
import { asError, FatalError } from '../model/errors.ts';
import { type ListLine, listLines } from './lines.ts';

/** A local file each of whose lines is an entry of a listing, as it was when it was opened. */
export class LineFile {
  readonly path: string;
  /** Of the file; lines are `<uri>#L<line>`. */
  readonly uri: string;
  readonly #size: number;
  readonly #fingerprint: string;
  #stream: ReadStream | undefined;

  private constructor(path: string, size: number, fingerprint: string) {
    this.path = path;
    this.uri = rawUri(toRaw(basename(path)));
    this.#size = size;
    this.#fingerprint = fingerprint;
  }

  /** `path` is absolute. Throws FatalError SOURCE_NOT_FOUND, or SOURCE_UNRECOGNISED for what is no regular file. */
  static async open(path: string): Promise<LineFile> {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    const stats = await stat(path, { bigint: true }).catch((error: unknown) => {
      throw new FatalError('SOURCE_NOT_FOUND', `${path} cannot be opened: ${asError(error).message}`, {
        cause: error,
      });
    });
    if (!stats.isFile()) throw new FatalError('SOURCE_UNRECOGNISED', `${path} is not a regular file`);
    return new LineFile(path, Number(stats.size), statFingerprint(stats));
  }

  async fingerprint(): Promise<string> {
    return statFingerprint(await stat(this.path, { bigint: true }));
  }

  progress(): { done: number; total: number } {
    return { done: this.#stream?.bytesRead ?? 0, total: this.#size };
  }

  /** As `listLines`; the lines of a file that was changed meanwhile are not all. */
  async *list(
    listLine: ListLine,
    maxLineBytes: number,
    ctx: Context,
  ): AsyncGenerator<Listed, ListingProof, void> {
    const input = {
      uri: this.uri,
      size: this.#size,
      open: async () => {
        this.#stream = createReadStream(this.path, { highWaterMark: 256 * 1024 });
        return this.#stream;
      },
    };
    const proof = yield* listLines(input, listLine, maxLineBytes, ctx);
    if (!proof.complete || (await this.fingerprint()) === this.#fingerprint) return proof;
    return { complete: false, reason: `${this.uri} was changed while it was read` };
  }
}

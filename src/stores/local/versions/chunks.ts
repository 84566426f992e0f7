import { hash } from 'node:crypto';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import PQueue from 'p-queue';
import { joinPlace } from '../../../io/place.ts';
import { asError, FatalError } from '../../../model/errors.ts';
import type { StorePaths } from '../layout.ts';
import type { Cut } from './cutter.ts';
import type { VersionLine } from './line.ts';

/** Chunks that are compressed and written at once; each one holds a few megabytes. */
const WRITES = 4;
export const CHUNK_EXTENSION = '.jsonl.gz';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A chunk as manifests name it. */
export interface ChunkRef {
  /** Of the JSON Lines, not of the file: what a compressor makes of them may differ from one release to the next. */
  sha256: string;
  rows: number;
  /** Id of its last row. */
  last: string;
}

export const chunksFolder = (versions: string): string => joinPlace(versions, 'chunks');

export const chunkPath = (versions: string, sha256: string): string =>
  joinPlace(chunksFolder(versions), sha256.slice(0, 2), `${sha256}${CHUNK_EXTENSION}`);

/** Writes chunks that are not there yet. For the holder of the store's lock. */
export class ChunkWriter {
  readonly #paths: StorePaths;
  readonly #queue = new PQueue({ concurrency: WRITES });
  readonly #refs: ChunkRef[] = [];
  #failure: unknown;

  constructor(paths: StorePaths) {
    this.#paths = paths;
  }

  /** Waits while too many are on their way. Throws what an earlier one failed with. */
  async add({ text, rows, last }: Cut): Promise<void> {
    const data = Buffer.from(text);
    const sha256 = hash('sha256', data);
    this.#refs.push({ sha256, rows, last });
    this.#queue
      .add(() => this.#write(chunkPath(this.#paths.versions, sha256), data))
      .catch((error: unknown) => {
        this.#failure ??= error;
      });
    await this.#queue.onSizeLessThan(1);
    this.#throwFailure();
  }

  /** Every chunk, in order, when all of them are durable. */
  async finish(): Promise<ChunkRef[]> {
    await this.settle();
    this.#throwFailure();
    const { files, versions } = this.#paths;
    await files.makeFolders([chunksFolder(versions)]);
    // Also of those that were there: a process may have been killed before it synced their names.
    await files.sync(this.#refs.map(({ sha256 }) => dirname(chunkPath(versions, sha256))));
    await files.sync([chunksFolder(versions), versions]);
    return this.#refs;
  }

  /** Waits until nothing is being written any more. */
  settle(): Promise<void> {
    return this.#queue.onIdle();
  }

  async #write(path: string, data: Buffer): Promise<void> {
    const { files } = this.#paths;
    if (this.#failure !== undefined || (await files.sizeOf(path)) !== undefined) return;
    await files.write(path, await compress(data));
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Why a chunk cannot be used. */
export type ChunkProblem = { problem: 'missing' } | { problem: 'content'; measured: string };

/** The JSON Lines of a chunk, whose hash is checked. */
export async function chunkText(
  { files, versions }: StorePaths,
  sha256: string,
): Promise<Buffer | ChunkProblem> {
  const file = await files.read(chunkPath(versions, sha256));
  if (file === undefined) return { problem: 'missing' };
  try {
    const text = await decompress(file);
    const measured = hash('sha256', text);
    return measured === sha256 ? text : { problem: 'content', measured };
  } catch (error) {
    return { problem: 'content', measured: asError(error).message };
  }
}

/** Throws FatalError STORE_CORRUPT when the chunk is gone or not what it was. */
export async function readChunk(paths: StorePaths, sha256: string): Promise<VersionLine[]> {
  const text = await chunkText(paths, sha256);
  if (Buffer.isBuffer(text)) return linesOf(text);
  const path = chunkPath(paths.versions, sha256);
  const what = text.problem === 'missing' ? 'is gone' : `is not what was written (${text.measured})`;
  throw new FatalError('STORE_CORRUPT', `the chunk ${path} of a dataset version ${what}`);
}

export const linesOf = (text: Buffer): VersionLine[] =>
  text
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as VersionLine);

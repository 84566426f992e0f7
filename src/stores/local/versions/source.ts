import type { DatasetVersion } from '../../../model/dataset.ts';
import { RejectedItemError } from '../../../model/errors.ts';
import type { ExportSource, MediaSource } from '../../../model/export.ts';
import type { Input } from '../../../model/input.ts';
import { blobPath } from '../blobs.ts';
import { sizeOf } from '../durability.ts';
import { compareUtf8 } from '../id-order.ts';
import { readFailure } from '../lance.ts';
import type { StorePaths } from '../layout.ts';
import type { EmbeddingReader, InputEmbedding } from '../vectors/embeddings.ts';
import { VersionVectors } from '../vectors/version-vectors.ts';
import { readChunk } from './chunks.ts';
import { holdsBytes, inputOf, sourceOf, type VersionLine } from './line.ts';
import type { Manifest } from './manifest.ts';

/** Reads a version out of its chunks and blobs; what happens to the store meanwhile makes no difference. */
export class VersionSource implements ExportSource {
  readonly #paths: StorePaths;
  readonly #manifest: Manifest;
  readonly #vectors: VersionVectors;

  constructor(paths: StorePaths, manifest: Manifest, embeddings: EmbeddingReader) {
    this.#paths = paths;
    this.#manifest = manifest;
    this.#vectors = new VersionVectors(embeddings);
  }

  get version(): DatasetVersion {
    return this.#manifest.version;
  }

  get concepts(): Manifest['concepts'] {
    return this.#manifest.concepts;
  }

  /** Holds two chunks at most: the next one is read while this one is consumed. Throws FatalError STORE_CORRUPT. */
  async *inputs({ after }: { after?: string } = {}): AsyncGenerator<Input> {
    const { dataset } = this.version;
    const isPast = (id: string) => after === undefined || compareUtf8(id, after) > 0;
    const chunks = this.#manifest.chunks.filter(({ last }) => isPast(last));
    let next: Promise<Settled> | undefined;
    for (const [i, { sha256 }] of chunks.entries()) {
      const settled = await (next ?? this.#read(sha256));
      next = i + 1 < chunks.length ? this.#read(chunks[i + 1]!.sha256) : undefined;
      if ('error' in settled) throw readFailure(settled.error, this.#paths.root);
      const inputs = settled.lines.filter(({ id }) => isPast(id)).map((line) => inputOf(line, dataset));
      this.#vectors.expect(inputs);
      yield* inputs;
    }
  }

  /** Those of the index, where the input there is still the one of the version. */
  async embeddings(input: Input): Promise<InputEmbedding[]> {
    try {
      return await this.#vectors.of(input);
    } catch (error) {
      throw readFailure(error, this.#paths.root);
    }
  }

  async media(input: Input): Promise<MediaSource> {
    if (holdsBytes(input)) return { buffer: Buffer.from(input.text!) };
    const source = sourceOf(input);
    const path = source ?? blobPath(this.#paths.blobs, input.sha256);
    const local = source ?? (await this.#paths.files.localCopy(path));
    const bytes = local === undefined ? undefined : await sizeOf(local);
    if (local !== undefined && bytes === input.bytes) return { path: local, bytes };
    const what = source === undefined ? 'the blob of' : 'the file that the store refers to for';
    const why = bytes === undefined ? 'is gone' : `has ${bytes} bytes instead of ${input.bytes}`;
    throw new RejectedItemError('INPUT_NOT_FOUND', `${what} input ${input.id} ${why}: ${path}`, {
      ...(bytes === undefined ? {} : { measured: bytes, limit: input.bytes }),
    });
  }

  /** Never rejects, so that nobody need wait for a chunk that is read ahead. */
  #read(sha256: string): Promise<Settled> {
    return readChunk(this.#paths, sha256).then(
      (lines) => ({ lines }),
      (error: unknown) => ({ error }),
    );
  }
}

type Settled = { lines: VersionLine[] } | { error: unknown };

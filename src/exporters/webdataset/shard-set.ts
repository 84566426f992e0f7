import { join } from 'node:path';
import { z } from 'zod';
import { entryBytes, TarFile } from './tar-file.ts';

export interface ShardLimits {
  bytes: number;
  samples: number;
}

/** A file of a sample; `pieces` are its bytes. */
export interface SampleFile {
  name: string;
  size: number;
  pieces: AsyncIterable<Uint8Array>;
}

export const shardStateShape = z.strictObject({
  /** Number of the open shard, from 0. */
  shard: z.int().min(0),
  samples: z.int().min(0),
  /** In bytes. */
  size: z.int().min(0),
});
export type ShardState = z.infer<typeof shardStateShape>;

/** The shards of one split: `train-000000.tar` and so on. */
export class ShardSet {
  readonly #folder: string;
  readonly #split: string;
  readonly #limits: ShardLimits;
  #shard: number;
  #samples: number;
  #tar: TarFile;

  private constructor(
    folder: string,
    split: string,
    limits: ShardLimits,
    { shard, samples }: ShardState,
    tar: TarFile,
  ) {
    this.#folder = folder;
    this.#split = split;
    this.#limits = limits;
    this.#shard = shard;
    this.#samples = samples;
    this.#tar = tar;
  }

  static async open(
    folder: string,
    split: string,
    limits: ShardLimits,
    state: ShardState = { shard: 0, samples: 0, size: 0 },
  ): Promise<ShardSet> {
    const tar = await TarFile.open(join(folder, shardName(split, state.shard)), state.size);
    return new ShardSet(folder, split, limits, state, tar);
  }

  get state(): ShardState {
    return { shard: this.#shard, samples: this.#samples, size: this.#tar.size };
  }

  /** Whether the open shard takes a sample of these files; an empty one takes any. */
  fits(files: readonly SampleFile[]): boolean {
    const size = files.reduce((sum, file) => sum + entryBytes(file.size), this.#tar.size);
    return this.#samples === 0 || (this.#samples < this.#limits.samples && size <= this.#limits.bytes);
  }

  /** Completes the open shard and begins the next one. */
  async turn(): Promise<void> {
    await this.#tar.finish();
    this.#shard++;
    this.#samples = 0;
    this.#tar = await TarFile.open(join(this.#folder, shardName(this.#split, this.#shard)));
  }

  /** A sample whose first file cannot be read is not there at all; that error is thrown. */
  async add(files: readonly SampleFile[]): Promise<void> {
    for (const { name, size, pieces } of files) await this.#tar.add(name, size, pieces);
    this.#samples++;
  }

  sync(): Promise<void> {
    return this.#tar.sync();
  }

  finish(): Promise<void> {
    return this.#tar.finish();
  }

  abandon(): Promise<void> {
    return this.#tar.abandon();
  }
}

const shardName = (split: string, shard: number): string => `${split}-${String(shard).padStart(6, '0')}.tar`;

import type { EmbedItem, Role } from '../../model/embedding.ts';

/** Row-major. */
export interface Tensor {
  type: 'uint8' | 'int64' | 'float32';
  dims: readonly number[];
  data: Uint8Array | BigInt64Array | Float32Array;
}

/** Tensors by the names of a graph's inputs or outputs. */
export type Feeds = Record<string, Tensor>;

/** How items become the inputs of a graph. `P`: an item that is prepared. */
export interface Preparation<P> {
  /** Decodes, resizes, tokenises. Throws RejectedItemError EMBED_UNREADABLE for this item alone. */
  prepare(item: EmbedItem, role: Role, signal: AbortSignal): P | Promise<P>;
  /** One call's inputs; the arrays are handed over to the session's thread. */
  collate(items: readonly P[]): Feeds;
  /** Name of the output, [rows, dimensions]. */
  readonly output: string;
  /** Rows that an item takes, whose mean is its vector; 1 unless given. */
  rows?(item: P): number;
  /** Of the padded dimension: items of similar length are computed together. */
  length?(item: P): number;
  /** What it takes in memory until its turn, where that can be much; nothing unless given. */
  bytes?(item: P): number;
  /** Something of usual size, to warm up and measure with. */
  sample(): P;
  close?(): Promise<void>;
}

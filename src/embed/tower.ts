import type { Context } from '../model/contracts.ts';
import type { Device, DeviceReport, Dtype, EmbedItem, Modality, Role } from '../model/embedding.ts';
import type { SluiceError } from '../model/errors.ts';

export interface EngineOptions {
  /** Tried in this order; the first that works is taken. */
  devices: readonly Device[];
  /** CPU cores to use; all that this process may use unless given. */
  cores?: number;
  /** Items for one call of a session, instead of measuring which number is best. */
  deviceBatch?: number;
  /** Where converted graphs and measurements are kept. */
  cacheDir: string;
}

/** One side of a model, not loaded yet: a graph, how items are made into its inputs, and what comes out. */
export interface Tower {
  readonly modality: Modality;
  /** As users name it. */
  readonly model: string;
  /** SPDX name, where it is known. */
  readonly licence?: string;
  readonly dtype: Dtype;
  readonly dimensions: number;
  /** Whether its vectors are made to length 1; the embedder does it. */
  readonly normalised: boolean;
  /** Absolute paths of the files whose bytes decide its vectors. */
  readonly files: readonly string[];
  /** Of all towers whose vectors can be compared with these; its own where it stands alone. */
  readonly spaceFiles: readonly string[];
  /** All that changes a vector beside the weights, as JSON: sizes, kernels, means, pooling, limits, revisions of recipes. */
  readonly preprocessing: Readonly<Record<string, unknown>>;
  readonly prompts?: { readonly document?: string; readonly query?: string };
  /** Throws FatalError MODEL_INVALID, DEVICE_UNAVAILABLE. */
  open(options: EngineOptions, ctx: Context): Promise<OpenTower>;
}

/** A tower that is loaded. */
export interface OpenTower {
  readonly device: DeviceReport;
  /**
   * One result for each item, in order: its vector as the graph gives it, or why it has none. Throws FatalError
   * ENGINE_LOST, or the signal's reason.
   */
  embed(
    items: readonly EmbedItem[],
    role: Role,
    signal: AbortSignal,
  ): Promise<(Float32Array | SluiceError)[]>;
  close(): Promise<void>;
}

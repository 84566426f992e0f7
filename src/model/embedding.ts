import type { Box } from './annotation.ts';
import type { SluiceError } from './errors.ts';

/** What a model takes. Frames of a video are images. */
export const MODALITIES = ['text', 'image', 'audio'] as const;
export type Modality = (typeof MODALITIES)[number];

/** What is embedded is kept (`document`) or looked for (`query`); some models put another prompt before each. */
export type Role = 'document' | 'query';

/** Of the weights, as Hugging Face names the files of a model: `model.onnx`, `model_fp16.onnx`, `model_int8.onnx` … */
export const DTYPES = ['fp32', 'fp16', 'int8', 'uint8', 'q8'] as const;
export type Dtype = (typeof DTYPES)[number];

export const DEVICES = ['cuda', 'webgpu', 'cpu'] as const;
export type Device = (typeof DEVICES)[number];

/** What was asked for and what was got, which is never silent. */
export interface DeviceReport {
  asked: Device[];
  /** Those before the one that was got, and why each could not be had. */
  tried: { device: Device; error: string }[];
  got: Device;
  /** Sessions, each on a thread of its own. */
  sessions: number;
  /** Threads of one session. */
  threads: number;
  /** Items that one call of a session computes; not the items of a request. */
  deviceBatch: number;
}

/** How a model is named and varied: on the command line `folder?dtype=int8`, in a workflow an object. */
export interface ModelRef {
  /** `default`, a folder in the Hugging Face layout, or a hub id. */
  model: string;
  dtype?: Dtype;
  /** How the vectors of tokens become one, where the folder does not say it. */
  pooling?: 'mean' | 'cls' | 'last' | 'none';
  /** Texts are cut after so many tokens, special ones included; the model's own limit unless given. */
  maxTokens?: number;
  documentPrompt?: string;
  queryPrompt?: string;
}

/** Encoded bytes, as they are in a file. */
export type Encoded = Buffer | { path: string };

/** Red, green and blue, a byte each, row by row from the top, without padding. */
export interface RawPixels {
  data: Uint8Array;
  width: number;
  height: number;
}

/** One thing to be embedded. `box` (of the oriented image, normalised): only that part of it. */
export type EmbedItem =
  | { text: string }
  | { image: Encoded; box?: Box }
  | { pixels: RawPixels }
  | { audio: Encoded };

/** What a vector is known by. Equal fingerprints: equal inputs give equal vectors, within the accuracy of a device. */
export interface EmbedderInfo {
  /** As the user named it. */
  model: string;
  engine: 'onnx';
  modality: Modality;
  dimensions: number;
  /** Of length 1. */
  normalised: boolean;
  dtype: Dtype;
  /** Of model, weights, preprocessing, dtype, normalisation and document prompt; 16 characters. */
  fingerprint: string;
  /** Vectors of one space can be compared: the towers of a CLIP share one; 16 characters. */
  space: string;
}

/** A model that is ready. */
export interface Embedder {
  readonly info: EmbedderInfo;
  readonly device: DeviceReport;
  /**
   * At most 128 items. One result for each, in order: its vector, or why it has none (RejectedItemError for what can
   * never be embedded, RetryableError otherwise). Throws FatalError ENGINE_LOST when there is no device left.
   */
  embed(
    items: readonly EmbedItem[],
    role: Role,
    signal: AbortSignal,
  ): Promise<(Float32Array | SluiceError)[]>;
  close(): Promise<void>;
}

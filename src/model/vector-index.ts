import type { Box } from './annotation.ts';
import type { Code } from './codes.ts';
import type { Kind } from './kind.ts';

/** A whole input, one frame of a video, or one region of an image. */
export const VECTOR_PARTS = ['whole', 'frame', 'region'] as const;
export type VectorPart = (typeof VECTOR_PARTS)[number];

/** A vector of an input under one model. */
export interface VectorRow {
  inputId: string;
  /** Of what was embedded (`contentKey`): a row whose input has another one by now is stale, and no hit. */
  content: string;
  part: VectorPart;
  /** Of a frame. */
  timeMs?: number;
  /** Of a region. */
  annotationId?: string;
  box?: Box;
  vector: Float32Array;
}

/** An input that could not be embedded under a model. */
export interface VectorFailure {
  inputId: string;
  content: string;
  code: Code;
  message: string;
}

/**
 * The one writer of an index. A model is named by its fingerprint; all vectors of an input under a model are written in
 * one commit, so that the row of its whole proves that the others are there.
 */
export interface IndexWriter {
  /** Whether the input is embedded as it is now. */
  has(fingerprint: string, inputId: string, content: string): boolean;
  /** Whether any input with this content is. */
  hasContent(fingerprint: string, content: string): boolean;
  /** Gives inputs the vectors of others with equal content; answers how many each one got, of those that did. */
  copy(
    fingerprint: string,
    inputs: readonly { inputId: string; content: string }[],
  ): Promise<Map<string, number>>;
  /** Durable when it resolves; appends of a moment are one commit. Forgets earlier failures of these inputs. */
  append(fingerprint: string, rows: readonly VectorRow[]): Promise<void>;
  fail(fingerprint: string, failures: readonly VectorFailure[]): Promise<void>;
  /** Commits what waits. */
  flush(): Promise<void>;
  /**
   * Removes the rows of inputs that are gone or have other content now; `isCurrent` is asked of each input that has
   * rows, with the content they are of. Gives how many rows went.
   */
  removeStale(isCurrent: (inputId: string, content: string) => boolean): Promise<number>;
  close(): Promise<void>;
}

/** How far an index is, for one of its models. */
export interface ModelCoverage {
  fingerprint: string;
  kind: Kind;
  /** Inputs of the kind. */
  inputs: number;
  indexed: number;
  /** Of those that are not indexed: tried, and failed. */
  failed: number;
}

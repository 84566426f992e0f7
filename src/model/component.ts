import type { z } from 'zod';
import type { LabelSource, Loader } from './contracts.ts';

/** What is known of a source before a loader is chosen. */
export interface SourceProbe {
  /** As the user gave it. */
  source: string;
  isDirectory: boolean;
  /** The first bytes of a file, up to 4 kB; empty for a directory. */
  head: Buffer;
}

/** A loader as its folder's table holds it: one spec feeds help, lint, JSON Schema and the docs page. */
export interface LoaderComponent<Options> {
  readonly name: string;
  readonly summary: string;
  /** A command line that works on the project's own examples, where those have such a source. */
  readonly example: string;
  /** Every field carries `.describe()`; unknown fields are errors. */
  readonly options: z.ZodType<Options>;
  /** Why this loader fits, as a phrase to show; undefined when it does not. */
  detect(probe: SourceProbe): string | undefined;
  /**
   * `stores` are folders that are never listed, wherever they lie: a store inside its own source. Throws FatalError
   * SOURCE_NOT_FOUND when the source cannot be opened; the signal's reason.
   */
  open(source: string, options: Options, stores?: readonly string[], signal?: AbortSignal): Promise<Loader>;
}

/** A label source as its folder's table holds it. */
export interface LabelComponent<Options> {
  readonly name: string;
  readonly summary: string;
  /** A pipeline file's `annotate` entry that works on the project's own examples. */
  readonly example: string;
  readonly options: z.ZodType<Options>;
  /**
   * `base`: the folder of the source (of a file, the one it lies in), which relative paths in the options start from.
   * `hasFolder`: whether the files in it are items of the source; they are unless it is false.
   */
  create(base: string, options: Options, source?: { hasFolder: boolean }): LabelSource;
}

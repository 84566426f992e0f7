import type { z } from 'zod';
import type { ConceptDefinition } from './annotation.ts';
import type { Context } from './contracts.ts';
import type { DatasetVersion } from './dataset.ts';
import type { Input } from './input.ts';
import type { Kind } from './kind.ts';
import type { Outcome, Repair } from './outcome.ts';

/** Where the bytes of an input are. */
export type MediaSource = ({ path: string; bytes: number } | { buffer: Buffer }) & { converted?: Converted };

/** Of media that were converted on request: what takes the place of the input's own facts. */
export interface Converted {
  sha256: string;
  bytes: number;
  repair: Repair;
  /** Removes what was made for it; whoever has read the bytes calls it. */
  release(): Promise<void>;
}

/** A version as exporters read it. */
export interface ExportSource {
  readonly version: DatasetVersion;
  /** In the order in which they were first declared. */
  readonly concepts: readonly ConceptDefinition[];
  /** In the order of their ids (of their UTF-8), each with the annotations of the version. */
  inputs(options?: { after?: string }): AsyncIterable<Input>;
  /** Throws RejectedItemError INPUT_NOT_FOUND when the bytes are gone; nothing else stops for it. */
  media(input: Input): Promise<MediaSource>;
  /** Vectors of an input, when they were asked for and the store has them. */
  embeddings?(input: Input): Promise<{ model: string; part: string; vector: Float32Array }[]>;
}

/** Where an exporter writes, and what it remembers so that it can go on after a kill. */
export interface ExportTarget {
  /** A file, or a folder that is there: under a name of its own until the export is complete and renamed. */
  readonly path: string;
  /** What `save` was last given, when an earlier attempt at the same export was cut off. */
  readonly checkpoint: unknown;
  /** Makes the checkpoint durable; all that it refers to must be synced before. */
  save(checkpoint: unknown): Promise<void>;
}

/** What a format cannot carry: a line of its loss table in the docs. */
export interface Loss {
  /** Stable, for the report: `frames`, `negative-concepts`. */
  id: string;
  what: string;
  /** What becomes of it: left out, or carried in another way. */
  instead: string;
}

/** What was left out of the inputs that were exported, by the id of the loss. */
export type LossCounts = Record<string, number>;

/** What an export knows when it is complete. */
export interface ExportResult {
  /** Files that were written, relative to the folder; of a file export the file's own name. Sorted. */
  files: { path: string; bytes: number }[];
  losses: LossCounts;
  /** Annotations that are in the files, and those that were left out under a loss. */
  annotations: { written: number; leftOut: number };
}

/**
 * An export format. One outcome is yielded for each input, with its annotations, in order: `ok` EXPORTED, `skipped` EXPORT_UNSUPPORTED where
 * the format cannot carry its kind, `failed` INPUT_NOT_FOUND where its bytes are gone. Only FatalError leaves the iterator.
 * The same version and options give the same bytes.
 */
export interface ExporterComponent<Options> {
  readonly name: string;
  readonly summary: string;
  /** A command line that works on the project's own examples. */
  readonly example: string;
  readonly options: z.ZodType<Options>;
  /** Whether `--out` is a file or a folder. */
  readonly writes: 'file' | 'folder';
  /** Usual extension of the file. */
  readonly extension?: string;
  readonly kinds: readonly Kind[];
  readonly losses: readonly Loss[];
  /** Bytes that the export will take, for `--dry-run` and for the check of free space. */
  estimate(version: DatasetVersion, options: Options): number;
  write(
    source: ExportSource,
    target: ExportTarget,
    options: Options,
    ctx: Context,
  ): AsyncGenerator<Outcome, ExportResult, void>;
}

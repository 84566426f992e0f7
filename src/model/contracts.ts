import type { Readable } from 'node:stream';
import type { Annotation, AnnotationEntry, AnnotationProblem, ConceptDefinition } from './annotation.ts';
import type { MediaInfo } from './input.ts';
import type { Kind } from './kind.ts';
import type { Concept, Geo, Metadata } from './labels.ts';
import type { Outcome, Repair } from './outcome.ts';

/** A pino-compatible logger; library code never prints. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Handed in, so that tests own the time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What every component is handed; none of it is read from globals. */
export interface Context {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Where programs such as ffmpeg are looked for, as in PATH; only packaged ones are found without it. */
  readonly searchPath?: string;
}

/** What a source says about an item beside its bytes. */
export interface ItemLabels {
  concepts?: Concept[];
  metadata?: Metadata;
  geo?: Geo;
  split?: string;
  annotations?: AnnotationEntry[];
  /** Size in pixels of the image that the regions were drawn on, as the labels state it. */
  labelledSize?: { width: number; height: number };
}

/** Labels that were found for an item and are read only when it is its turn. */
export interface PendingLabels {
  /** How many annotations there will be; they are accounted for also when the item is rejected before. */
  readonly annotations: number;
  /** Throws what the item's outcome is to be, or FatalError. */
  load(ctx: Context): Promise<ItemLabels>;
}

/** Labels that lie beside a source, such as a COCO file or a folder of masks; joined to its items by their uri. */
export interface LabelSource {
  /** One sentence for the user. */
  readonly describes: string;
  /** Reads what must be known before the first item. Throws FatalError LABELS_UNREADABLE or SOURCE_NOT_FOUND. */
  open(ctx: Context): Promise<void>;
  /** In their declared order; complete once `open` resolved. */
  readonly concepts: readonly ConceptDefinition[];
  /** Whether a file of the source, by its uri, is labels and no item. */
  owns(uri: string): boolean;
  /** The labels of an item, if any, which are thereby taken. Called once for each item, in listing order. */
  match(item: SourceItem): PendingLabels | undefined | Promise<PendingLabels | undefined>;
  /** After the last item: an outcome for whatever was not taken and was labels for something. */
  unmatched(ctx: Context): AsyncIterable<Outcome>;
  close(): Promise<void>;
}

/**
 * One item of a source, before anything was read.
 *
 * Exactly one of `open`, `fetch`, `text` and `file` gives the bytes: `text` for what is in memory already (a CSV
 * cell), `file` for a local regular file, `open` and `fetch` for everything that must be streamed. An image may have a
 * `text` as well.
 */
export interface SourceItem extends ItemLabels {
  id: string;
  /** Whether the user gave the id; given ids are checked against the profile's rules. */
  idGiven?: boolean;
  /** What the source claims; the content decides. A CSV column `image.url` claims `image`. */
  kind?: Kind;
  uri: string;
  /** Bytes, as the source declares them. */
  size?: number;
  /** Changes when the content may have changed: size and mtime, or an ETag. */
  fingerprint?: string;
  text?: string;
  /** Absolute path; a Buffer where the name is not valid UTF-8. */
  file?: string | Buffer;
  open?(signal: AbortSignal): Promise<Readable>;
  /**
   * As `open`, where only the answer tells the fingerprint. Given the fingerprint of the stored bytes, it may answer
   * that they are still the same.
   */
  fetch?(signal: AbortSignal, stored?: string): Promise<Fetched>;
  /** Set for what was given as a URL: the platform's limits for URLs apply. */
  url?: string;
  /** Last name component, for the extension check. */
  fileName?: string;
  /** Of label sources, in the order of the pipeline; what the item itself brings comes first. */
  pending?: PendingLabels[];
}

/** Whether an item's bytes are its text, and not those of an image that has a text as well. */
export const isTextOnly = ({ text, file, open, fetch }: SourceItem): boolean =>
  text !== undefined && file === undefined && open === undefined && fetch === undefined;

export type Fetched = { stream: Readable; fingerprint?: string } | 'unchanged';

/** An entry of a listing: an item, or an outcome of what cannot become one. */
export type Listed = SourceItem | Outcome;

export const isOutcome = (listed: Listed): listed is Outcome => 'outcome' in listed;

/** How a loader ends: with the proof that it saw its whole source, or with what is missing. */
export type ListingProof = { complete: true; evidence: string } | { complete: false; reason: string };

/** A source being listed. Bad entries are outcomes; only `FatalError` leaves the iterator. */
export interface Loader {
  /** One sentence for the user: what was detected. */
  readonly describes: string;
  /** Identifies the state of a single-file source; undefined where items carry their own. */
  fingerprint(): Promise<string | undefined>;
  list(ctx: Context): AsyncGenerator<Listed, ListingProof, void>;
  /** How far the listing is, in bytes or entries of the source; `total` once it is known. For the ETA. */
  progress?(): { done: number; total?: number };
  /**
   * Of a source that is always listed in the same order: a place in it before which everything was yielded, and what
   * was yielded last need not be. undefined at the beginning.
   */
  position?(): string | undefined;
  /** The next listing begins at a place that `position` gave, perhaps to another process. */
  startAt?(position: string): void;
  /** Lets go of what the source and its items hold open. */
  close?(): Promise<void>;
}

/** Bytes that were read once: in memory, in a spooled file that the sink may rename away, or none (unchanged). */
export type Payload = { buffer: Buffer } | { spool: string } | { unchanged: true };

/** An item that passed validation. */
export interface ReadyItem {
  item: SourceItem;
  kind: Kind;
  sha256: string;
  bytes: number;
  media: MediaInfo;
  payload: Payload;
  /** The item's fingerprint, told apart from those of other sources; what `existing` gives back. */
  fingerprint?: string;
  /** Checked, normalised, in the oriented image; absent when no source said anything of annotations. */
  annotations?: Annotation[];
  /** Annotations that cannot be used. */
  problems?: AnnotationProblem[];
  /** What was changed so that the item fits the limits. */
  repair?: Repair;
  /** Of a part of an item that was divided: what makes one outcome of those of all parts. */
  group?: { settle(part: ReadyItem, outcome: Outcome): Outcome | undefined };
  /** Size of the item inside a serialised request, in bytes; annotations travel in requests of their own. */
  wireBytes: number;
  warnings?: Outcome['warnings'];
  /** Gives the payload's memory back; the sink calls it once the bytes are safe, the runner calls it at the end. */
  release(): void;
  /** Of a spooled payload: removes the file if the sink did not take it. The runner calls it after the result. */
  discard?(): void;
}

/** What a sink knows about an id that it holds. */
export interface ExistingInput {
  sha256: string;
  kind: Kind;
  bytes: number;
  media: MediaInfo;
  uri: string;
  fingerprint?: string;
  /** The run that wrote the row last, and with which code. */
  runId: string;
  runCode: 'INPUT_SUCCESS' | 'INPUT_UPDATED';
}

/** A sink's answer for one item. */
export type SinkResult = Pick<Outcome, 'code' | 'message' | 'measured' | 'limit' | 'retryable'> & {
  /** The id it was stored under, when a suffix was added. */
  inputId?: string;
};

/** Where batches go. One writer at a time. */
export interface Sink {
  readonly name: string;
  /** Batches in flight at once. */
  readonly concurrency: number;
  /** Requests a second, where the service has such a limit. */
  readonly requestsPerSecond?: number;
  /** Folder on the sink's own file system for payloads that must be files. */
  readonly spoolDir: string;
  existing(ids: readonly string[]): Promise<Map<string, ExistingInput>>;
  /** One result per item, in the order of the batch, given only once the item is durable. */
  write(batch: readonly ReadyItem[]): Promise<SinkResult[]>;
  /** Remembers how label sources declare concepts, in their order; what is known already stays where it is. */
  defineConcepts?(concepts: readonly ConceptDefinition[]): Promise<void>;
  /** Commits whatever waits to be grouped. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

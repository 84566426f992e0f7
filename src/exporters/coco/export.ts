import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFailure } from '../../io/disk-errors.ts';
import { KeyTable } from '../../io/key-table.ts';
import type { Context } from '../../model/contracts.ts';
import { FatalError, RejectedItemError } from '../../model/errors.ts';
import type { Converted, ExportResult, ExportSource, ExportTarget } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { ClassMap } from '../class-map.ts';
import { convertedOutcome, failedOutcome, inputOutcome } from '../input-outcome.ts';
import { copyMedia, isCopied, mediaName, safeName } from '../media-copy.ts';
import { categoriesOf, headOf } from './document.ts';
import { type Counters, Labeller } from './image-labels.ts';
import { fileOf, ListFiles, type SplitState } from './list-files.ts';
import { Tally } from './losses.ts';
import type { Segmentation } from './outline.ts';
import type { Size } from './pixels.ts';
import { SourceNumbers } from './source-numbers.ts';

/** Copies at once. */
const AT_ONCE = 8;
const SAVE_EVERY_MS = 5000;
const NO_SPLIT = 'default';

export interface CocoExportOptions {
  keepSource: boolean;
  media: 'files' | 'none';
  segmentation: Segmentation;
  unlabelled?: string | undefined;
}

/** What an export that was cut off goes on from. */
interface Checkpoint {
  /** Of the classes: others would give other numbers. */
  digest: string;
  assembled: boolean;
  /** The last input that is done. */
  after: string | undefined;
  counters: Counters;
  splits: SplitState[];
  losses: ExportResult['losses'];
  annotations: ExportResult['annotations'];
}

/** An input whose bytes are being copied. */
interface Job {
  input: Input;
  size: Size | undefined;
  split: string;
  fileName: string;
  /** Was done by an earlier attempt. */
  isDone: boolean;
  copied: Promise<Copied>;
}

interface Copied {
  /** Why the bytes are not there. */
  failure?: RejectedItemError;
  converted?: Converted | undefined;
}

/**
 * One export. An attempt that goes on after a kill reads the version from its beginning: names follow from those given
 * before, and media that a power cut took are copied again.
 */
export class CocoExport {
  readonly #source: ExportSource;
  readonly #target: ExportTarget;
  readonly #options: CocoExportOptions;
  readonly #ctx: Context;
  readonly #classes: ClassMap;
  readonly #earlier: Checkpoint | undefined;
  readonly #lists: ListFiles;
  readonly #tally: Tally;
  readonly #annotations: ExportResult['annotations'];
  readonly #names = new KeyTable({ values: false });
  readonly #splits = new Map<string, string>();
  readonly #folders = new Map<string, Promise<unknown>>();
  readonly #media: ExportResult['files'] = [];
  #after: string | undefined;
  #savedAt: number;

  constructor(
    source: ExportSource,
    target: ExportTarget,
    options: CocoExportOptions,
    classes: ClassMap,
    ctx: Context,
  ) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#classes = classes;
    this.#ctx = ctx;
    const earlier = target.checkpoint as Checkpoint | undefined;
    if (earlier !== undefined && earlier.digest !== classes.digest) {
      const message = 'the class map changed since the export began; restore it, or begin the export anew';
      throw new FatalError('CONFIG_INVALID', message);
    }
    this.#earlier = earlier;
    this.#after = earlier?.after;
    this.#tally = new Tally(earlier?.losses);
    this.#annotations = { ...(earlier?.annotations ?? { written: 0, leftOut: 0 }) };
    const head = headOf(source.version, categoriesOf(classes));
    this.#lists = new ListFiles(join(target.path, 'annotations'), head, earlier?.splits);
    this.#savedAt = ctx.clock.now();
  }

  async *run(): AsyncGenerator<Outcome, ExportResult, void> {
    try {
      const labeller = await this.#labeller();
      yield* this.#inputs(labeller);
      if (this.#earlier?.assembled !== true) {
        if (this.#lists.states.length === 0) await this.#lists.declare(NO_SPLIT);
        // Datumaro looks for them even where no media are to be read.
        for (const { split } of this.#lists.states) await this.#folder(split);
        await this.#lists.assemble(this.#ctx.signal);
        await this.#save(labeller, true);
      }
      await this.#lists.removeParts();
    } finally {
      await this.#lists.close();
    }
    await this.#classes.save();
    return { files: this.#files(), losses: this.#tally.counts, annotations: this.#annotations };
  }

  async #labeller(): Promise<Labeller> {
    const hasNumbers =
      this.#options.keepSource && this.#source.concepts.some((c) => c.sourceId !== undefined);
    const { signal } = this.#ctx;
    const numbers = hasNumbers
      ? await SourceNumbers.of(this.#source, (input) => this.#splitOf(input), signal)
      : undefined;
    const first = { image: numbers?.nextImage ?? 1, annotation: numbers?.nextAnnotation ?? 1 };
    return new Labeller(this.#classes, this.#options, numbers, this.#earlier?.counters ?? first);
  }

  async *#inputs(labeller: Labeller): AsyncGenerator<Outcome, void, void> {
    const jobs: Job[] = [];
    let isDone = this.#earlier?.after !== undefined;
    try {
      for await (const input of this.#source.inputs()) {
        this.#ctx.signal.throwIfAborted();
        jobs.push(this.#begin(input, isDone));
        if (input.id === this.#earlier?.after) isDone = false;
        if (jobs.length > AT_ONCE) yield* this.#finish(jobs.shift()!, labeller);
      }
      while (jobs.length > 0) yield* this.#finish(jobs.shift()!, labeller);
    } finally {
      await Promise.allSettled(jobs.map(({ copied }) => copied));
    }
  }

  #begin(input: Input, isDone: boolean): Job {
    const size = sizeOf(input);
    if (size === undefined)
      return { input, size, split: '', fileName: '', isDone, copied: Promise.resolve({}) };
    const split = this.#splitOf(input);
    const fileName = mediaName(input, this.#names, split);
    const copied =
      this.#options.media === 'files' ? this.#copy(input, split, fileName, isDone) : Promise.resolve({});
    // It is waited for in its turn.
    copied.catch(() => {});
    return { input, size, split, fileName, isDone, copied };
  }

  async #copy(input: Input, split: string, fileName: string, isDone: boolean): Promise<Copied> {
    const to = join(await this.#folder(split), fileName);
    try {
      if (isDone && (await isCopied(to, input.bytes))) return {};
      const media = await this.#source.media(input);
      await copyMedia(media, to);
      return { converted: media.converted };
    } catch (error) {
      if (error instanceof RejectedItemError) return { failure: error };
      throw error;
    }
  }

  async *#finish(job: Job, labeller: Labeller): AsyncGenerator<Outcome, void, void> {
    const { input, size, split, fileName, isDone } = job;
    const { failure, converted } = await job.copied;
    if (size !== undefined && failure === undefined && this.#options.media === 'files')
      this.#media.push({ path: `images/${split}/${fileName}`, bytes: converted?.bytes ?? input.bytes });
    if (isDone) return;
    if (size === undefined) yield unsupported(input);
    else if (failure !== undefined) yield failedOutcome(input, failure);
    else {
      const { image, objects, written, leftOut } = labeller.label(input, size, split, fileName, this.#tally);
      await this.#lists.add(split, image, objects);
      this.#annotations.written += written;
      this.#annotations.leftOut += leftOut;
      const outcome = inputOutcome(input, 'EXPORTED');
      yield converted === undefined ? outcome : convertedOutcome(outcome, converted);
    }
    this.#after = input.id;
    if (this.#ctx.clock.now() - this.#savedAt >= SAVE_EVERY_MS) await this.#save(labeller, false);
  }

  async #save(labeller: Labeller, assembled: boolean): Promise<void> {
    await this.#lists.sync();
    const checkpoint: Checkpoint = {
      digest: this.#classes.digest,
      assembled,
      after: this.#after,
      counters: { ...labeller.counters },
      splits: this.#lists.states,
      losses: { ...this.#tally.counts },
      annotations: { ...this.#annotations },
    };
    await this.#target.save(checkpoint);
    this.#savedAt = this.#ctx.clock.now();
  }

  /** The name that a split has in paths. */
  #splitOf({ split = NO_SPLIT }: Input): string {
    let name = this.#splits.get(split);
    if (name === undefined) {
      name = safeName(split, this.#names);
      this.#splits.set(split, name);
    }
    return name;
  }

  async #folder(split: string): Promise<string> {
    const path = join(this.#target.path, 'images', split);
    let made = this.#folders.get(split);
    if (made === undefined) {
      made = mkdir(path, { recursive: true }).catch((error: unknown) => {
        throw writeFailure(error, path);
      });
      this.#folders.set(split, made);
    }
    await made;
    return path;
  }

  #files(): ExportResult['files'] {
    const lists = this.#lists.states.map(({ split, annotations }) => ({
      path: `annotations/${fileOf(split)}`,
      bytes: annotations.bytes,
    }));
    return [...lists, ...this.#media].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}

/** Undefined for what COCO has no place for. */
function sizeOf({ kind, media: { width, height } }: Input): Size | undefined {
  return kind === 'image' && width !== undefined && height !== undefined ? { width, height } : undefined;
}

const unsupported = (input: Input): Outcome =>
  inputOutcome(input, 'EXPORT_UNSUPPORTED', {
    message:
      input.kind === 'image'
        ? 'the size of the image is not known'
        : `coco has images only, and this is ${input.kind === 'audio' ? 'an audio' : `a ${input.kind}`}`,
  });

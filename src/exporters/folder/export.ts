import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { KeyTable } from '../../io/key-table.ts';
import type { Context } from '../../model/contracts.ts';
import { RejectedItemError } from '../../model/errors.ts';
import type { Converted, ExportResult, ExportSource, ExportTarget } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import type { Kind } from '../../model/kind.ts';
import type { Outcome } from '../../model/outcome.ts';
import { ahead } from '../ahead.ts';
import { convertedOutcome, failedOutcome, inputOutcome } from '../input-outcome.ts';
import { copyMedia, isCopied, mediaName } from '../media-copy.ts';
import { Tally, tallyShape } from '../tally.ts';
import { ColumnSurvey, type FolderColumns } from './columns.ts';
import { FOLDER_KINDS, folderLayout } from './layout.ts';
import { LOSSES } from './losses.ts';
import { METADATA_NAME, MetadataFiles } from './metadata-files.ts';
import { metadataLine } from './metadata-line.ts';

/** Copies at once. */
const AT_ONCE = 8;
const SAVE_EVERY_MS = 2000;

/** The last input that is done, and what of the metadata files says so, in bytes. */
const checkpointShape = z.strictObject({
  after: z.string(),
  sizes: z.record(z.string(), z.number()),
  tally: tallyShape,
});
type Checkpoint = z.infer<typeof checkpointShape>;

/** An input whose bytes were copied. */
interface Copied {
  input: Input;
  folder: string;
  fileName: string;
  /** Was done by an earlier attempt. */
  isDone: boolean;
  /** Why the bytes are not there. */
  failure: RejectedItemError | undefined;
  converted: Converted | undefined;
}

/**
 * One export. It reads the version twice, for the columns of the metadata files must be known before their first line.
 * An attempt that goes on after a kill gives all names anew, which follow from those before, and copies media that a
 * power cut took.
 */
export class FolderExport {
  readonly #source: ExportSource;
  readonly #target: ExportTarget;
  readonly #ctx: Context;
  readonly #folderOf: (input: Input) => string;
  readonly #names = new KeyTable({ values: false });
  readonly #earlier: Checkpoint | undefined;
  readonly #tally: Tally;
  readonly #files: ExportResult['files'] = [];
  readonly #folders = new Map<string, Promise<unknown>>();
  #isDone: boolean;

  constructor(source: ExportSource, target: ExportTarget, ctx: Context) {
    this.#source = source;
    this.#target = target;
    this.#ctx = ctx;
    this.#folderOf = folderLayout(source.version);
    this.#earlier = checkpointShape.safeParse(target.checkpoint).data;
    this.#tally = new Tally(LOSSES, this.#earlier?.tally);
    this.#isDone = this.#earlier !== undefined;
  }

  async *run(): AsyncGenerator<Outcome, ExportResult, void> {
    const columns = await this.#survey();
    const metadata = await MetadataFiles.open(this.#target.path, this.#earlier?.sizes ?? {});
    let savedAt = this.#ctx.clock.now();
    try {
      for await (const copied of ahead(this.#source.inputs(), AT_ONCE, (input) => this.#copy(input))) {
        this.#ctx.signal.throwIfAborted();
        const { input, isDone } = copied;
        if (isDone) continue;
        yield await this.#outcome(copied, columns, metadata);
        if (this.#ctx.clock.now() - savedAt < SAVE_EVERY_MS) continue;
        await metadata.sync();
        const state = { after: input.id, sizes: metadata.sizes, tally: this.#tally.state };
        await this.#target.save(state satisfies Checkpoint);
        savedAt = this.#ctx.clock.now();
      }
      await metadata.sync();
    } finally {
      await metadata.close();
    }
    return { files: this.#written(metadata.sizes), ...this.#tally.result };
  }

  /** The columns of each kind, which are a data set each. */
  async #survey(): Promise<ReadonlyMap<Kind, FolderColumns>> {
    const surveys = new Map(FOLDER_KINDS.map((kind) => [kind, new ColumnSurvey()]));
    for await (const input of this.#source.inputs()) {
      this.#ctx.signal.throwIfAborted();
      surveys.get(input.kind)?.look(input, this.#folderOf(input));
    }
    for (const survey of surveys.values()) {
      for (const { split, column } of survey.untyped) {
        const message = `in ${split} no input has a value of ${column}: load_dataset reads this folder only by itself`;
        this.#ctx.logger.warn({ split, column }, message);
      }
    }
    return new Map([...surveys].map(([kind, survey]) => [kind, survey.columns]));
  }

  async #copy(input: Input): Promise<Copied> {
    const isDone = this.#isDone;
    if (input.id === this.#earlier?.after) this.#isDone = false;
    const copied = { input, isDone, failure: undefined, converted: undefined };
    if (!FOLDER_KINDS.includes(input.kind)) return { ...copied, folder: '', fileName: '' };
    const folder = this.#folderOf(input);
    const fileName = mediaName(input, this.#names, folder);
    const to = join(this.#target.path, folder, fileName);
    try {
      await this.#made(folder);
      const isThere = isDone && (await isCopied(to, input.bytes));
      const media = isThere ? undefined : await this.#source.media(input);
      if (media !== undefined) await copyMedia(media, to);
      const converted = media?.converted;
      this.#files.push({ path: `${folder}/${fileName}`, bytes: converted?.bytes ?? input.bytes });
      return { ...copied, folder, fileName, converted };
    } catch (error) {
      if (!(error instanceof RejectedItemError)) throw error;
      return { ...copied, folder, fileName, failure: error };
    }
  }

  async #outcome(
    { input, folder, fileName, failure, converted }: Copied,
    columns: ReadonlyMap<Kind, FolderColumns>,
    metadata: MetadataFiles,
  ): Promise<Outcome> {
    const ofKind = columns.get(input.kind);
    if (ofKind === undefined) {
      const message = `a folder holds images, videos and sounds, and this is a ${input.kind}`;
      return inputOutcome(input, 'EXPORT_UNSUPPORTED', { message });
    }
    if (failure !== undefined) return failedOutcome(input, failure);
    await metadata.append(folder, metadataLine(input, fileName, ofKind, this.#tally));
    const outcome = inputOutcome(input, 'EXPORTED');
    return converted === undefined ? outcome : convertedOutcome(outcome, converted);
  }

  #made(folder: string): Promise<unknown> {
    const made = this.#folders.get(folder) ?? mkdir(join(this.#target.path, folder), { recursive: true });
    this.#folders.set(folder, made);
    return made;
  }

  #written(sizes: Readonly<Record<string, number>>): ExportResult['files'] {
    const lists = Object.entries(sizes).map(([folder, bytes]) => ({
      path: `${folder}/${METADATA_NAME}`,
      bytes,
    }));
    return [...lists, ...this.#files].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}

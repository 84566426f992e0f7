import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { annotationsOfPart } from '../annotations/parts.ts';
import { resizeMasks } from '../annotations/resize-mask.ts';
import { errnoOf, writeFailure } from '../io/disk-errors.ts';
import type { ReadBytes } from '../io/read-contract.ts';
import { readOnce } from '../io/read-once.ts';
import { probe } from '../media/probe.ts';
import { repairAv } from '../media/repair/av.ts';
import { imageHeader, repairImage } from '../media/repair/image.ts';
import { splitText } from '../media/repair/split-text.ts';
import type { Repaired, RepairedPart, RepairStep, RepairTarget } from '../media/repair/steps.ts';
import { type Sniffed, sniff } from '../media/sniff.ts';
import { checkText } from '../media/text.ts';
import type { MediaTools } from '../media/tools.ts';
import type { Annotation } from '../model/annotation.ts';
import { type Context, isTextOnly, type ReadyItem, type SourceItem } from '../model/contracts.ts';
import { FatalError, RejectedItemError } from '../model/errors.ts';
import { MAX_ID_LENGTH, shortHash } from '../model/ids.ts';
import type { MediaInfo } from '../model/input.ts';
import type { Kind } from '../model/kind.ts';
import type { Outcome, Repair } from '../model/outcome.ts';
import { maxBytes, maxPixels, type Profile } from '../validation/index.ts';
import { outcomeOfError } from './failure.ts';
import { type CheckedAnnotations, hasLabels } from './item-labels.ts';
import { PartGroup } from './part-group.ts';
import type { Preparer } from './prepare.ts';

/** What is larger is rejected as it would be without repair. */
const MOST_BYTES = 8_000_000_000;
/** A text is divided in memory. */
const MOST_TEXT_BYTES = 400_000_000;

export interface RepairOptions {
  /** What the pipeline allows; nothing is repaired when it is empty. */
  allowed: readonly RepairStep[];
  profile: Profile;
  spoolDir: string;
  tools(): Promise<MediaTools>;
  ctx: Context;
  onBytes(bytes: number): void;
  /** Reads and checks what has become of an item, as any other. */
  preparer: Preparer;
}

/** An item before it is repaired. */
interface Original extends ReadBytes {
  file: string;
  kind: Kind;
  media: MediaInfo;
}

/**
 * Brings items that were rejected for their size or format under the limits of the profile, as far as the pipeline
 * allows it (`repair`). An item that had to be read up to its limit only is read again, whole.
 */
export class Repairer {
  readonly #options: RepairOptions;
  readonly #target: RepairTarget;

  constructor(options: RepairOptions) {
    const { profile } = options;
    this.#options = options;
    this.#target = {
      maxBytes: (kind) => maxBytes(profile, kind, false),
      maxPixels: maxPixels(profile),
      accepts: (kind, format) => profile.formats[kind].includes(format),
    };
  }

  /** Whether repairing may help an item with this outcome. */
  mayHelp({ code, stage }: Outcome): boolean {
    // What is over a limit at another stage are the item's labels.
    return (
      this.#options.allowed.length > 0 &&
      (stage === 'read' || stage === 'validate') &&
      (code === 'INPUT_OVER_LIMIT' || code === 'INPUT_UNSUPPORTED_FORMAT')
    );
  }

  /** The item, or its parts, ready; else the outcome: the one that it had where nothing allowed helps. */
  async repair(item: SourceItem, rejected: Outcome): Promise<ReadyItem | ReadyItem[] | Outcome> {
    const { ctx, spoolDir } = this.#options;
    const folder = join(spoolDir, `repair-${randomUUID()}`);
    let original: Original | undefined;
    try {
      original = await this.#read(item);
      await mkdir(folder);
      const repaired = original && (await this.#repaired(original, join(folder, 'made')));
      if (original === undefined || repaired === undefined) return unhelped(rejected, this.#options.allowed);
      const labelled = { ...original, ...lengthOf(repaired) };
      const checked = hasLabels(item) ? await this.#options.preparer.annotate(item, labelled) : undefined;
      return await this.#ready(item, original, repaired, checked);
    } catch (error) {
      return outcomeOfError(
        item,
        'repair',
        errnoOf(error) === undefined ? error : writeFailure(error, item.uri),
        ctx.signal,
      );
    } finally {
      if (original !== undefined) await rm(original.file, { force: true });
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** The whole item in a file; undefined for what is no media at all. */
  async #read(item: SourceItem): Promise<Original | undefined> {
    const { ctx, spoolDir, onBytes } = this.#options;
    const read = await readOnce(item, {
      ctx,
      spoolDir,
      onBytes,
      stored: undefined,
      decide: async (head) => ({ keep: 'spool', maxBytes: MOST_BYTES, sniffed: await sniff(head) }),
    });
    if (read === 'unchanged') throw new FatalError('INTERNAL', `${item.uri} was asked for in full`);
    if (read.fingerprint !== undefined) item.fingerprint ??= read.fingerprint;
    const file = 'spool' in read.payload ? read.payload.spool : '';
    try {
      const { sniffed } = read.decision;
      const found = await this.#describe(sniffed, file);
      if (found === undefined) await rm(file, { force: true });
      return found && { ...read, ...found, file };
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  async #describe(
    { format, kind }: Sniffed,
    file: string,
  ): Promise<{ kind: Kind; media: MediaInfo } | undefined> {
    const { ctx, tools } = this.#options;
    if (kind === undefined) return undefined;
    if (kind === 'text') return { kind, media: { format } };
    if (kind === 'image')
      return format === 'heic' || format === 'bmp'
        ? undefined
        : { kind, media: await imageHeader(file, format) };
    const anySize = {
      check: 'header',
      maxPixels: Number.POSITIVE_INFINITY,
      tools,
      signal: ctx.signal,
    } as const;
    return probe({ format, kind }, { spool: file }, anySize);
  }

  /** `to`: where what is made is written, with suffixes; whoever asks removes the folder. */
  async #repaired(
    { kind, media, file, bytes, payload }: Original,
    to: string,
  ): Promise<Repaired | undefined> {
    const { allowed, ctx } = this.#options;
    const common = {
      source: file,
      format: media.format,
      bytes,
      allowed,
      target: this.#target,
      signal: ctx.signal,
    };
    if (kind === 'image') return repairImage({ ...common, to });
    if (kind !== 'text') return repairAv({ ...common, kind, media, to, tools: await this.#options.tools() });
    if (!allowed.includes('split') || bytes > MOST_TEXT_BYTES) return undefined;
    const content = 'buffer' in payload ? payload.buffer : await readFile(file);
    checkText(content);
    return { steps: ['split'], parts: splitText(content.toString(), this.#target.maxBytes('text')) };
  }

  async #ready(
    item: SourceItem,
    original: Original,
    { steps, parts }: Repaired,
    checked: CheckedAnnotations | undefined,
  ): Promise<ReadyItem | ReadyItem[] | Outcome> {
    const repair: Repair = { steps, originalSha256: original.sha256, originalBytes: original.bytes };
    const ready: ReadyItem[] = [];
    for (const [i, part] of parts.entries()) {
      const own = partItem(item, part, i, parts.length);
      const prepared = await this.#options.preparer.prepare(own, undefined, { repaired: true });
      if ('outcome' in prepared) {
        for (const done of ready) {
          done.release();
          done.discard?.();
        }
        const which = parts.length === 1 ? 'after the repair' : `part ${i + 1} of ${parts.length}`;
        throw new RejectedItemError(prepared.code, `${which}: ${prepared.message ?? prepared.code}`);
      }
      // The file is gone as soon as this is done; the payload is what the sink takes.
      delete prepared.item.file;
      prepared.media.original = originalOf(original);
      if (item.fingerprint !== undefined) this.#options.preparer.stamp(prepared, item.fingerprint);
      prepared.warnings = ['REPAIRED', ...(checked?.warnings ?? [])];
      if (checked !== undefined) {
        prepared.annotations = ofPart(checked.annotations, part, prepared.media, i === parts.length - 1);
        if (i === 0 && checked.problems.length > 0) prepared.problems = checked.problems;
      }
      if (parts.length > 1) await onDisk(prepared, this.#options.spoolDir);
      ready.push(prepared);
    }
    if (checked !== undefined) this.#options.preparer.countAnnotations(item, checked);
    const [only] = ready;
    if (ready.length === 1 && only !== undefined) return Object.assign(only, { repair });
    const annotations =
      checked === undefined
        ? undefined
        : {
            good: checked.annotations.length,
            ...(checked.problems.length === 0 ? {} : { problems: checked.problems }),
          };
    const ids = ready.map((each) => each.item.id);
    const group = new PartGroup(item, repair, ids, annotations);
    return ready.map((each) => Object.assign(each, { group }));
  }
}

/** Of a text that was divided: in UTF-16 code units, as spans count them. */
function lengthOf({ parts }: Repaired): { textLength?: number } {
  const place = parts.at(-1)?.place;
  return place?.unit === 'characters' ? { textLength: place.end } : {};
}

function originalOf({ media, sha256, bytes }: Original): NonNullable<MediaInfo['original']> {
  const { format, width, height, orientation } = media;
  return {
    format,
    sha256,
    bytes,
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...(orientation === undefined ? {} : { orientation }),
  };
}

/** The item that stands for a part, or for the whole where there is one part only. */
function partItem(item: SourceItem, part: RepairedPart, index: number, count: number): SourceItem {
  const { id, uri, idGiven, concepts, metadata, geo, split } = item;
  const bytes = 'file' in part ? { file: part.file } : { text: part.text };
  // A text beside an image stays beside it.
  const beside = 'file' in part && item.text !== undefined && !isTextOnly(item) ? { text: item.text } : {};
  const labels = {
    ...(concepts === undefined ? {} : { concepts }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(geo === undefined ? {} : { geo }),
    ...(split === undefined ? {} : { split }),
  };
  if (count === 1) return { id, uri, ...(idGiven ? { idGiven } : {}), ...bytes, ...beside, ...labels };
  const suffix = `-${index + 1}of${count}`;
  const { place } = part;
  return {
    id: partId(id, suffix),
    uri: `${uri}#part${index + 1}of${count}`,
    ...bytes,
    ...labels,
    metadata: { ...metadata, part: { number: index + 1, of: count, original: id, ...place } },
  };
}

/** A long id gives way to its hash, for two that begin alike must not have parts of the same id. */
function partId(id: string, suffix: string): string {
  if (id.length + suffix.length <= MAX_ID_LENGTH) return `${id}${suffix}`;
  const tail = `-${shortHash(id)}${suffix}`;
  return `${id.slice(0, MAX_ID_LENGTH - tail.length).toWellFormed()}${tail}`;
}

/** All parts of an item wait together, so none of them may hold memory meanwhile. */
async function onDisk(ready: ReadyItem, spoolDir: string): Promise<void> {
  if ('buffer' in ready.payload) {
    const spool = join(spoolDir, `${randomUUID()}.part`);
    await writeFile(spool, ready.payload.buffer);
    ready.payload = { spool };
    ready.discard = () => void rm(spool, { force: true }).catch(() => {});
  }
  ready.release();
}

function ofPart(
  annotations: readonly Annotation[],
  { place }: RepairedPart,
  media: MediaInfo,
  isLast: boolean,
): Annotation[] {
  const own = place === undefined ? annotations : annotationsOfPart(annotations, { ...place, isLast });
  return resizeMasks(own, media);
}

function unhelped(rejected: Outcome, allowed: readonly RepairStep[]): Outcome {
  const message = `${rejected.message ?? rejected.code}; repair: ${allowed.join(', ')} cannot make it fit`;
  return { ...rejected, message };
}

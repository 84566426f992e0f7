import { rm } from 'node:fs/promises';
import { resizeMasks } from '../annotations/resize-mask.ts';
import { serializedInputSize, type WireInput } from '../formats/input-size.ts';
import type { ByteBudget } from '../io/byte-budget.ts';
import { readInline, readOnce } from '../io/read-once.ts';
import { extensionDisagrees } from '../media/formats.ts';
import { type MediaTools, needsFile, probe } from '../media/probe.ts';
import { sniff } from '../media/sniff.ts';
import { checkText } from '../media/text.ts';
import type { Annotation } from '../model/annotation.ts';
import type { Code } from '../model/codes.ts';
import {
  type Context,
  type ExistingInput,
  isTextOnly,
  type Payload,
  type ReadyItem,
  type SourceItem,
} from '../model/contracts.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import type { Kind } from '../model/kind.ts';
import type { Concept, Metadata } from '../model/labels.ts';
import type { Outcome } from '../model/outcome.ts';
import { checkFormat, checkMedia, maxBytes, maxPixels, type Profile } from '../validation/index.ts';
import { outcomeOfError } from './failure.ts';
import {
  type CheckedAnnotations,
  hasLabels,
  type Labelled,
  loadLabels,
  promisedAnnotations,
} from './item-labels.ts';
import type { RunLabels } from './labels.ts';

/** What an item is reserved for in the byte budget before its size is known. */
const UNKNOWN_SIZE = 1_000_000;
/** A spooled item holds a read buffer, not its bytes. */
const SPOOL_BUFFER = 256 * 1024;
/** What the labels of an item are reserved for before they are loaded. */
const UNKNOWN_LABELS = 16 * 1024;
// Of the many items that have none.
const NO_CONCEPTS: Concept[] = [];
const NO_METADATA: Metadata = {};
const NO_WARNINGS: Code[] = [];

export interface PrepareOptions {
  profile: Profile;
  check: 'header' | 'decode';
  dataset: string;
  /** Tells the fingerprints of this source from those of others: equal names, sizes and times are not equal bytes. */
  sourceTag(uri: string): string;
  /** For items whose own labels are known only here. */
  labels: RunLabels;
  /** Told how many more annotations an item has than was known when it was listed; may be negative. */
  onAnnotations(more: number): void;
  spoolDir: string;
  tools(): Promise<MediaTools>;
  budget: ByteBudget;
  ctx: Context;
  onBytes(bytes: number): void;
}

/** Reads an item's bytes once, finds out what they are and holds them against the profile. */
export class Preparer {
  readonly #options: PrepareOptions;
  readonly #datasetIds: readonly string[];

  constructor(options: PrepareOptions) {
    this.#options = options;
    this.#datasetIds = [options.dataset];
  }

  /** The fast way for text that is in memory already; undefined when the budget is spent just now. */
  inline(item: SourceItem & { text: string }): ReadyItem | Outcome | undefined {
    const { budget, ctx, profile, onBytes } = this.#options;
    // UTF-16 units are at most three UTF-8 bytes each; the difference is given back below.
    const reserved = item.text.length * 3;
    if (!budget.tryAcquire(reserved)) return undefined;
    try {
      const { payload, sha256, bytes } = readInline(item.text);
      onBytes(bytes);
      checkFormat({ format: bytes === 0 ? 'empty' : 'text', kind: 'text' }, profile);
      const media = checkText(payload.buffer);
      checkMedia({ kind: 'text', bytes, media, viaUrl: false }, profile);
      budget.release(reserved - bytes);
      return this.#ready(item, 'text', sha256, bytes, media, payload, NO_WARNINGS, bytes);
    } catch (error) {
      budget.release(reserved);
      return outcomeOfError(item, 'validate', error, ctx.signal);
    }
  }

  /**
   * `stored`: what may still be the item's bytes; a source that can tell is asked. `repaired`: the item stands for one
   * that had its turn and whose bytes were counted. It waits for no budget, for that may be held by items behind it in
   * the order, which in turn wait for it.
   */
  async prepare(
    item: SourceItem,
    stored?: ExistingInput,
    { repaired = false } = {},
  ): Promise<ReadyItem | Outcome> {
    const { budget, ctx, profile } = this.#options;
    let stage: 'read' | 'validate' | 'annotate' = 'read';
    let reserved = isTextOnly(item) ? item.text!.length * 3 : (item.size ?? UNKNOWN_SIZE);
    // Half of the budget: the batch that waits to be filled holds less than the other half, so nobody waits for ever.
    reserved = Math.min(reserved, maxBytes(profile, 'image', false) + SPOOL_BUFFER, budget.budget / 2);
    if (repaired) budget.resize(0, reserved);
    else await budget.acquire(reserved, ctx.signal);
    let held = true;
    let spool: string | undefined;
    try {
      const read = await readOnce(item, {
        ctx,
        spoolDir: this.#options.spoolDir,
        ...(repaired ? {} : { onBytes: this.#options.onBytes }),
        decide: async (head) => {
          stage = 'validate';
          const sniffed = await sniff(head);
          const kind = checkFormat(sniffed, profile);
          stage = 'read';
          return {
            keep: needsFile(sniffed.format) ? 'spool' : 'memory',
            maxBytes: maxBytes(profile, kind, item.url !== undefined),
            sniffed,
          };
        },
        stored: stored && this.#untagged(item.uri, stored.fingerprint),
      });
      stage = 'validate';
      if (read === 'unchanged') return await this.#stillStored(item, stored!);
      if (read.fingerprint !== undefined) item.fingerprint ??= read.fingerprint;
      if ('spool' in read.payload) spool = read.payload.spool;
      const inMemory = 'buffer' in read.payload ? read.payload.buffer.length : SPOOL_BUFFER;
      budget.resize(reserved, inMemory);
      reserved = inMemory;
      const found = await probe(read.decision.sniffed, read.payload, {
        check: this.#options.check,
        maxPixels: maxPixels(profile),
        tools: this.#options.tools,
        signal: ctx.signal,
      });
      const viaUrl = item.url !== undefined;
      assertClaimed(item, found.kind, found.media.format);
      checkMedia({ ...found, bytes: read.bytes, viaUrl }, profile);
      const warnings = [...found.warnings];
      if (item.fileName !== undefined && extensionDisagrees(item.fileName, found.media.format)) {
        warnings.push('EXTENSION_MISMATCH');
      }
      this.#checkTextBeside(item, found.kind);
      stage = 'annotate';
      const checked = hasLabels(item)
        ? await this.annotate(item, { ...found, ...lengthOf(found.kind, read.payload) })
        : undefined;
      if (checked !== undefined) {
        warnings.push(...checked.warnings);
        const heavier = reserved + weightOf(checked.annotations);
        budget.resize(reserved, heavier);
        reserved = heavier;
      }
      const ready = this.#ready(
        item,
        found.kind,
        read.sha256,
        read.bytes,
        found.media,
        read.payload,
        warnings,
        reserved,
        checked,
      );
      held = false;
      return ready;
    } catch (error) {
      if (spool !== undefined) await rm(spool, { force: true });
      return outcomeOfError(item, stage, error, ctx.signal);
    } finally {
      if (held) budget.release(reserved);
    }
  }

  /** An image may come with a text; both are held against the limits of their kind. */
  #checkTextBeside(item: SourceItem, kind: Kind): void {
    if (item.text === undefined || isTextOnly(item)) return;
    if (item.text === '') {
      delete item.text;
      return;
    }
    if (kind !== 'image') {
      const message = `only an image can have a text beside it; this is ${kind}`;
      throw new RejectedItemError('INPUT_INVALID_ARGUMENT', message, { measured: kind, limit: 'image' });
    }
    const text = Buffer.from(item.text);
    this.#options.onBytes(text.length);
    checkMedia(
      { kind: 'text', bytes: text.length, media: checkText(text), viaUrl: false },
      this.#options.profile,
    );
  }

  /** Loads and checks an item's labels. Until they are counted, the item's outcome tells of the promised ones. */
  async annotate(item: SourceItem, found: Labelled): Promise<CheckedAnnotations> {
    const { ctx, labels } = this.#options;
    const checked = await loadLabels(item, found, ctx);
    labels.apply(item);
    return checked;
  }

  /** The item is ready: from here on its outcome tells of `checked`. */
  countAnnotations(item: SourceItem, { annotations, problems }: CheckedAnnotations): void {
    this.#options.onAnnotations(annotations.length + problems.length - promisedAnnotations(item));
  }

  /** Whether the stored bytes are still the item's, by what the source says of them. */
  isUnchanged(item: SourceItem, existing: ExistingInput): boolean {
    const { fingerprint } = item;
    return (
      fingerprint !== undefined &&
      existing.uri === item.uri &&
      existing.fingerprint === this.#tagged(item.uri, fingerprint)
    );
  }

  /** An unchanged item that brings labels: these are loaded and checked, and nothing else is read. */
  async relabelled(item: SourceItem, existing: ExistingInput): Promise<ReadyItem | Outcome> {
    const { ctx, budget } = this.#options;
    // In its turn, so that an item before it never waits for bytes that this one holds.
    await budget.acquire(UNKNOWN_LABELS, ctx.signal);
    try {
      return await this.#relabelled(item, existing);
    } finally {
      budget.release(UNKNOWN_LABELS);
    }
  }

  async #relabelled(item: SourceItem, existing: ExistingInput): Promise<ReadyItem | Outcome> {
    const { ctx, budget } = this.#options;
    const ready = this.unchanged(item, existing);
    if ('outcome' in ready) return ready;
    try {
      const checked = await this.annotate(item, {
        kind: existing.kind,
        media: originalMedia(existing.media),
      });
      if (existing.media.original !== undefined) {
        checked.annotations = resizeMasks(checked.annotations, existing.media);
      }
      const weight = weightOf(checked.annotations);
      const labelled = this.#ready(
        item,
        existing.kind,
        existing.sha256,
        existing.bytes,
        existing.media,
        { unchanged: true },
        checked.warnings,
        weight,
        checked,
      );
      budget.resize(0, weight);
      return labelled;
    } catch (error) {
      return outcomeOfError(item, 'annotate', error, ctx.signal);
    }
  }

  /** The source says that the stored bytes are the item's. */
  async #stillStored(item: SourceItem, stored: ExistingInput): Promise<ReadyItem | Outcome> {
    const fingerprint = this.#untagged(item.uri, stored.fingerprint);
    if (fingerprint !== undefined) item.fingerprint ??= fingerprint;
    assertClaimed(item, stored.kind, stored.media.format);
    return hasLabels(item) ? this.#relabelled(item, stored) : this.unchanged(item, stored);
  }

  /** Gives a ready item the fingerprint by which it is known as unchanged next time. */
  stamp(ready: ReadyItem, fingerprint: string): void {
    ready.fingerprint = this.#tagged(ready.item.uri, fingerprint);
  }

  #tagged(uri: string, fingerprint: string): string {
    return `${this.#options.sourceTag(uri)}/${fingerprint}`;
  }

  /** A fingerprint of this source as the source gave it; undefined for those of others. */
  #untagged(uri: string, tagged: string | undefined): string | undefined {
    const tag = this.#tagged(uri, '');
    return tagged?.startsWith(tag) ? tagged.slice(tag.length) : undefined;
  }

  /** An item whose fingerprint says that the stored bytes are still its bytes: nothing is read. */
  unchanged(item: SourceItem, existing: ExistingInput): ReadyItem | Outcome {
    const { ctx, profile } = this.#options;
    try {
      // It may have been stored under a profile that takes more than this run's.
      checkMedia({ ...existing, viaUrl: item.url !== undefined }, profile);
      this.#checkTextBeside(item, existing.kind);
    } catch (error) {
      return outcomeOfError(item, 'validate', error, ctx.signal);
    }
    return this.#ready(
      item,
      existing.kind,
      existing.sha256,
      existing.bytes,
      existing.media,
      { unchanged: true },
      NO_WARNINGS,
      0,
    );
  }

  #ready(
    item: SourceItem,
    kind: Kind,
    sha256: string,
    bytes: number,
    media: MediaInfo,
    payload: Payload,
    warnings: Code[],
    reserved: number,
    checked?: CheckedAnnotations,
  ): ReadyItem {
    const { budget } = this.#options;
    const wire: WireInput = {
      id: item.id,
      kind,
      bytes: 'unchanged' in payload ? 0 : bytes,
      concepts: item.concepts ?? NO_CONCEPTS,
      metadata: item.metadata ?? NO_METADATA,
      datasetIds: this.#datasetIds,
    };
    if (item.geo !== undefined) wire.geo = item.geo;
    if (kind !== 'text' && item.text !== undefined) wire.text = item.text;
    // The platform fetches a URL itself, so the request carries the URL and not the bytes.
    if (item.url !== undefined) wire.url = item.url;
    let left = reserved;
    const ready: ReadyItem = {
      item,
      kind,
      sha256,
      bytes,
      media,
      payload,
      wireBytes: serializedInputSize(wire),
      release() {
        if (left > 0) budget.release(left);
        left = 0;
      },
    };
    if (item.fingerprint !== undefined) this.stamp(ready, item.fingerprint);
    if (warnings.length > 0) ready.warnings = warnings;
    if (checked !== undefined) {
      this.countAnnotations(item, checked);
      ready.annotations = checked.annotations;
      if (checked.problems.length > 0) ready.problems = checked.problems;
    }
    if ('spool' in payload) {
      const { spool } = payload;
      // Gone already where the sink took it; what cannot be removed now goes with the run's folder.
      ready.discard = () => void rm(spool, { force: true }).catch(() => {});
    }
    return ready;
  }
}

function lengthOf(kind: Kind, payload: Payload): { textLength?: number } {
  return kind === 'text' && 'buffer' in payload ? { textLength: payload.buffer.toString().length } : {};
}

/** Labels are about the file as the source has it, also where the store has a smaller copy. */
function originalMedia(media: MediaInfo): MediaInfo {
  const { width, height, orientation = 1 } = media.original ?? {};
  return width === undefined || height === undefined ? media : { ...media, width, height, orientation };
}

/** About the bytes that annotations take in memory: outlines and masks are what can be large. */
function weightOf(annotations: readonly Annotation[]): number {
  let bytes = 0;
  for (const { region } of annotations) {
    bytes += 500 + (region?.mask?.counts.length ?? 0);
    for (const rings of region?.polygon ?? []) for (const ring of rings) bytes += ring.length * 48;
  }
  return bytes;
}

/** A column such as `input.data.image.url` says what is behind it: a login page there is no text input. */
function assertClaimed({ kind: claimed }: SourceItem, found: Kind, format: string): void {
  if (claimed === undefined || claimed === found) return;
  throw new RejectedItemError(
    'INPUT_UNSUPPORTED_FORMAT',
    `the source says ${claimed}, the content is ${found} (${format})`,
    {
      measured: found,
      limit: claimed,
    },
  );
}

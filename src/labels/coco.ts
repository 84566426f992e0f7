import { realpath } from 'node:fs/promises';
import { z } from 'zod';
import { UnfitCocoError } from '../formats/coco/coco-file.ts';
import { type RawPath, toRaw } from '../io/raw-path.ts';
import type { ConceptDefinition } from '../model/annotation.ts';
import type { LabelComponent } from '../model/component.ts';
import type { Context, LabelSource, PendingLabels, SourceItem } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import { type CocoPlace, detectedFiles, namedFiles } from './coco-files.ts';
import { pathOf } from './coco-item.ts';
import { type Claim, clashOf, loadClaims } from './coco-load.ts';
import type { NameMatch } from './coco-names.ts';
import { CocoSet } from './coco-set.ts';
import { leftOver } from './coco-unmatched.ts';

/** Files are kept in memory up to so many bytes together; of others, the annotations of an image are read again. */
const HOLD_BYTES = 64_000_000;

const name = z.string().min(1);
const options = z.strictObject({
  file: z
    .union([name, z.array(name).min(1)])
    .optional()
    .describe(
      'The COCO file, or a list of them, from the folder of the source; without it annotations/*.json and _annotations.coco.json are looked for',
    ),
  images: name
    .optional()
    .describe('Folder of the source that file_name starts from, where it is none of the common ones'),
  split: z
    .boolean()
    .default(true)
    .describe('Take the split from the name of the file: instances_train.json is of train'),
  imageMetadata: z
    .boolean()
    .default(false)
    .describe(
      'Keep what the file says of an image (its id, licence, date, URLs) in the metadata, under coco',
    ),
});
export type CocoOptions = z.infer<typeof options>;

/** Objects, key points, masks, captions and labels of images, from COCO's JSON. */
export const coco: LabelComponent<CocoOptions> = {
  name: 'coco',
  summary: 'A COCO file beside the images: boxes, polygons, run-length masks, key points, captions',
  example: '- coco: { file: annotations/instances.json }',
  options,
  create: (base, cocoOptions, source) => new CocoLabels(base, cocoOptions, source?.hasFolder ?? true),
};

/** An image that an item may be, and all images of the same name. */
interface Match {
  set: CocoSet;
  found: NameMatch;
  slots: number[];
}

class CocoLabels implements LabelSource {
  readonly #base: string;
  #root: RawPath | undefined;
  readonly #options: CocoOptions;
  readonly #hasFolder: boolean;
  #sets: CocoSet[] = [];
  #concepts: ConceptDefinition[] = [];

  constructor(base: string, cocoOptions: CocoOptions, hasFolder: boolean) {
    this.#base = base;
    this.#options = cocoOptions;
    this.#hasFolder = hasFolder;
  }

  get describes(): string {
    const named = this.#options.file === undefined ? [] : [this.#options.file].flat();
    const names = this.#sets.length > 0 ? this.#sets.map(({ place }) => place.name) : named;
    return names.length === 0 ? 'the COCO files of the source' : `COCO file ${names.join(', ')}`;
  }

  get concepts(): readonly ConceptDefinition[] {
    return this.#concepts;
  }

  async open(ctx: Context): Promise<void> {
    const { file, images } = this.#options;
    const isNamed = file !== undefined;
    const places = isNamed
      ? namedFiles(this.#base, [file].flat(), images)
      : await detectedFiles(this.#base, images);
    try {
      for (const place of places) await this.#openOne(place, isNamed, ctx);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#sets.length === 0)
      throw new FatalError(
        'LABELS_UNREADABLE',
        `none of ${places.map((place) => place.name).join(', ')} is a COCO file that can be read`,
      );
    const known = new Set<string>();
    const all = this.#sets.flatMap(({ file: { index } }) => index.categories.definitions);
    this.#concepts = all.filter(({ id }) => !known.has(id) && known.add(id));
  }

  owns(uri: string): boolean {
    return this.#sets.some(({ place }) => place.uri === uri);
  }

  match(item: SourceItem): PendingLabels | undefined | Promise<PendingLabels | undefined> {
    const { path, spelling, inner } = pathOf(item, this.#base);
    let best: Match[] = [];
    for (const set of this.#sets) {
      const found = set.names.find(path);
      const depth = best[0]?.found.depth ?? 0;
      if (found === undefined || found.depth < depth) continue;
      if (found.depth > depth) best = [];
      best.push({ set, found, slots: set.names.withNamesakes(found.slot) });
    }
    if (best.length === 0) return undefined;
    const isExact = !inner && best.every(({ found }) => found.exact);
    const isPlain = isExact && path === spelling && best.every(({ set }) => set.names.isPlain);
    if (isPlain) return this.#take(item, best, true);
    // Beside an archive its files may lie unpacked, and are no items.
    if (inner && !this.#hasFolder) return this.#take(item, best, false);
    return this.#takeLikely(item, best, isExact, inner ? undefined : spelling);
  }

  unmatched(ctx: Context): AsyncIterable<Outcome> {
    return leftOver(this.#sets, ctx.signal);
  }

  async close(): Promise<void> {
    const sets = this.#sets;
    this.#sets = [];
    for (const set of sets) await set.file.close();
  }

  async #openOne(place: CocoPlace, isNamed: boolean, ctx: Context): Promise<void> {
    const held = this.#sets.reduce((sum, { file }) => sum + file.heldBytes, 0);
    try {
      const set = await CocoSet.open(place, { holdBytes: HOLD_BYTES - held, signal: ctx.signal });
      this.#sets.push(set);
      const { repeatedIds } = set.file.index;
      if (repeatedIds > 0)
        ctx.logger.warn(
          { file: place.name, repeatedIds },
          'annotation ids of the COCO file are used more than once',
        );
    } catch (error) {
      if (isNamed || !(error instanceof UnfitCocoError)) throw error;
      ctx.logger.warn({ file: place.name }, `${error.message}; it is left alone`);
    }
  }

  /** An item whose path is not quite that of an image: it is that image unless the image's own file is there. */
  async #takeLikely(
    item: SourceItem,
    best: Match[],
    exact: boolean,
    spelling: string | undefined,
  ): Promise<PendingLabels | undefined> {
    this.#root ??= toRaw(await realpath(this.#base));
    const likely: Match[] = [];
    for (const { set, found, slots } of best) {
      const own: number[] = [];
      for (const slot of slots) if (!(await set.hasOtherFile(slot, this.#root, spelling))) own.push(slot);
      if (own.length > 0) likely.push({ set, found, slots: own });
    }
    return likely.length === 0 ? undefined : this.#take(item, likely, exact);
  }

  #take(item: SourceItem, matches: Match[], exact: boolean): PendingLabels {
    const clash = exact ? undefined : clashOf(item.uri, matches);
    if (clash !== undefined) return clash;
    const claims: Claim[] = [];
    for (const { set, slots } of matches) {
      for (const slot of slots) {
        const takenBy = set.take(slot, item.uri);
        claims.push({ set, slot, takenBy: exact ? undefined : takenBy });
      }
    }
    return {
      annotations: claims.reduce((sum, { set, slot }) => sum + set.file.index.images.annotations(slot), 0),
      load: () => loadClaims(item.uri, claims, this.#options),
    };
  }
}

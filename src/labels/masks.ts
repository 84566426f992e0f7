import { relative, resolve } from 'node:path';
import { rawUri, toRaw } from '../io/raw-path.ts';
import { readFailure } from '../io/read-contract.ts';
import { readHead } from '../io/small-file.ts';
import { type MaskRaster, readMaskImage } from '../media/mask-image.ts';
import type { AnnotationProblem, ConceptDefinition } from '../model/annotation.ts';
import type { LabelComponent } from '../model/component.ts';
import type { Context, ItemLabels, LabelSource, PendingLabels, SourceItem } from '../model/contracts.ts';
import { SluiceError } from '../model/errors.ts';
import { type Outcome, outcomeOf } from '../model/outcome.ts';
import { readClassFile } from './class-file.ts';
import { type ClassList, ClassMap } from './class-map.ts';
import { type Companion, CompanionFiles } from './companion-files.ts';
import { contested } from './contested.ts';
import { maskEntries } from './mask-entries.ts';
import { type MaskOptions, maskOptions } from './mask-options.ts';
import { PathPattern } from './path-pattern.ts';

/** A mask of one channel is smaller than its image; this much is no mask. */
const MAX_FILE_BYTES = 128_000_000;
/** Background and "do not care", by common agreement, unless the class map names them. */
const USUALLY_IGNORED = { index: [0, 255], color: [0x000000], binary: [] } as const;

/** PNG masks beside images, one annotation for each class that a mask has. */
export const masks: LabelComponent<MaskOptions> = {
  name: 'masks',
  summary: 'PNG masks beside the images, found by a name pattern, with a class for each index or colour',
  example: '- masks: { pattern: "masks/{stem}.png", classes: { 1: coin } }',
  options: maskOptions,
  create: (base, options) => new MaskSource(base, options),
};

class MaskSource implements LabelSource {
  readonly describes: string;
  readonly #options: MaskOptions;
  readonly #files: CompanionFiles;
  /** Absolute. */
  readonly #classFile: string | undefined;
  readonly #classFileUri: string | undefined;
  #classes: ClassMap | undefined;

  constructor(base: string, options: MaskOptions) {
    const { classes, mode } = options;
    if (typeof classes === 'string' && mode !== 'binary') {
      this.#classFile = resolve(base, classes);
      this.#classFileUri = rawUri(toRaw(relative(base, this.#classFile)));
    }
    this.describes = `masks ${options.pattern}, read by ${options.mode}`;
    this.#options = options;
    this.#files = new CompanionFiles(base, new PathPattern(options.pattern));
  }

  get concepts(): readonly ConceptDefinition[] {
    return this.#classes?.concepts ?? [];
  }

  async open(): Promise<void> {
    const { classes, ignore, mode } = this.#options;
    this.#classes = new ClassMap(await this.#classList(classes), ignore, USUALLY_IGNORED[mode]);
    await this.#files.open();
  }

  async #classList(classes: MaskOptions['classes']): Promise<ClassList> {
    if (this.#classFile !== undefined) return readClassFile(this.#classFile);
    if (typeof classes === 'string') return { 1: { id: classes, name: classes } };
    return this.#options.mode === 'binary' ? { 1: Object.values(classes)[0]! } : classes;
  }

  owns(uri: string): boolean {
    return this.#files.owns(uri) || uri === this.#classFileUri;
  }

  async match(item: SourceItem): Promise<PendingLabels | undefined> {
    const mask = await this.#files.find(item);
    // How many classes the mask has is known once it is decoded; until then it counts as one annotation.
    return mask === undefined ? undefined : { annotations: 1, load: (ctx) => this.#load(mask, item, ctx) };
  }

  async *unmatched(ctx: Context): AsyncGenerator<Outcome, void, void> {
    for await (const uri of this.#files.untaken(ctx)) {
      yield outcomeOf(`${uri}#mask`, 'list', 'LABELS_WITHOUT_INPUT', {
        message: `${uri} is the mask of no item: no item has it by the pattern ${this.#options.pattern}`,
      });
    }
  }

  async close(): Promise<void> {}

  async #load(mask: Companion, item: SourceItem, ctx: Context): Promise<ItemLabels> {
    if (mask.contested) return { annotations: [contested(mask.uri, item.uri)] };
    const { mode } = this.#options;
    let raster: MaskRaster;
    try {
      const bytes = await readHead(mask.file, MAX_FILE_BYTES + 1);
      if (bytes === undefined) throw new Error('it is no longer there');
      if (bytes.length > MAX_FILE_BYTES) throw new Error(`a mask has at most ${MAX_FILE_BYTES} bytes`);
      raster = await readMaskImage(bytes, mode === 'index' ? 'values' : 'colours', ctx.signal);
    } catch (error) {
      ctx.signal.throwIfAborted();
      return { annotations: [unusable(mask.uri, error)] };
    }
    return { annotations: maskEntries(mask.uri, raster, this.#classes!, mode) };
  }
}

function unusable(uri: string, error: unknown): AnnotationProblem {
  const { message, measured, limit } = error instanceof SluiceError ? error : readFailure(error, uri);
  return {
    ref: uri,
    code: 'MASK_INVALID',
    message: message.includes(uri) ? message : `${uri}: ${message}`,
    ...(measured === undefined || limit === undefined ? {} : { measured, limit }),
  };
}

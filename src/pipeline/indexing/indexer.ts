import PQueue from 'p-queue';
import { type Code, codeInfo } from '../../model/codes.ts';
import { FatalError } from '../../model/errors.ts';
import type { Kind } from '../../model/kind.ts';
import type { IndexWriter, VectorFailure, VectorRow } from '../../model/vector-index.ts';
import type { IndexedModel } from '../../model/workflow.ts';
import { type EmbedContext, embedInputs } from './embed-input.ts';
import type { Embeddable } from './embeddable.ts';
import type { OpenModels } from './open-models.ts';

/** Videos that are decoded at once: each holds tens of megabytes of frames, and has a decoder of several threads. */
const VIDEOS_AT_ONCE = 2;

/** What became of an input in the index. */
export interface Indexed {
  code: Code;
  message?: string;
  /** Vectors that were written for it. */
  vectors: number;
}

/** What there is to write for an input under a model. */
type Share =
  | { model: IndexedModel; rows: readonly VectorRow[] }
  | { model: IndexedModel; failure: VectorFailure }
  /** Another input with equal content has vectors already. */
  | { model: IndexedModel; copy: true };

/** An input with what there is to write for it; nothing for what is embedded already. */
export interface Computed {
  input: Embeddable;
  shares: Share[];
  /** The engine was lost before its turn. */
  pending?: true;
}

/** Embeds inputs under all models of a generation and writes their vectors, in two steps: what is stored comes between. */
export class Indexer {
  readonly models: OpenModels;
  readonly #writer: IndexWriter;
  readonly #ctx: EmbedContext;
  readonly #onLost: ((error: FatalError) => void) | undefined;
  readonly #videos = new PQueue({ concurrency: VIDEOS_AT_ONCE });
  #isLost = false;

  /** `onLost`: told once that the engine stopped, which is then not thrown; all inputs from there on are pending. */
  constructor(
    models: OpenModels,
    writer: IndexWriter,
    ctx: EmbedContext,
    onLost?: (error: FatalError) => void,
  ) {
    this.models = models;
    this.#writer = writer;
    this.#ctx = ctx;
    this.#onLost = onLost;
  }

  hasModels(kind: Kind): boolean {
    return this.models.modelsOf(kind).length > 0;
  }

  isIndexed({ kind, inputId, content }: Pick<Embeddable, 'kind' | 'inputId' | 'content'>): boolean {
    return this.models
      .modelsOf(kind)
      .every(({ fingerprint }) => this.#writer.has(fingerprint, inputId, content));
  }

  /** In the order of the inputs. Throws FatalError ENGINE_LOST and the like, or the signal's reason. */
  async compute(inputs: readonly Embeddable[]): Promise<Computed[]> {
    const computed = inputs.map((input): Computed => ({ input, shares: [] }));
    for (const kind of new Set(inputs.map((input) => input.kind))) {
      const ofKind = computed.filter(({ input }) => input.kind === kind);
      for (const model of this.models.modelsOf(kind)) await this.#tryUnder(model, ofKind);
    }
    return computed;
  }

  async #tryUnder(model: IndexedModel, all: readonly Computed[]): Promise<void> {
    try {
      if (!this.#isLost) return await this.#computeUnder(model, all);
    } catch (error) {
      if (!(error instanceof FatalError) || error.code !== 'ENGINE_LOST' || this.#onLost === undefined)
        throw error;
      if (!this.#isLost) this.#onLost(error);
      this.#isLost = true;
    }
    for (const one of all) {
      const { inputId, content } = one.input;
      if (!this.#writer.has(model.fingerprint, inputId, content)) one.pending = true;
    }
  }

  async #computeUnder(model: IndexedModel, all: readonly Computed[]): Promise<void> {
    const { fingerprint } = model;
    /** One input for each content is embedded; the others with it get the same vectors. */
    const byContent = new Map<string, Computed[]>();
    for (const one of all) {
      const { inputId, content } = one.input;
      if (this.#writer.has(fingerprint, inputId, content)) continue;
      const same = byContent.get(content);
      if (this.#writer.hasContent(fingerprint, content)) one.shares.push({ model, copy: true });
      else if (same === undefined) byContent.set(content, [one]);
      else same.push(one);
    }
    const groups = [...byContent.values()];
    if (groups.length === 0) return;
    const firsts = groups.map(([first]) => first!.input);
    const embed = () => embedInputs(firsts, model, this.models.embedderOf(model), this.#ctx);
    const embedded = await (model.kind === 'video' ? this.#videos.add(embed) : embed());
    groups.forEach((group, i) => {
      const result = embedded[i]!;
      for (const { input, shares } of group) {
        const { inputId } = input;
        if ('failure' in result) shares.push({ model, failure: { ...result.failure, inputId } });
        else shares.push({ model, rows: result.rows.map((row) => ({ ...row, inputId })) });
      }
    });
  }

  /** Commits what waits to be grouped. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }

  /**
   * Writes what was computed, durably. `undefined` for an input whose vectors were to be copied from others that went
   * meanwhile: it must be computed again.
   */
  async write(computed: readonly Computed[]): Promise<(Indexed | undefined)[]> {
    const rows = new Map<string, VectorRow[]>();
    const failures = new Map<string, VectorFailure[]>();
    const copies = new Map<string, Embeddable[]>();
    const to = <T>(map: Map<string, T[]>, { fingerprint }: IndexedModel, values: readonly T[]) => {
      const held = map.get(fingerprint);
      if (held === undefined) map.set(fingerprint, [...values]);
      else held.push(...values);
    };
    for (const { input, shares } of computed) {
      for (const share of shares) {
        if ('rows' in share) to(rows, share.model, share.rows);
        else if ('failure' in share) to(failures, share.model, [share.failure]);
        else to(copies, share.model, [input]);
      }
    }
    const copied = new Map<string, ReadonlyMap<string, number>>();
    await Promise.all([
      ...[...rows].map(([fingerprint, of]) => this.#writer.append(fingerprint, of)),
      ...[...failures].map(([fingerprint, of]) => this.#writer.fail(fingerprint, of)),
      ...[...copies].map(async ([fingerprint, of]) => {
        copied.set(fingerprint, await this.#writer.copy(fingerprint, of));
      }),
    ]);
    return computed.map((one) => this.#resultOf(one, copied));
  }

  #resultOf(
    { input, shares, pending }: Computed,
    copied: ReadonlyMap<string, ReadonlyMap<string, number>>,
  ): Indexed | undefined {
    if (!this.hasModels(input.kind)) return { code: 'INPUT_KIND_NOT_INDEXED', vectors: 0 };
    if (pending) return { code: 'INPUT_REINDEX_PENDING', vectors: 0 };
    if (shares.length === 0) return { code: 'INPUT_INDEXED', vectors: 0 };
    let vectors = 0;
    let failure: VectorFailure | undefined;
    for (const share of shares) {
      if ('failure' in share) failure ??= share.failure;
      else if ('rows' in share) vectors += share.rows.length;
      else {
        const got = copied.get(share.model.fingerprint)!.get(input.inputId);
        if (got === undefined) return undefined;
        vectors += got;
      }
    }
    if (failure === undefined) return { code: 'INPUT_REINDEX_SUCCESS', vectors };
    // A code of another class, such as a fatal one, says nothing of the input.
    const { class: fate } = codeInfo(failure.code);
    const code = fate === 'rejected' || fate === 'failed' ? failure.code : 'INPUT_REINDEX_FAILED';
    return { code, message: failure.message, vectors };
  }
}

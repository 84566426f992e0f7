import { codeInfo } from '../model/codes.ts';
import type { ReadyItem, SourceItem } from '../model/contracts.ts';
import type { AnnotationOutcomes, Outcome, Repair } from '../model/outcome.ts';
import { itemFields } from './failure.ts';

/** The worst part decides about the whole. */
const ORDER = ['failed', 'rejected', 'ok', 'skipped'] as const;

/**
 * The parts of an item that was divided. The item has one outcome, once each part has one: failed or rejected as soon as
 * one part is; a retry then takes up the whole item, and parts that are stored already are left as they are.
 */
export class PartGroup {
  readonly #item: SourceItem;
  readonly #repair: Repair;
  readonly #annotations: AnnotationOutcomes | undefined;
  /** By the part's id, in the order of the parts. */
  readonly #outcomes: Map<string, Outcome | undefined>;
  #left: number;

  /** `partIds` in order; `annotations`: of the whole item, for those of parts may repeat at borders. */
  constructor(
    item: SourceItem,
    repair: Repair,
    partIds: readonly string[],
    annotations: AnnotationOutcomes | undefined,
  ) {
    this.#item = item;
    this.#repair = repair;
    this.#outcomes = new Map(partIds.map((id) => [id, undefined]));
    this.#left = partIds.length;
    this.#annotations = annotations;
  }

  /** Takes the outcome of a part; gives that of the item with the last one. */
  settle(part: ReadyItem, outcome: Outcome): Outcome | undefined {
    this.#outcomes.set(part.item.id, outcome);
    if (--this.#left > 0) return undefined;
    const all = [...this.#outcomes.values()] as Outcome[];
    const worst = ORDER.flatMap((name) => all.filter((each) => each.outcome === name))[0]!;
    const { outcome: name, stage, code, kind, message, measured, limit } = worst;
    const bad = name === 'failed' || name === 'rejected';
    const whole: Outcome = {
      ...itemFields(this.#item),
      uri: this.#item.uri,
      outcome: name,
      stage,
      code,
      ...(kind === undefined ? {} : { kind }),
      bytes: all.reduce((sum, each) => sum + (each.bytes ?? 0), 0),
      sha256: this.#repair.originalSha256,
      warnings: [...new Set(['REPAIRED' as const, ...all.flatMap(({ warnings }) => warnings ?? [])])],
      repair: { ...this.#repair, parts: all.map((each) => each.inputId ?? '') },
    };
    if (this.#annotations === undefined) delete whole.annotations;
    else whole.annotations = this.#annotations;
    if (!bad) return whole;
    const failed = all.indexOf(worst) + 1;
    return {
      ...whole,
      retryable: worst.retryable ?? codeInfo(code).retryable,
      message: `part ${failed} of ${all.length}: ${message ?? codeInfo(code).meaning}`,
      ...(measured === undefined ? {} : { measured }),
      ...(limit === undefined ? {} : { limit }),
    };
  }
}

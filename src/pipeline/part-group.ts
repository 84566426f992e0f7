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
  readonly #outcomes = new Map<string, Outcome>();
  readonly #count: number;

  /** `annotations`: of the whole item; those of parts may repeat at borders. */
  constructor(item: SourceItem, repair: Repair, count: number, annotations: AnnotationOutcomes | undefined) {
    this.#item = item;
    this.#repair = repair;
    this.#count = count;
    this.#annotations = annotations;
  }

  /** Takes the outcome of a part; gives that of the item with the last one. */
  settle(part: ReadyItem, outcome: Outcome): Outcome | undefined {
    this.#outcomes.set(part.item.id, outcome);
    if (this.#outcomes.size < this.#count) return undefined;
    const all = [...this.#outcomes.values()];
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
      warnings: ['REPAIRED'],
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

import type { Code } from '../model/codes.ts';
import type { Kind } from '../model/kind.ts';
import type { AnnotationOutcomes, Outcome, Totals } from '../model/outcome.ts';

/**
 * The two sides of the identity `listed = ok + rejected + failed + skipped`.
 *
 * `listed` is counted where the loader yields, the outcomes where the ledger is appended; neither is derived from
 * the other.
 */
export class Accounts {
  listed = 0;
  /** The same two sides for annotations: `listed` as they were found, the outcomes as ledger lines tell of them. */
  readonly annotations = { listed: 0, ok: 0, rejected: 0, failed: 0, skipped: 0 };
  readonly annotationsByCode: Partial<Record<Code, number>> = {};
  /** Of the ok images: those that came with a text. */
  withText = 0;
  readonly outcomes = { ok: 0, rejected: 0, failed: 0, skipped: 0 };
  readonly byCode: Partial<Record<Code, number>> = {};
  readonly byKind: Partial<Record<Kind, number>> = {};
  readonly warnings: Partial<Record<Code, number>> = {};
  /** Bytes of the items that are ok. */
  bytesStored = 0;
  /** Bytes of the inputs that are in an export. */
  bytesExported = 0;

  countOutcome(outcome: Outcome): void {
    this.outcomes[outcome.outcome]++;
    this.byCode[outcome.code] = (this.byCode[outcome.code] ?? 0) + 1;
    if (outcome.annotations !== undefined) this.#countAnnotations(outcome.outcome, outcome.annotations);
    for (const code of outcome.warnings ?? []) this.warnings[code] = (this.warnings[code] ?? 0) + 1;
    if (outcome.outcome !== 'ok') return;
    if (outcome.kind !== undefined) this.byKind[outcome.kind] = (this.byKind[outcome.kind] ?? 0) + 1;
    if (outcome.withText) this.withText++;
    if (outcome.code === 'INPUT_SUCCESS') this.bytesStored += outcome.bytes ?? 0;
    if (outcome.code === 'EXPORTED') this.bytesExported += outcome.bytes ?? 0;
  }

  #countAnnotations(fate: Outcome['outcome'], { good, problems = [] }: AnnotationOutcomes): void {
    this.annotations[fate] += good;
    this.annotations.rejected += problems.length;
    for (const { code } of problems) this.annotationsByCode[code] = (this.annotationsByCode[code] ?? 0) + 1;
  }

  get accounted(): number {
    return sumOf(this.outcomes);
  }

  /** Of a finished run. */
  get balanced(): boolean {
    return this.listed === this.accounted && this.annotations.listed === sumOf(this.annotations);
  }

  /** An interrupted run lists only what has an outcome; the rest is `pending` (DESIGN.md §6). */
  totals(finished: boolean): Totals {
    if (finished) return { listed: this.listed, ...this.outcomes };
    const pending = this.listed - this.accounted;
    return { listed: this.accounted, ...this.outcomes, ...(pending > 0 ? { pending } : {}) };
  }

  /** As `totals`, of annotations; undefined when the run had none. */
  annotationTotals(finished: boolean): Omit<Totals, 'pending'> | undefined {
    const accounted = sumOf(this.annotations);
    const listed = finished ? this.annotations.listed : accounted;
    return listed === 0 ? undefined : { ...this.annotations, listed };
  }
}

const sumOf = ({ ok, rejected, failed, skipped }: Omit<Totals, 'listed' | 'pending'>): number =>
  ok + rejected + failed + skipped;

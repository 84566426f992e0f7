import type { Code } from '../model/codes.ts';
import type { Kind } from '../model/kind.ts';
import type { Outcome, Totals } from '../model/outcome.ts';

/**
 * The two sides of the identity `listed = ok + rejected + failed + skipped`.
 *
 * `listed` is counted where the loader yields, the outcomes where the ledger is appended; neither is derived from
 * the other.
 */
export class Accounts {
  listed = 0;
  readonly outcomes = { ok: 0, rejected: 0, failed: 0, skipped: 0 };
  readonly byCode: Partial<Record<Code, number>> = {};
  readonly byKind: Partial<Record<Kind, number>> = {};
  readonly warnings: Partial<Record<Code, number>> = {};
  /** Bytes of the items that are ok. */
  bytesStored = 0;

  countOutcome(outcome: Outcome): void {
    this.outcomes[outcome.outcome]++;
    this.byCode[outcome.code] = (this.byCode[outcome.code] ?? 0) + 1;
    for (const code of outcome.warnings ?? []) this.warnings[code] = (this.warnings[code] ?? 0) + 1;
    if (outcome.outcome !== 'ok') return;
    if (outcome.kind !== undefined) this.byKind[outcome.kind] = (this.byKind[outcome.kind] ?? 0) + 1;
    if (outcome.code === 'INPUT_SUCCESS') this.bytesStored += outcome.bytes ?? 0;
  }

  get accounted(): number {
    const { ok, rejected, failed, skipped } = this.outcomes;
    return ok + rejected + failed + skipped;
  }

  /** Of a finished run. */
  get balanced(): boolean {
    return this.listed === this.accounted;
  }

  /** An interrupted run lists only what has an outcome; the rest is `pending` (DESIGN.md §6). */
  totals(finished: boolean): Totals {
    if (finished) return { listed: this.listed, ...this.outcomes };
    const pending = this.listed - this.accounted;
    return { listed: this.accounted, ...this.outcomes, ...(pending > 0 ? { pending } : {}) };
  }
}

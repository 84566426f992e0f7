import type { Totals } from '../model/outcome.ts';

/** Where a run stands, for whoever shows it. */
export interface ProgressSnapshot {
  totals: Totals;
  bytesRead: number;
  /** Share of the source that has an outcome, 0–1; undefined while its size is unknown. */
  fraction?: number;
  itemsPerSecond: number;
  bytesPerSecond: number;
  etaMs?: number;
}

const WINDOW_MS = 20_000;

interface Sample {
  at: number;
  items: number;
  bytes: number;
  fraction: number | undefined;
}

/** What is known of a run at a moment. */
export interface ProgressInput {
  totals: Totals;
  bytesRead: number;
  listing?: { done: number; total?: number } | undefined;
}

/** Rates and ETA over a sliding window of samples, so that a slow start or a burst does not decide the estimate. */
export class ProgressMeter {
  readonly #samples: Sample[] = [];

  sample(now: number, state: ProgressInput): ProgressSnapshot {
    const { totals, bytesRead, listing } = state;
    const items = totals.ok + totals.rejected + totals.failed + totals.skipped;
    const fraction = fractionOf(totals, items, listing);
    this.#samples.push({ at: now, items, bytes: bytesRead, fraction });
    while (this.#samples.length > 2 && this.#samples[0]!.at < now - WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    const seconds = Math.max(1, now - first.at) / 1000;
    const snapshot: ProgressSnapshot = {
      totals,
      bytesRead,
      itemsPerSecond: (items - first.items) / seconds,
      bytesPerSecond: (bytesRead - first.bytes) / seconds,
    };
    if (fraction === undefined) return snapshot;
    const perSecond = (fraction - (first.fraction ?? 0)) / seconds;
    return {
      ...snapshot,
      fraction,
      ...(perSecond > 0 ? { etaMs: ((1 - fraction) / perSecond) * 1000 } : {}),
    };
  }
}

/** What was listed is `done / total` of the source; of that, `items / listed` has an outcome. */
function fractionOf(
  totals: Totals,
  items: number,
  listing: { done: number; total?: number } | undefined,
): number | undefined {
  if (listing?.total === undefined || listing.total === 0) return undefined;
  const listed = totals.listed + (totals.pending ?? 0);
  return Math.min(1, (listing.done / listing.total) * (listed === 0 ? 0 : items / listed));
}

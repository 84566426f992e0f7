import { z } from 'zod';
import type { ExportResult, Loss, LossCounts } from '../model/export.ts';

/** What a checkpoint remembers of the counts. */
export const tallyShape = z.strictObject({
  losses: z.record(z.string(), z.number()),
  written: z.number(),
  leftOut: z.number(),
});
export type TallyState = z.infer<typeof tallyShape>;

/** Counts what an export writes and what it cannot carry; every loss that it may have is there, with 0 at least. */
export class Tally {
  readonly #losses: LossCounts;
  #written: number;
  #leftOut: number;

  constructor(losses: readonly Loss[], { losses: counts, written, leftOut }: TallyState = EMPTY) {
    this.#losses = Object.fromEntries(losses.map(({ id }) => [id, counts[id] ?? 0]));
    this.#written = written;
    this.#leftOut = leftOut;
  }

  lose(id: string, count = 1): void {
    this.#losses[id]! += count;
  }

  /** Annotations that are in the files, and those that are not. */
  annotations(written: number, leftOut = 0): void {
    this.#written += written;
    this.#leftOut += leftOut;
  }

  get state(): TallyState {
    return { losses: { ...this.#losses }, written: this.#written, leftOut: this.#leftOut };
  }

  get result(): Pick<ExportResult, 'losses' | 'annotations'> {
    const { losses, written, leftOut } = this.state;
    return { losses, annotations: { written, leftOut } };
  }
}

const EMPTY: TallyState = { losses: {}, written: 0, leftOut: 0 };

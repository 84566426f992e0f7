import { KeyTable } from './key-table.ts';

/** Counts how often each key came, in flat memory: about 13 bytes a key, 26 more for one that repeats. */
export class KeyCounter {
  readonly #met = new KeyTable({ values: false });
  readonly #repeats = new KeyTable();

  /** The 1-based occurrence of `key` that this call is. */
  next(key: string): number {
    if (this.#met.set(key)) return 1;
    const occurrence = (this.#repeats.get(key) ?? 1) + 1;
    this.#repeats.set(key, occurrence);
    return occurrence;
  }
}

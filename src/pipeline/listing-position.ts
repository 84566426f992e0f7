import type { Loader } from '../model/contracts.ts';

/**
 * Where a listing could begin again without missing an entry that has no outcome yet: the place that the loader had
 * passed when the earliest of those was listed. Holds the uris of those entries only.
 */
export class ListingPosition {
  readonly #loader: Pick<Loader, 'position'>;
  /** In listing order. */
  readonly #open = new Map<string, string | undefined>();

  constructor(loader: Pick<Loader, 'position'>) {
    this.#loader = loader;
  }

  /** Must be told before the loader is asked for the next entry. */
  listed(uri: string): void {
    if (this.#loader.position !== undefined) this.#open.set(uri, this.#loader.position());
  }

  settled(uri: string): void {
    this.#open.delete(uri);
  }

  /** undefined where it can begin only at the beginning. */
  get safe(): string | undefined {
    for (const position of this.#open.values()) return position;
    return this.#loader.position?.();
  }
}

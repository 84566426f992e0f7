/**
 * Keeps `size` of any number of values: those whose keys have the lowest hashes. The choice is even, needs no
 * randomness, and is the same in whatever order the values come.
 */
export class Sample<T> {
  readonly #size: number;
  /** By rank, lowest first. */
  readonly #kept: { rank: number; key: string; value: T }[] = [];
  /** Values that were offered. */
  seen = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** `make` is called only for a value that is kept. */
  offer(key: string, make: () => T): void {
    this.seen++;
    const rank = rankOf(key);
    const last = this.#kept[this.#size - 1];
    if (last !== undefined && rank >= last.rank) return;
    const at = this.#kept.findIndex((kept) => kept.rank > rank);
    this.#kept.splice(at === -1 ? this.#kept.length : at, 0, { rank, key, value: make() });
    if (this.#kept.length > this.#size) this.#kept.pop();
  }

  /** By rank; those of a smaller sample come first. */
  get values(): T[] {
    return this.#kept.map(({ value }) => value);
  }

  /** By key. */
  get inOrder(): T[] {
    return [...this.#kept].sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ value }) => value);
  }
}

/** FNV-1a of the code units, mixed as murmur3 ends, for neighbours must not have neighbouring ranks. */
function rankOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A set of the integers from 0 up to and without `size`, one bit each. */
export class Bitset {
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32));
  }

  add(value: number): void {
    this.#words[value >>> 5]! |= 1 << (value & 31);
  }

  has(value: number): boolean {
    return ((this.#words[value >>> 5] ?? 0) & (1 << (value & 31))) !== 0;
  }
}

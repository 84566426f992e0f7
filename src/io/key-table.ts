/** Tables are split so that growing one copies a sixteenth of the whole, which keeps peak memory near the resting size. */
const SHARDS = 16;
const FIRST_CAPACITY = 64;
const MAX_LOAD = 0.8;
const GROWTH = 1.5;

/**
 * A map from strings to numbers in flat memory: open addressing over typed arrays, keyed by a 64-bit hash of the
 * string, 16 bytes a slot (8 without values), about 1.6 slots an entry and no string on the heap.
 *
 * Two strings with one hash are one key (one chance in 3 × 10^7 among a million keys); callers that must not err
 * verify against the text they hold elsewhere.
 */
export class KeyTable {
  readonly #shards: Shard[];

  constructor(options: { values: boolean } = { values: true }) {
    this.#shards = Array.from({ length: SHARDS }, () => new Shard(options.values));
  }

  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** The value of `key`; 0 for a present key of a table without values. */
  get(key: string): number | undefined {
    hash64(key);
    return this.#shards[hashLow & (SHARDS - 1)]!.get(hashHigh, hashLow);
  }

  /** Returns true when the key is new. */
  set(key: string, value = 0): boolean {
    hash64(key);
    return this.#shards[hashLow & (SHARDS - 1)]!.set(hashHigh, hashLow, value);
  }
}

class Shard {
  size = 0;
  #capacity = FIRST_CAPACITY;
  // Two words a slot: high, low. A pair of zeros is an empty slot.
  #keys = new Uint32Array(FIRST_CAPACITY * 2);
  #values: Float64Array | undefined;

  constructor(withValues: boolean) {
    this.#values = withValues ? new Float64Array(FIRST_CAPACITY) : undefined;
  }

  get(high: number, low: number): number | undefined {
    const slot = this.#find(high, low);
    if (this.#keys[slot * 2] === 0 && this.#keys[slot * 2 + 1] === 0) return undefined;
    return this.#values === undefined ? 0 : this.#values[slot];
  }

  set(high: number, low: number, value: number): boolean {
    const slot = this.#find(high, low);
    if (this.#values !== undefined) this.#values[slot] = value;
    if (this.#keys[slot * 2] !== 0 || this.#keys[slot * 2 + 1] !== 0) return false;
    this.#keys[slot * 2] = high;
    this.#keys[slot * 2 + 1] = low;
    this.size++;
    if (this.size > this.#capacity * MAX_LOAD) this.#grow();
    return true;
  }

  #find(high: number, low: number): number {
    let slot = Math.floor((high / 0x1_0000_0000) * this.#capacity);
    for (;;) {
      const h = this.#keys[slot * 2]!;
      const l = this.#keys[slot * 2 + 1]!;
      if ((h === high && l === low) || (h === 0 && l === 0)) return slot;
      slot++;
      if (slot === this.#capacity) slot = 0;
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const capacity = this.#capacity;
    this.#capacity = Math.ceil(capacity * GROWTH);
    this.#keys = new Uint32Array(this.#capacity * 2);
    if (values !== undefined) this.#values = new Float64Array(this.#capacity);
    for (let i = 0; i < capacity; i++) {
      const high = keys[i * 2]!;
      const low = keys[i * 2 + 1]!;
      if (high === 0 && low === 0) continue;
      const slot = this.#find(high, low);
      this.#keys[slot * 2] = high;
      this.#keys[slot * 2 + 1] = low;
      if (values !== undefined) this.#values![slot] = values[i]!;
    }
  }
}

let hashHigh = 0;
let hashLow = 0;

/**
 * Leaves a 64-bit hash of the string's UTF-16 units in `hashHigh` and `hashLow`: two multiply-xor lanes, mixed with
 * each other and finished as in MurmurHash3. Two variables instead of a result object: it runs for every item.
 */
function hash64(key: string): void {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    b = Math.imul(b ^ unit, 0x5f356495);
    a = (a << 13) | (a >>> 19);
    b = (b << 15) | (b >>> 17);
  }
  a = mix(a ^ key.length);
  b = mix(b ^ a);
  a = mix(a ^ b);
  hashHigh = a >>> 0;
  hashLow = b >>> 0 || 1;
}

function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

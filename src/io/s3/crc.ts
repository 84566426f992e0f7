/**
 * CRCs that zlib has not, eight bytes a step, by tables: `TABLES[k][b]` is what the byte `b` becomes when `k` more
 * bytes follow it. Polynomials and sums are reflected.
 */

/** Castagnoli's. */
const CRC32C = 0x82f63b78;
/** That of NVM Express, the lower and the upper half. */
const CRC64_LOW = 0xac4bc9b5;
const CRC64_HIGH = 0x9a6c9329;

const BYTES = 8;

/** Each of 8 × 256, the lower halves before the upper ones. */
let castagnoli: Int32Array | undefined;
let nvmeLow: Int32Array | undefined;
let nvmeHigh: Int32Array | undefined;

/** CRC-32C of `chunk` behind bytes whose CRC is `crc`. */
export function crc32c(chunk: Uint8Array, crc = 0): number {
  castagnoli ??= tables(CRC32C, 0).low;
  const table = castagnoli;
  let rest = ~crc;
  let at = 0;
  for (const end = chunk.length - BYTES + 1; at < end; at += BYTES) {
    rest ^= word(chunk, at);
    rest =
      table[0x700 | (rest & 0xff)]! ^
      table[0x600 | ((rest >>> 8) & 0xff)]! ^
      table[0x500 | ((rest >>> 16) & 0xff)]! ^
      table[0x400 | (rest >>> 24)]! ^
      table[0x300 | chunk[at + 4]!]! ^
      table[0x200 | chunk[at + 5]!]! ^
      table[0x100 | chunk[at + 6]!]! ^
      table[chunk[at + 7]!]!;
  }
  for (; at < chunk.length; at++) rest = table[(rest ^ chunk[at]!) & 0xff]! ^ (rest >>> 8);
  return ~rest >>> 0;
}

/** A CRC-64/NVME over chunk after chunk. */
export class Crc64Nvme {
  #low = -1;
  #high = -1;

  update(chunk: Uint8Array): void {
    if (nvmeLow === undefined || nvmeHigh === undefined)
      ({ low: nvmeLow, high: nvmeHigh } = tables(CRC64_LOW, CRC64_HIGH));
    const [lows, highs] = [nvmeLow, nvmeHigh];
    let low = this.#low;
    let high = this.#high;
    let at = 0;
    for (const end = chunk.length - BYTES + 1; at < end; at += BYTES) {
      low ^= word(chunk, at);
      high ^= word(chunk, at + 4);
      const a = 0x700 | (low & 0xff);
      const b = 0x600 | ((low >>> 8) & 0xff);
      const c = 0x500 | ((low >>> 16) & 0xff);
      const d = 0x400 | (low >>> 24);
      const e = 0x300 | (high & 0xff);
      const f = 0x200 | ((high >>> 8) & 0xff);
      const g = 0x100 | ((high >>> 16) & 0xff);
      const h = high >>> 24;
      low = lows[a]! ^ lows[b]! ^ lows[c]! ^ lows[d]! ^ lows[e]! ^ lows[f]! ^ lows[g]! ^ lows[h]!;
      high = highs[a]! ^ highs[b]! ^ highs[c]! ^ highs[d]! ^ highs[e]! ^ highs[f]! ^ highs[g]! ^ highs[h]!;
    }
    for (; at < chunk.length; at++) {
      const index = (low ^ chunk[at]!) & 0xff;
      low = lows[index]! ^ ((low >>> 8) | (high << 24));
      high = highs[index]! ^ (high >>> 8);
    }
    this.#low = low;
    this.#high = high;
  }

  /** Eight bytes, the highest first. */
  digest(): Buffer {
    const bytes = Buffer.alloc(BYTES);
    bytes.writeInt32BE(~this.#high, 0);
    bytes.writeInt32BE(~this.#low, 4);
    return bytes;
  }
}

const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

function tables(polyLow: number, polyHigh: number): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(BYTES * 256);
  const high = new Int32Array(BYTES * 256);
  for (let index = 0; index < low.length; index++) {
    // A byte, or what the one before became, goes through eight more bits.
    let l = index < 256 ? index : low[index - 256]!;
    let h = index < 256 ? 0 : high[index - 256]!;
    for (let bit = 0; bit < 8; bit++) {
      const carry = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (carry) {
        l ^= polyLow;
        h ^= polyHigh;
      }
    }
    low[index] = l;
    high[index] = h;
  }
  return { low, high };
}

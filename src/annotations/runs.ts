import { RejectedItemError } from '../model/errors.ts';

/**
 * COCO's run-length encoding of a bitmap: lengths of runs in column-major order, zeros first, so that every second
 * one counts ones. A first run of 0 says that the bitmap begins with a one; no other run need be 0.
 */
export type Runs = Uint32Array;

/** Most pixels of a mask, so that every length and every difference of two is a 32-bit integer. */
export const MAX_MASK_PIXELS = 2 ** 31 - 1;

/** Characters carry 5 bits each from `0` on; a sixth says that more follow. */
const FIRST_CHARACTER = 48;
const BITS = 5;
const VALUE = 0x1f;
const SIGN = 0x10;
const MORE = 0x20;
/** Of 32 bits. */
const MAX_CHARACTERS = 7;

/**
 * Reads the compressed form (`rleFrString` of pycocotools): signed numbers of 5 bits a character, lowest first, from
 * the fourth on as differences to the run before the last. Throws RejectedItemError MASK_INVALID.
 */
export function parseRuns(text: string): Runs {
  const runs = new Uint32Array(text.length);
  let count = 0;
  let value = 0;
  let shift = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at) - FIRST_CHARACTER;
    if (unit < 0 || unit > (MORE | VALUE) || shift >= MAX_CHARACTERS * BITS) throw unreadable(text, at);
    value |= (unit & VALUE) << shift;
    shift += BITS;
    if ((unit & MORE) !== 0) continue;
    if ((unit & SIGN) !== 0 && shift < 32) value |= -1 << shift;
    if (count > 2) value += runs[count - 2]!;
    if (value < 0 || value > MAX_MASK_PIXELS) throw unreadable(text, at);
    runs[count++] = value;
    value = 0;
    shift = 0;
  }
  if (shift !== 0) throw unreadable(text, text.length);
  return runs.slice(0, count);
}

function unreadable(text: string, at: number): RejectedItemError {
  const where = at < text.length ? `at character ${at + 1}` : 'at its end';
  return new RejectedItemError('MASK_INVALID', `mask: the run-length string cannot be read ${where}`, {
    measured: text.slice(0, 40),
  });
}

/** Writes the compressed form (`rleToString`). */
export function formatRuns(runs: Runs): string {
  const out = Buffer.allocUnsafe(runs.length * MAX_CHARACTERS);
  let length = 0;
  for (let i = 0; i < runs.length; i++) {
    let value = i > 2 ? runs[i]! - runs[i - 2]! : runs[i]!;
    // Most fit one character.
    if (value >= -SIGN && value < SIGN) {
      out[length++] = (value & VALUE) + FIRST_CHARACTER;
      continue;
    }
    for (;;) {
      const bits = value & VALUE;
      value >>= BITS;
      if (value === ((bits & SIGN) !== 0 ? -1 : 0)) {
        out[length++] = bits + FIRST_CHARACTER;
        break;
      }
      out[length++] = (bits | MORE) + FIRST_CHARACTER;
    }
  }
  return out.toString('latin1', 0, length);
}

/** Four pixels at once, as a little-endian word: the first pixel is the lowest byte. */
const ONES = 0x01010101;
let scratch: Runs = new Uint32Array(1024);

/** The runs of a column-major bitmap, in which every byte that is not 0 is a one (`rleEncode`). */
export function encodeColumns(bitmap: Uint8Array): Runs {
  const { buffer, byteOffset, length } = bitmap.byteOffset % 4 === 0 ? bitmap : bitmap.slice();
  const words = new Int32Array(buffer, byteOffset, length >> 2);
  let runs = scratch;
  let count = 0;
  let start = 0;
  let last = 0;
  for (let at = 0; at < words.length; at++) {
    // Within a run there is nothing to do.
    const inside = last === 0 ? 0 : ONES;
    while (at < words.length && words[at] === inside) at++;
    if (at === words.length) break;
    const word = toBits(words[at]!);
    // A byte is 1 where a pixel differs from the one before it.
    let changes = word ^ ((word << 8) | last);
    last = word >>> 24;
    if (count + 8 > runs.length) runs = grown(runs);
    while (changes !== 0) {
      const lowest = changes & -changes;
      const pixel = (at << 2) + ((31 - Math.clz32(lowest)) >> 3);
      runs[count++] = pixel - start;
      start = pixel;
      changes ^= lowest;
    }
  }
  for (let at = words.length << 2; at < length; at++) {
    const bit = bitmap[at] === 0 ? 0 : 1;
    if (bit === last) continue;
    runs[count++] = at - start;
    start = at;
    last = bit;
  }
  if (count === 0 || start < length) runs[count++] = length - start;
  scratch = runs;
  return runs.slice(0, count);
}

/** Bytes that are not 0 as 1. */
function toBits(word: number): number {
  if ((word & ~ONES) === 0) return word;
  const folded = word | (word >>> 4);
  const halves = folded | (folded >>> 2);
  return (halves | (halves >>> 1)) & ONES;
}

function grown(runs: Runs): Runs {
  const larger = new Uint32Array(runs.length * 2);
  larger.set(runs);
  return larger;
}

/** Below this a loop is faster than a call of `fill`. */
const SHORT_RUN = 32;

/** The column-major bitmap of runs that fill it, a byte of 0 or 1 for each pixel (`rleDecode`). */
export function decodeColumns(runs: Runs, pixels: number): Uint8Array {
  const bitmap = new Uint8Array(pixels);
  let at = 0;
  for (let i = 1; i < runs.length; i += 2) {
    at += runs[i - 1]!;
    const end = at + runs[i]!;
    if (end - at >= SHORT_RUN) bitmap.fill(1, at, end);
    else for (; at < end; at++) bitmap[at] = 1;
    at = end;
  }
  return bitmap;
}

/** Pixels that are set. */
export function areaOf(runs: Runs): number {
  let area = 0;
  for (let i = 1; i < runs.length; i += 2) area += runs[i]!;
  return area;
}

/** All pixels; of a mask that can be read it is height × width. */
export function pixelsOf(runs: Runs): number {
  let pixels = 0;
  for (const run of runs) pixels += run;
  return pixels;
}

/** The smallest box around the ones, in whole pixels as [left, top, width, height]; zeros of an empty mask (`toBbox`). */
export function boundsOf(runs: Runs, height: number): [number, number, number, number] {
  let left = Number.POSITIVE_INFINITY;
  let top = height;
  let right = -1;
  let bottom = -1;
  let at = 0;
  for (let i = 1; i < runs.length; i += 2) {
    const start = at + runs[i - 1]!;
    at = start + runs[i]!;
    if (at === start) continue;
    const firstColumn = Math.floor(start / height);
    const lastColumn = Math.floor((at - 1) / height);
    left = Math.min(left, firstColumn);
    right = Math.max(right, lastColumn);
    // A run that goes on in the next column touches the lower and the upper edge.
    const within = firstColumn === lastColumn;
    top = Math.min(top, within ? start % height : 0);
    bottom = Math.max(bottom, within ? (at - 1) % height : height - 1);
  }
  return right < 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}

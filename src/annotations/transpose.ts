/** Rows and columns of a block, so that both of its sides stay in the processor's nearest cache. */
const BLOCK = 32;

/**
 * Turns a row-major bitmap of `rows` × `columns` bytes into a column-major one; the other way with the sizes swapped.
 * Most masks are small in their image, so rows without a one are passed over.
 */
export function transpose(bitmap: Uint8Array, rows: number, columns: number): Uint8Array {
  const result = new Uint8Array(rows * columns);
  const { buffer, byteOffset, length } = bitmap.byteOffset % 4 === 0 ? bitmap : bitmap.slice();
  const words = new Int32Array(buffer, byteOffset, length >> 2);
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows);
    // The first byte of a block of rows is the first of a word; the end may lie within one.
    if (isZero(words, (top * columns) >> 2, Math.ceil((bottom * columns) / 4))) continue;
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(left + BLOCK, columns);
      for (let column = left; column < right; column++) {
        let from = top * columns + column;
        for (let to = column * rows + top, end = column * rows + bottom; to < end; to++) {
          result[to] = bitmap[from]!;
          from += columns;
        }
      }
    }
  }
  return result;
}

/** Whether words are there and are 0. */
function isZero(words: Int32Array, from: number, to: number): boolean {
  let at = from;
  while (at < to && words[at] === 0) at++;
  return at === to;
}

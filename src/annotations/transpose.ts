/** Rows and columns of a block, so that both of its sides stay in the processor's nearest cache. */
const BLOCK = 32;

/** Turns a row-major bitmap of `rows` × `columns` bytes into a column-major one; the other way with the sizes swapped. */
export function transpose(bitmap: Uint8Array, rows: number, columns: number): Uint8Array {
  const result = new Uint8Array(rows * columns);
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(top + BLOCK, rows);
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

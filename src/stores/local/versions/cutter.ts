import { hash } from 'node:crypto';

/** Rows of a chunk, on average, when they are small. */
const ROWS = 1000;
/** Characters of a chunk, on average, when they are large. */
const CHARS = 1_000_000;
/** No chunk is longer, unless its last row alone makes it so. */
const MAX_CHARS = 4 * CHARS;

/**
 * Cuts rows, in the order of their ids, into chunks.
 *
 * Whether a chunk ends with a row depends on that row alone (a hash of its id, and its length), so a row that is
 * added, changed or removed changes the chunk it is in and at most the neighbour; all others stay what they are in the
 * version before.
 */
export class Cutter {
  #lines: string[] = [];
  #chars = 0;
  #lastId = '';

  /** Returns the chunk that ends with this row, if one does. `line` is JSON without a line break. */
  add(id: string, line: string): Cut | undefined {
    this.#lines.push(line);
    this.#chars += line.length + 1;
    this.#lastId = id;
    return this.#chars >= MAX_CHARS || endsChunk(id, line.length) ? this.end() : undefined;
  }

  /** What is left after the last row. */
  end(): Cut | undefined {
    if (this.#lines.length === 0) return undefined;
    const chunk = { text: `${this.#lines.join('\n')}\n`, rows: this.#lines.length, last: this.#lastId };
    this.#lines = [];
    this.#chars = 0;
    return chunk;
  }
}

export interface Cut {
  /** JSON Lines. */
  text: string;
  rows: number;
  /** Id of the last row. */
  last: string;
}

function endsChunk(id: string, chars: number): boolean {
  const uniform = Number.parseInt(hash('sha256', id, 'hex').slice(0, 8), 16) / 0x1_0000_0000;
  return uniform < Math.max(1 / ROWS, chars / CHARS);
}

import type { VectorRow } from '../../../model/vector-index.ts';

/** Vectors that are kept, in bytes. */
const KEPT_BYTES = 8_000_000;

/**
 * The vectors of contents that were copied lately. Thousands of inputs may have one content (a caption `n/a`), and each
 * copy that asks the table reads the rows of all of them: 100 000 took 41 s and 2.8 GB, and take 6 s and 0.75 GB.
 */
export class Donors {
  /** The one that was not asked for the longest is first. */
  readonly #kept = new Map<string, readonly VectorRow[]>();
  #bytes = 0;

  find(contents: readonly string[]): { found: Map<string, readonly VectorRow[]>; missing: string[] } {
    const found = new Map<string, readonly VectorRow[]>();
    const missing: string[] = [];
    for (const content of contents) {
      const rows = this.#kept.get(content);
      if (rows === undefined) {
        missing.push(content);
        continue;
      }
      found.set(content, rows);
      this.#kept.delete(content);
      this.#kept.set(content, rows);
    }
    return { found, missing };
  }

  /** The rows of one input with the content, each vector with memory of its own. */
  keep(content: string, rows: readonly VectorRow[]): void {
    this.#forget(content);
    this.#kept.set(content, rows);
    this.#bytes += bytesOf(rows);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES) return;
      this.#forget(oldest);
    }
  }

  #forget(content: string): void {
    const rows = this.#kept.get(content);
    if (rows === undefined) return;
    this.#kept.delete(content);
    this.#bytes -= bytesOf(rows);
  }
}

const bytesOf = (rows: readonly VectorRow[]): number =>
  rows.reduce((sum, { vector }) => sum + vector.byteLength, 0);

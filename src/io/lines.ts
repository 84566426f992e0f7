const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A line of a file, without what ends it. */
export interface Line {
  /** Counted from 1. */
  number: number;
  bytes: Buffer;
  /** How many bytes the line has; more than `bytes` where it is over the limit. */
  length: number;
}

/**
 * Cuts bytes into lines that end in LF or CRLF, those of a chunk together. The last line need not end; a byte order
 * mark of UTF-8 is left out. Of a line over `maxBytes` only so many are kept, so memory is bounded.
 */
export async function* cutLines(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line[]> {
  const line = new OpenLine(maxBytes);
  for await (const chunk of source) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      line.add(chunk.subarray(start, end));
      lines.push(line.end());
      start = end + 1;
    }
    line.add(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (!line.isEmpty) yield [line.end()];
}

/** The line whose end has not come yet. */
class OpenLine {
  readonly #maxBytes: number;
  #number = 1;
  #parts: Buffer[] = [];
  #held = 0;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(part: Buffer): void {
    this.#length += part.length;
    // Room for a carriage return beyond the limit, which does not count.
    const kept = part.subarray(0, this.#maxBytes + 1 - this.#held);
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#held += kept.length;
  }

  end(): Line {
    let bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    let length = this.#length;
    if (length === bytes.length && bytes.at(-1) === CARRIAGE_RETURN) {
      bytes = bytes.subarray(0, -1);
      length--;
    }
    if (this.#number === 1 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) {
      bytes = bytes.subarray(3);
      length -= 3;
    }
    const line = { number: this.#number++, bytes: bytes.subarray(0, this.#maxBytes), length };
    this.#parts = [];
    this.#held = 0;
    this.#length = 0;
    return line;
  }
}

const FIRST_CAPACITY = 1024;

/** Bytes that are somewhere else and have their place in a message: the media of an input. */
export interface Outside {
  readonly outside: number;
}

export type Piece = Buffer | Outside;

/**
 * Writes a message from its end to its beginning, so that the length of what lies inside is known when it is to be
 * written before it: nothing is measured twice or moved.
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  /** Of the first byte written. */
  #at = FIRST_CAPACITY;
  /** What lies behind the buffer's content, the last piece first. */
  readonly #behind: Piece[] = [];
  #behindBytes = 0;

  /** Bytes so far, those outside included. */
  get length(): number {
    return this.#behindBytes + this.#buffer.length - this.#at;
  }

  varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    let at = this.#room(size);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#buffer[at++] = (rest % 0x80) | 0x80;
    this.#buffer[at] = rest;
  }

  float(value: number): void {
    const at = this.#room(4);
    this.#buffer.writeFloatLE(value, at);
  }

  double(value: number): void {
    const at = this.#room(8);
    this.#buffer.writeDoubleLE(value, at);
  }

  bytes(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#buffer.set(value, at);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    const at = this.#room(length);
    this.#buffer.write(value, at, length, 'utf8');
  }

  outside(bytes: number): void {
    this.#cut();
    this.#behind.push({ outside: bytes });
    this.#behindBytes += bytes;
  }

  /** In the order of the message. */
  finish(): Piece[] {
    this.#cut();
    return this.#behind.reverse();
  }

  /** Where `size` bytes are to be written; the buffer may be another one afterwards. */
  #room(size: number): number {
    if (this.#at < size) {
      const used = this.#buffer.length - this.#at;
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size));
      this.#buffer.copy(larger, larger.length - used, this.#at);
      this.#buffer = larger;
      this.#at = larger.length - used;
    }
    this.#at -= size;
    return this.#at;
  }

  #cut(): void {
    const piece = this.#buffer.subarray(this.#at);
    if (piece.length === 0) return;
    this.#behind.push(piece);
    this.#behindBytes += piece.length;
    this.#buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
    this.#at = FIRST_CAPACITY;
  }
}

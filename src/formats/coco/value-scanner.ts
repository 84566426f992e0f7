const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Deeper values are refused; the deepest that COCO has is four. */
const MAX_DEPTH = 1000;

/** The bytes that say where a value ends: quotes and brackets. */
const TELLING = new Uint8Array(256);
for (const byte of [QUOTE, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT]) TELLING[byte] = 1;
/** What ends a number or word. */
const DELIMITER = new Uint8Array(256);
for (const byte of Buffer.from(' \t\r\n,:"[]{}')) DELIMITER[byte] = 1;

export const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** More bytes are needed to tell. */
export const MORE = -1;
/** The value cannot be JSON: a bracket closes what another opened, or it is nested too deep. */
export const BROKEN = -2;

/**
 * Finds where a JSON value ends without parsing it: only strings and brackets are looked at, so that a number which
 * is none (`NaN`) stays inside its own value.
 */
export class ValueScanner {
  /** Of the object scanned last: where the value of each member asked for begins; −1 where it has none. */
  readonly memberAt: Int32Array;
  /** Where the value scanned last is broken. */
  faultAt = 0;
  readonly #members: readonly Buffer[];
  readonly #closers = new Uint8Array(MAX_DEPTH);

  /** `members`: names of the object's own members whose places are wanted. */
  constructor(members: readonly string[] = []) {
    this.#members = members.map((name) => Buffer.from(name));
    this.memberAt = new Int32Array(members.length);
  }

  /** Where the value that begins at `start` ends (exclusive), MORE or BROKEN. `length`: bytes that are there. */
  scan(bytes: Uint8Array, start: number, length: number, atEnd: boolean): number {
    this.memberAt.fill(-1);
    const first = bytes[start]!;
    if (first === QUOTE) return stringEnd(bytes, start, length);
    if (first === OPEN_LIST || first === OPEN_OBJECT) return this.#nested(bytes, start, length);
    let at = start;
    while (at < length && DELIMITER[bytes[at]!] === 0) at++;
    if (at === length && !atEnd) return MORE;
    if (at > start) return at;
    this.faultAt = start;
    return BROKEN;
  }

  #nested(bytes: Uint8Array, start: number, length: number): number {
    const closers = this.#closers;
    let depth = 0;
    for (let at = start; at < length; at++) {
      const byte = bytes[at]!;
      if (TELLING[byte] === 0) continue;
      if (byte === QUOTE) {
        const end = stringEnd(bytes, at, length);
        if (end === MORE) return MORE;
        if (depth === 1 && closers[0] === CLOSE_OBJECT) this.#note(bytes, at + 1, end - 1, length);
        at = end - 1;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (depth === MAX_DEPTH) return this.#broken(at);
        closers[depth++] = byte + 2;
      } else {
        if (closers[--depth] !== byte) return this.#broken(at);
        if (depth === 0) return at + 1;
      }
    }
    return MORE;
  }

  #broken(at: number): typeof BROKEN {
    this.faultAt = at;
    return BROKEN;
  }

  /** Notes where the value begins if the string from `start` to `end` is the name of a wanted member. */
  #note(bytes: Uint8Array, start: number, end: number, length: number): void {
    for (let i = 0; i < this.#members.length; i++) {
      const name = this.#members[i]!;
      if (name.length !== end - start || !startsWith(bytes, start, name)) continue;
      let at = end + 1;
      while (at < length && isSpace(bytes[at]!)) at++;
      if (bytes[at] !== COLON) return;
      at++;
      while (at < length && isSpace(bytes[at]!)) at++;
      this.memberAt[i] = at;
    }
  }
}

/** Behind the closing quote of the string whose opening one is at `start`, or MORE. */
export function stringEnd(bytes: Uint8Array, start: number, length: number): number {
  for (let at = start + 1; at < length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  return MORE;
}

function startsWith(bytes: Uint8Array, start: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

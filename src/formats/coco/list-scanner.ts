import { BROKEN, isSpace, MORE, stringEnd, ValueScanner } from './value-scanner.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const WINDOW_BYTES = 1024 * 1024;
/** One element; a run-length mask of 100 megapixels at its worst is smaller. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;

/** The text is no JSON, or not of the shape that is read. `offset`: the byte of the file, from 0. */
export class BrokenJson extends Error {
  override readonly name = 'BrokenJson';
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super(reason);
    this.offset = offset;
  }
}

export interface ListHandler {
  /** Names of members whose places in each element are wanted, see `ValueScanner.memberAt`. */
  members?: readonly string[];
  /** `bytes` is overwritten afterwards; `offset` is where the element begins in the file. */
  element(bytes: Buffer, start: number, end: number, offset: number, memberAt: Int32Array): void;
}

/** Fills `into` from where the last call ended; 0 at the end. */
export type ReadOn = (into: Uint8Array) => Promise<number>;

type Expected = 'object' | 'first key' | 'key' | 'value' | 'next' | 'first element' | 'element' | 'end';

const EXPECTED: Record<Expected, string> = {
  object: 'expected a JSON object, {',
  'first key': 'expected a key in quotes, or }',
  key: 'expected a key in quotes',
  value: 'expected a value',
  next: 'expected , or }',
  'first element': 'expected a value, or ]',
  element: 'expected a value',
  end: 'expected nothing more after the closing }',
};

/**
 * Reads a JSON object of any size and hands over the elements of those of its own members that are lists and have a
 * handler, unparsed and in the order of the file; all else is skipped. Memory is bounded by the largest value.
 */
export class ListScanner {
  /** Members with a handler that were met, and whether they are lists. */
  readonly met = new Map<string, boolean>();
  readonly #read: ReadOn;
  readonly #handlers: ReadonlyMap<string, ListHandler>;
  readonly #scanners: ReadonlyMap<string, ValueScanner>;
  readonly #plain = new ValueScanner();
  #bytes: Buffer;
  #at = 0;
  #length = 0;
  /** Of the first byte of the window. */
  #offset = 0;
  #atEnd = false;
  #expected: Expected = 'object';
  #key = '';

  constructor(read: ReadOn, handlers: Record<string, ListHandler>, windowBytes = WINDOW_BYTES) {
    this.#read = read;
    this.#handlers = new Map(Object.entries(handlers));
    this.#scanners = new Map(
      Object.entries(handlers).map(([name, { members }]) => [name, new ValueScanner(members)]),
    );
    this.#bytes = Buffer.allocUnsafe(windowBytes);
  }

  /** Throws BrokenJson, the signal's reason, and what `read` and the handlers throw. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#fill();
    if (this.#bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) this.#at = 3;
    for (;;) {
      while (this.#step());
      if (this.#atEnd) break;
      signal.throwIfAborted();
      await this.#fill();
    }
    if (this.#expected !== 'end')
      throw new BrokenJson('the file ends in the middle', this.#offset + this.#length);
  }

  /** Moves on by one piece of grammar; false when that needs more bytes. */
  #step(): boolean {
    if (!this.#skipSpace()) return false;
    const byte = this.#bytes[this.#at]!;
    switch (this.#expected) {
      case 'object':
        return this.#take(byte === OPEN_OBJECT, 'first key');
      case 'first key':
        return byte === CLOSE_OBJECT ? this.#take(true, 'end') : this.#takeKey();
      case 'key':
        return this.#takeKey();
      case 'value':
        return this.#value(byte);
      case 'next':
        return byte === COMMA ? this.#take(true, 'key') : this.#take(byte === CLOSE_OBJECT, 'end');
      case 'first element':
        return byte === CLOSE_LIST ? this.#take(true, 'next') : this.#elements();
      case 'element':
        return this.#elements();
      case 'end':
        throw this.#unexpected();
    }
  }

  #take(fits: boolean, expected: Expected): boolean {
    if (!fits) throw this.#unexpected();
    this.#at++;
    this.#expected = expected;
    return true;
  }

  /** A key with its colon. */
  #takeKey(): boolean {
    const start = this.#at;
    if (this.#bytes[start] !== QUOTE) throw this.#unexpected();
    const end = stringEnd(this.#bytes, start, this.#length);
    if (end === MORE) return false;
    this.#at = end;
    if (!this.#skipSpace()) {
      this.#at = start;
      return false;
    }
    if (this.#bytes[this.#at] !== COLON)
      throw new BrokenJson('expected : after a key', this.#offset + this.#at);
    this.#key = keyText(this.#bytes.toString('utf8', start, end));
    this.#at++;
    this.#expected = 'value';
    return true;
  }

  #value(first: number): boolean {
    const handler = this.#handlers.get(this.#key);
    if (handler !== undefined) this.met.set(this.#key, first === OPEN_LIST);
    if (handler !== undefined && first === OPEN_LIST) return this.#take(true, 'first element');
    const end = this.#scan(this.#plain);
    if (end === MORE) return false;
    this.#at = end;
    this.#expected = 'next';
    return true;
  }

  /** As many elements as the window holds whole. */
  #elements(): boolean {
    const { element } = this.#handlers.get(this.#key)!;
    const scanner = this.#scanners.get(this.#key)!;
    for (;;) {
      const end = this.#scan(scanner);
      if (end === MORE) return false;
      const start = this.#at;
      this.#at = end;
      // What follows the element is needed, too: the window ends here, and the element is handed over again later.
      if (!this.#skipSpace()) {
        this.#at = start;
        return false;
      }
      element(this.#bytes, start, end, this.#offset + start, scanner.memberAt);
      const next = this.#bytes[this.#at]!;
      if (next !== COMMA && next !== CLOSE_LIST)
        throw new BrokenJson('expected , or ]', this.#offset + this.#at);
      this.#at++;
      this.#expected = next === COMMA ? 'element' : 'next';
      if (next === CLOSE_LIST || !this.#skipSpace()) return true;
    }
  }

  #scan(scanner: ValueScanner): number {
    const end = scanner.scan(this.#bytes, this.#at, this.#length, this.#atEnd);
    if (end === BROKEN) throw new BrokenJson('unexpected character', this.#offset + scanner.faultAt);
    return end;
  }

  /** False when the window ends before something else. */
  #skipSpace(): boolean {
    while (this.#at < this.#length && isSpace(this.#bytes[this.#at]!)) this.#at++;
    return this.#at < this.#length;
  }

  #unexpected(): BrokenJson {
    return new BrokenJson(EXPECTED[this.#expected], this.#offset + this.#at);
  }

  /** Drops what was read and appends at least as much as waits, so that a large value is scanned a few times only. */
  async #fill(): Promise<void> {
    const waiting = this.#length - this.#at;
    if (waiting > MAX_VALUE_BYTES)
      throw new BrokenJson(`a value of more than ${MAX_VALUE_BYTES} bytes`, this.#offset + this.#at);
    const wanted = Math.max(this.#bytes.length, waiting * 2);
    const into = wanted > this.#bytes.length ? Buffer.allocUnsafe(wanted) : this.#bytes;
    this.#bytes.copy(into, 0, this.#at, this.#length);
    this.#bytes = into;
    this.#offset += this.#at;
    this.#at = 0;
    this.#length = waiting;
    while (this.#length < into.length && !this.#atEnd) {
      const bytesRead = await this.#read(into.subarray(this.#length));
      this.#length += bytesRead;
      this.#atEnd = bytesRead === 0;
    }
  }
}

function keyText(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted.slice(1, -1);
  }
}

import { CellError } from './cell-error.ts';

/** Deeper nesting is refused, because whoever walks the value later does so recursively. */
export const MAX_DEPTH = 100;

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_]+/y;
const WORDS = new Map<string, unknown>([
  ['None', null],
  ['null', null],
  ['True', true],
  ['true', true],
  ['False', false],
  ['false', false],
]);
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  a: '\x07',
  v: '\v',
};
/** Digits of the numeric escapes. */
const HEX_ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/**
 * Reads a Python literal of dicts, lists, tuples, strings, numbers, True, False and None, and JSON with it.
 *
 * A single quote inside a single-quoted string counts as an apostrophe when what follows cannot follow a string:
 * `{'k': 'it's'}` is read as meant, and no valid literal changes its meaning by it. Throws CellError with the offset
 * of the offending character.
 */
export function parsePythonDict(text: string): unknown {
  const parser = new Parser(text);
  return parser.whole();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    const value = this.#value(0, '');
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#expected('the end of the cell');
    return value;
  }

  /** `followers`: the characters that may follow the value; none means the end of the text. */
  #value(depth: number, followers: string): unknown {
    this.#skipSpace();
    if (depth > MAX_DEPTH) throw new CellError(`nested deeper than ${MAX_DEPTH} levels`, this.#at);
    const first = this.#text[this.#at];
    if (first === '{') return this.#dict(depth);
    if (first === '[') return this.#list(depth, ']');
    if (first === '(') return this.#list(depth, ')');
    if (first === "'" || first === '"') return this.#string(followers);
    if (first === 'u' && /^u['"]/.test(this.#text.slice(this.#at, this.#at + 2))) {
      this.#at++;
      return this.#string(followers);
    }
    return this.#scalar();
  }

  #dict(depth: number): Record<string, unknown> {
    const dict: Record<string, unknown> = {};
    this.#at++;
    for (;;) {
      this.#skipSpace();
      if (this.#take('}')) return dict;
      const key = this.#value(depth + 1, ':');
      if (typeof key === 'object' && key !== null) throw this.#expected('a key that is text or a number');
      this.#skipSpace();
      if (!this.#take(':')) throw this.#expected('":" after the key');
      const value = this.#value(depth + 1, ',}');
      // Defined, not assigned: "__proto__" is a key like any other.
      Object.defineProperty(dict, String(key), {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
      this.#skipSpace();
      if (!this.#take(',') && this.#text[this.#at] !== '}') throw this.#expected('"," or "}"');
    }
  }

  #list(depth: number, close: string): unknown[] {
    const list: unknown[] = [];
    this.#at++;
    for (;;) {
      this.#skipSpace();
      if (this.#take(close)) return list;
      list.push(this.#value(depth + 1, `,${close}`));
      this.#skipSpace();
      if (!this.#take(',') && this.#text[this.#at] !== close) throw this.#expected(`"," or "${close}"`);
    }
  }

  #string(followers: string): string {
    const text = this.#text;
    const open = this.#at++;
    const quote = text[open]!;
    let out = '';
    for (let from = this.#at; ; this.#at++) {
      const c = text[this.#at];
      if (c === undefined) throw new CellError('the string that begins here is not closed', open);
      if (c === '\\') {
        out += text.slice(from, this.#at) + this.#escape();
        from = this.#at;
        this.#at--;
      } else if (c === quote && (quote === '"' || this.#endsString(followers))) {
        out += text.slice(from, this.#at++);
        return out;
      }
    }
  }

  /** Whether what follows the quote at hand may follow a string. */
  #endsString(followers: string): boolean {
    SPACE.lastIndex = this.#at + 1;
    SPACE.exec(this.#text);
    const next = this.#text[SPACE.lastIndex];
    return next === undefined || followers.includes(next);
  }

  /** Reads the escape at hand and moves past it. */
  #escape(): string {
    const at = this.#at;
    const kind = this.#text[at + 1];
    if (kind === undefined) throw new CellError('a backslash ends the cell', at);
    const digits = HEX_ESCAPES[kind];
    this.#at = at + 2 + (digits ?? 0);
    if (digits === undefined) return ESCAPES[kind] ?? ('\\\'"/'.includes(kind) ? kind : `\\${kind}`);
    const hex = this.#text.slice(at + 2, this.#at);
    const code = Number.parseInt(hex, 16);
    if (hex.length !== digits || !/^[0-9a-f]+$/i.test(hex) || code > 0x10ffff)
      throw new CellError(`\\${kind} needs ${digits} hexadecimal digits`, at);
    return String.fromCodePoint(code);
  }

  #scalar(): unknown {
    const start = this.#at;
    const digits = this.#match(NUMBER);
    if (digits !== undefined) {
      const number = Number(digits);
      if (Number.isFinite(number)) return number;
      throw new CellError(`the number ${digits} is too large`, start);
    }
    const word = this.#match(WORD);
    if (word !== undefined && WORDS.has(word)) return WORDS.get(word);
    this.#at = start;
    throw this.#expected('a value');
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #expected(what: string): CellError {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'the end of the cell';
    return new CellError(`expected ${what}, found ${found}`, this.#at);
  }
}

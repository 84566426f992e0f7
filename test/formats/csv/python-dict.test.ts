import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellError } from '../../../src/formats/csv/cell-error.ts';
import { parsePythonDict } from '../../../src/formats/csv/python-dict.ts';

it.each<[string, unknown]>([
  ["{'k': 'v'}", { k: 'v' }],
  [`{'k': "it's", 'n': None, 'b': True, 'f': False}`, { k: "it's", n: null, b: true, f: false }],
  ["{'k': 'it's fine', 'who': 'rock 'n' roll'}", { k: "it's fine", who: "rock 'n' roll" }],
  [
    "{'k': 'it\\'s', 'p': 'a\\\\b', 'u': '\\u00e9\\x41\\U0001F600\\n'}",
    { k: "it's", p: 'a\\b', u: 'éA😀\n' },
  ],
  [
    "{'a': [1, -2.5, 1e3, .5, 3.], 'd': {'x': ('y', 'z',), 'e': [], 'm': {}}}",
    { a: [1, -2.5, 1000, 0.5, 3], d: { x: ['y', 'z'], e: [], m: {} } },
  ],
  ["{1: 'one', True: 'yes', None: 'no'}", { '1': 'one', true: 'yes', null: 'no' }],
  ["{u'k': u'v',}", { k: 'v' }],
  ["  { 'k' :\n 'v' }  ", { k: 'v' }],
  ['{"k": "v", "t": true, "n": null, "s": "\\/ \\ud83d\\ude00"}', { k: 'v', t: true, n: null, s: '/ 😀' }],
])('reads %s', (text, value) => {
  expect(parsePythonDict(text)).toEqual(value);
});

it('takes "__proto__" for a key like any other', () => {
  const value = parsePythonDict("{'__proto__': {'polluted': 1}}") as Record<string, unknown>;
  expect(Object.keys(value)).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

it.each<[string, number, RegExp]>([
  ["{'k': v}", 6, /expected a value, found "v"/],
  ['{"k" "v"}', 5, /":" after the key/],
  ['{"k": "v" "w": 1}', 10, /expected "," or "}"/],
  ["{'k' 'v'}", 1, /not closed/],
  ["{'k': 'v'", 9, /expected "," or "}", found the end/],
  ["{'k': 'v", 6, /not closed/],
  ["{'k': [1, 2}", 11, /expected "," or "]"/],
  ["{'k': 1} x", 9, /the end of the cell/],
  ["{'k': nan}", 6, /expected a value/],
  ["{'k': 1e999}", 6, /too large/],
  ["{'k': '\\x4'}", 7, /2 hexadecimal digits/],
  ["{['a']: 1}", 6, /a key that is text or a number/],
  ['', 0, /expected a value, found the end/],
])('refuses %s at character %i', (text, offset, message) => {
  const error = errorOf(() => parsePythonDict(text));
  expect(error).toBeInstanceOf(CellError);
  expect(error).toMatchObject({ offset, message: expect.stringMatching(message) });
});

it('refuses to nest deeper than 100 levels instead of overflowing the stack', () => {
  expect(() => parsePythonDict('['.repeat(100_000))).toThrow(/nested deeper than 100/);
});

describe('what Python writes', () => {
  it('is read back as it was', () => {
    const json = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(parsePythonDict(pythonRepr(plain))).toEqual(plain);
        expect(parsePythonDict(JSON.stringify(plain))).toEqual(plain);
      }),
    );
  });
});

/** `repr()` of Python for JSON values. */
function pythonRepr(value: unknown): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    const body = value
      .replaceAll('\\', '\\\\')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r')
      .replaceAll('\t', '\\t');
    return quote + body.replaceAll(quote, `\\${quote}`) + quote;
  }
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  return `{${Object.entries(value as object)
    .map(([k, v]) => `${pythonRepr(k)}: ${pythonRepr(v)}`)
    .join(', ')}}`;
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

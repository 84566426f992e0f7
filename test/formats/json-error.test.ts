import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonErrorAt } from '../../src/formats/json-error.ts';

const refused = (text: string): Error | undefined => {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error as Error;
  }
};

/** Texts that are nearly JSON: some with a character more, fewer or another. */
const nearlyJson = fc
  .tuple(
    fc.json({ noUnicodeString: false }),
    fc.nat(),
    fc.constantFrom(...'{}[]:,"\\0-.eu \n\u0001t'),
    fc.nat(2),
  )
  .map(([json, nat, char, removed]) => {
    const at = nat % (json.length + 1);
    return json.slice(0, at) + char + json.slice(at + removed);
  });

describe('jsonErrorAt', () => {
  it.each([
    ['{"a": 1,}', 8],
    ['{"a": bee}', 6],
    ['{"a" 1}', 5],
    ['{a: 1}', 1],
    ['[1 2]', 3],
    ['[1, 2', 5],
    ['{"a": "b', 8],
    ['"a\tb"', 2],
    ['"a\\xb"', 2],
    ['01', 1],
    ['1.', 1],
    ['{} x', 3],
    ['', 0],
    ["{'a': 1}", 1],
    ['{"a": NaN}', 6],
    ['[1]]', 3],
    ['{"a": 1]', 7],
  ])('finds where %j is wrong', (text, at) => {
    expect(refused(text)).toBeDefined();
    expect(jsonErrorAt(text)).toBe(at);
  });

  it('agrees with JSON.parse on what is JSON', () => {
    fc.assert(
      fc.property(nearlyJson, (text) => {
        const at = jsonErrorAt(text);
        if (refused(text) === undefined) {
          expect(at).toBe(text.length);
          return;
        }
        // A name, number or escape that the end cuts off is shorter than that.
        if (at >= text.length - 5) return;
        for (const rest of ['', ' ', '}', ']', '"', '1', ':1}', '":1}', 'null', '\\']) {
          expect(refused(text.slice(0, at + 6) + rest)).toBeDefined();
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with JSON.parse on the place, where that says it', () => {
    fc.assert(
      fc.property(nearlyJson, (text) => {
        const said = /at position (\d+)/.exec(refused(text)?.message ?? '')?.[1];
        if (said !== undefined) expect(Math.abs(jsonErrorAt(text) - Number(said))).toBeLessThanOrEqual(5);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes a deep or long text without recursion', () => {
    expect(jsonErrorAt('['.repeat(200_000))).toBe(200_000);
    expect(jsonErrorAt(`"${'x'.repeat(5_000_000)}`)).toBe(5_000_001);
  });
});

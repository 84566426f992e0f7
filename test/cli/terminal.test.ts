import { describe, expect, test } from 'vitest';
import { formatBytes, printable, printableLines, quoted, table } from '../../src/cli/terminal.ts';

describe('what comes from a source and is printed', () => {
  test.each([
    ['a\u001b[31mb', 'a\\u001b[31mb'],
    ['a\u009b31mb\u007f', 'a\\u009b31mb\\u007f'],
    ['photo\u202egpj.exe', 'photo\\u202egpj.exe'],
    ['\u2066a\u2069\u200e\u200f', '\\u2066a\\u2069\\u200e\\u200f'],
    ['naïve 写真 👩‍👩‍👧', 'naïve 写真 👩‍👩‍👧'],
  ])('cannot steer the screen: %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('stays the same JSON value when its own characters are escaped', () => {
    const value = { uri: 'a\u009b\u007f\u202e\nb' };
    const shown = printableLines(JSON.stringify(value, null, 2));
    expect(shown).not.toMatch(/[\u007f-\u009f\u202e]/);
    expect(JSON.parse(shown)).toEqual(value);
  });

  test('is quoted in a command to be copied', () => {
    expect(quoted("my photos/it's")).toBe("'my photos/it'\\''s'");
    expect(quoted('a\u001b[2Jb')).toBe("'a\\u001b[2Jb'");
  });
});

test('a table without rows is nothing', () => {
  expect(table([])).toBe('');
});

test.each([
  [73.17073, '73 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [12_345_678, '12.3 MB'],
])('%d bytes read as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

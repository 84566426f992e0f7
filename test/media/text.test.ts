import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkText } from '../../src/media/text.ts';
import { isUtf8Prefix } from '../../src/media/utf8.ts';
import type { SluiceError } from '../../src/model/errors.ts';

const errorFor = (bytes: Buffer): SluiceError => {
  try {
    checkText(bytes);
  } catch (error) {
    return error as SluiceError;
  }
  return expect.fail('no error');
};

describe('checkText', () => {
  it('takes UTF-8, with a byte order mark or without', () => {
    expect(checkText(Buffer.from('Grüße 👋'))).toEqual({ format: 'text' });
    expect(checkText(Buffer.from('\ufeffx'))).toEqual({ format: 'text' });
  });

  it('names the byte, its offset and its line', () => {
    const error = errorFor(Buffer.from('eins\nzwei\ncaf\xe9 au lait\n', 'latin1'));
    expect(error).toMatchObject({ code: 'ALL_INPUT_INVALID_BYTES', limit: 'UTF-8' });
    expect(error.message).toBe('TEXT is not UTF-8: byte 0xe9 at offset 13, line 3');
  });

  it('points at the beginning of a sequence that the end of the file cuts off', () => {
    expect(errorFor(Buffer.from('ab👋').subarray(0, 5)).message).toContain('offset 2,');
  });

  it.each([
    ['UTF-16LE', Buffer.from('\ufeffhello', 'utf16le')],
    ['UTF-16BE', Buffer.from('\ufeffhello', 'utf16le').swap16()],
  ])('names %s', (name, bytes) => {
    expect(errorFor(bytes).message).toBe(`TEXT is ${name}, not UTF-8`);
  });

  it('finds the first bad byte wherever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (before, after) => {
        const good = Buffer.from(before);
        const error = errorFor(Buffer.concat([good, Buffer.from([0xc0]), Buffer.from(after)]));
        expect(error.measured).toBe(`0xc0 at offset ${good.length}`);
      }),
    );
  });
});

describe('isUtf8Prefix', () => {
  it('holds for every prefix of valid text and agrees with the full check on whole characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(), (text, cut) => {
        const bytes = Buffer.from(text);
        expect(isUtf8Prefix(bytes.subarray(0, cut % (bytes.length + 1)))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (array) => {
        if (isUtf8(array)) expect(isUtf8Prefix(Buffer.from(array))).toBe(true);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { cuttable, decodeWindows1252, detectEncoding } from '../../../src/formats/csv/encoding.ts';
import { chunked } from './cutting.ts';

const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
};

async function textOf(bytes: Buffer, sizes: number[], forced?: string): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of cuttable(chunked(bytes, sizes), detectEncoding(bytes, 'a.csv', forced)))
    parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('the encoding', () => {
  it.each<[string, Buffer, string, string]>([
    ['plain ASCII', Buffer.from('input\na\n'), 'utf-8', 'default'],
    ['UTF-8', Buffer.from('input\né😀\n'), 'utf-8', 'default'],
    ['UTF-8 with a mark', Buffer.from('\ufeffinput\né\n'), 'utf-8', 'byte order mark'],
    ['UTF-16 LE', utf16('input\né\n', 'le'), 'utf-16le', 'byte order mark'],
    ['UTF-16 BE', utf16('input\né\n', 'be'), 'utf-16be', 'byte order mark'],
    ['Latin 1', Buffer.from('input\ncaf\xe9\n', 'latin1'), 'windows-1252', 'assumed'],
  ])('of %s is detected', (_name, bytes, name, how) => {
    expect(detectEncoding(bytes, 'a.csv')).toMatchObject({ name, how });
  });

  it('is UTF-8 also when the bytes at hand end in the middle of a character', () => {
    const bytes = Buffer.from('input\n€😀');
    for (let cut = 6; cut <= bytes.length; cut++)
      expect(detectEncoding(bytes.subarray(0, cut), 'a.csv').name).toBe('utf-8');
  });

  it('can be forced by any of its names', () => {
    expect(detectEncoding(Buffer.from('input\n'), 'a.csv', 'Latin1')).toMatchObject({
      name: 'windows-1252',
      how: 'forced',
    });
    expect(() => detectEncoding(Buffer.from('input\n'), 'a.csv', 'klingon')).toThrow(
      /"klingon" is not the name/,
    );
  });

  it.each<[string, Buffer, RegExp]>([
    ['gzip', Buffer.from('\x1f\x8b\x08\0\0\0', 'latin1'), /gzip data/],
    ['a workbook', Buffer.from('PK\x03\x04\x14\0', 'latin1'), /Excel workbook/],
    ['Parquet', Buffer.from('PAR1\x15\x04'), /Parquet/],
    [
      'a picture',
      Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06', 'latin1'),
      /control bytes/,
    ],
    ['UTF-16 without a mark', utf16('input\nabcdef\n', 'le').subarray(2), /--encoding utf-16le/],
  ])('of %s is none', (_name, bytes, message) => {
    expect(() => detectEncoding(bytes, 'a.csv')).toThrow(
      expect.objectContaining({ code: 'SOURCE_UNRECOGNISED', message: expect.stringMatching(message) }),
    );
  });
});

describe('the bytes to cut', () => {
  it.each<[string, Buffer]>([
    ['UTF-8 with a mark', Buffer.from('\ufeffé,😀\n')],
    ['UTF-16 LE', utf16('é,😀\n', 'le')],
    ['UTF-16 BE', utf16('é,😀\n', 'be')],
  ])('of %s are UTF-8 without a mark, however they are chunked', async (_name, bytes) => {
    for (let size = 1; size < 6; size++) expect(await textOf(bytes, Array(30).fill(size))).toBe('é,😀\n');
  });

  it('of a forced encoding are UTF-8', async () => {
    expect(await textOf(Buffer.from([0x93, 0xfa, 0x96, 0x7b]), [1, 1, 1], 'shift_jis')).toBe('日本');
  });

  it('of windows-1252 keep its quotes, dashes and the euro sign', () => {
    const bytes = Buffer.from([0x80, 0x93, 0x96, 0xe9, 0x94, 0x41]);
    expect(decodeWindows1252(bytes, 0, bytes.length)).toBe('€“–é”A');
  });
});

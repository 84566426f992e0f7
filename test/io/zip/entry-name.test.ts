import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { DARWIN, decodeName, UNIX } from '../../../src/io/zip/entry-name.ts';

const UTF8 = 0x800;
const DOS = 0;

function decode(bytes: Buffer, { flags = 0, host = DOS, extra = Buffer.alloc(0) } = {}): string {
  return decodeName({ raw: bytes.toString('latin1'), bytes, flags, host, extra });
}

function field(id: number, data: Uint8Array) {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}

function unicodePath(of: Buffer, path: string) {
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32LE(crc32(of), 1);
  return field(0x7075, Buffer.concat([head, Buffer.from(path)]));
}

describe('the encoding of entry names', () => {
  it('is UTF-8 with the flag', () => {
    expect(decode(Buffer.from('日本/é.jpg'), { flags: UTF8 })).toBe('日本/é.jpg');
  });

  it('is code page 437 without it', () => {
    expect(decode(Buffer.from([0x82, 0x2e, 0x8e, 0xe1, 0xff]))).toBe('é.Äß\u00a0');
  });

  it('is UTF-8 without it where the entry comes from macOS or Unix and is valid', () => {
    expect(decode(Buffer.from('é.jpg'), { host: UNIX })).toBe('é.jpg');
    expect(decode(Buffer.from('é.jpg'), { host: DARWIN })).toBe('é.jpg');
    expect(decode(Buffer.from([0x82]), { host: UNIX })).toBe('é');
  });

  it('keeps bytes apart that are not the UTF-8 they claim to be', () => {
    const one = decode(Buffer.from([0x61, 0xff]), { flags: UTF8 });
    const other = decode(Buffer.from([0x61, 0xfe]), { flags: UTF8 });
    expect(one).not.toBe(other);
    expect(one + other).not.toContain('\ufffd');
  });

  it('is that of the Info-ZIP Unicode path, where its CRC is that of the name', () => {
    const bytes = Buffer.from('?.jpg');
    const other = field(0x5455, Buffer.alloc(9));
    expect(decode(bytes, { extra: Buffer.concat([other, unicodePath(bytes, '日.jpg')]) })).toBe('日.jpg');
    expect(decode(bytes, { extra: unicodePath(Buffer.from('renamed'), '日.jpg') })).toBe('?.jpg');
  });

  it('does not depend on extra fields that are cut', () => {
    const extra = unicodePath(Buffer.from('a'), 'b');
    for (let length = 0; length < extra.length; length++) {
      expect(decode(Buffer.from('a'), { extra: extra.subarray(0, length) })).toBe('a');
    }
  });

  it('keeps composed and decomposed names, percent signs and trailing dots as they are', () => {
    for (const name of ['é.jpg', 'e\u0301.jpg', '%41.jpg', 'a.', '😀.png']) {
      expect(decode(Buffer.from(name), { flags: UTF8 })).toBe(name);
    }
  });
});

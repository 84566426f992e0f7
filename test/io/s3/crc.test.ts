import { expect, it } from 'vitest';
import { Crc64Nvme, crc32c } from '../../../src/io/s3/crc.ts';
import { randomFrom } from '../../support/random.ts';

const text = Buffer.from('123456789');

it('has the CRC-32C of RFC 3720', () => {
  expect(crc32c(text)).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});

it('has the CRC-64 of the NVM Express specification', () => {
  const of = (bytes: Buffer) => {
    const crc = new Crc64Nvme();
    crc.update(bytes);
    return crc.digest().toString('hex');
  };
  expect(of(text)).toBe('ae8b14860a799888');
  expect(of(Buffer.alloc(4096))).toBe('6482d367eb22b64e');
  expect(of(Buffer.alloc(4096, 0xff))).toBe('c0ddba7302eca3ac');
  expect(of(Buffer.alloc(0))).toBe('0000000000000000');
});

it('has the same sum however the bytes are cut', () => {
  const random = randomFrom(11);
  const bytes = Buffer.from(Array.from({ length: 1000 }, () => Math.floor(random() * 256)));
  const whole = new Crc64Nvme();
  whole.update(bytes);
  for (let round = 0; round < 50; round++) {
    const crc = new Crc64Nvme();
    let crc32 = 0;
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + 1 + Math.floor(random() * 40));
      crc.update(piece);
      crc32 = crc32c(piece, crc32);
      at += piece.length;
    }
    expect(crc.digest()).toEqual(whole.digest());
    expect(crc32).toBe(crc32c(bytes));
  }
});

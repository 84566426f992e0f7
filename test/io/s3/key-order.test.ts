import { expect, it } from 'vitest';
import { compareKeys } from '../../../src/io/s3/key-order.ts';
import { randomFrom } from '../../support/random.ts';

const UNITS = [
  'a',
  'b',
  '/',
  '-',
  'ü',
  'u\u0308',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\u{10000}',
  '😀',
  '\u{10ffff}',
  '',
];

it('orders keys as their UTF-8 bytes are ordered', () => {
  const random = randomFrom(7);
  const key = () => Array.from({ length: 4 }, () => UNITS[Math.floor(random() * UNITS.length)]).join('');
  for (let at = 0; at < 20_000; at++) {
    const [left, right] = [key(), key()];
    const expected = Buffer.compare(Buffer.from(left), Buffer.from(right));
    expect(Math.sign(compareKeys(left, right)), JSON.stringify([left, right])).toBe(expected);
  }
});

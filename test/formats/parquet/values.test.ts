import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { converterOf, decimal, jsonValue, safeInteger } from '../../../src/formats/parquet/values.ts';

type Element = Parameters<typeof converterOf>[0];

const converted = (element: Omit<Element, 'name'>, value: unknown): unknown =>
  converterOf({ name: 'x', ...element })!(value as never);
const timestamp = (unit: 'MILLIS' | 'MICROS' | 'NANOS', isAdjustedToUTC: boolean): Omit<Element, 'name'> => ({
  type: 'INT64',
  logical_type: { type: 'TIMESTAMP', unit, isAdjustedToUTC },
});

describe('a value of a Parquet column', () => {
  it.each<[string, Omit<Element, 'name'>, unknown, unknown]>([
    ['milliseconds', timestamp('MILLIS', true), 1_577_836_800_123n, '2020-01-01T00:00:00.123Z'],
    ['microseconds', timestamp('MICROS', true), 1_577_836_800_000_001n, '2020-01-01T00:00:00.000001Z'],
    ['nanoseconds', timestamp('NANOS', true), 1_577_836_800_000_000_007n, '2020-01-01T00:00:00.000000007Z'],
    ['a local time', timestamp('MICROS', false), 1_577_836_800_000_000n, '2020-01-01T00:00:00'],
    ['a time before 1970', timestamp('MILLIS', true), -1n, '1969-12-31T23:59:59.999Z'],
    ['a time beyond the calendar', timestamp('MILLIS', true), 2n ** 62n, '4611686018427387904'],
    [
      'an old timestamp',
      { type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
      1_500_000n,
      '1970-01-01T00:00:01.500Z',
    ],
    ['a date', { type: 'INT32', converted_type: 'DATE' }, -1, '1969-12-31'],
    ['a time of day', { type: 'INT32', converted_type: 'TIME_MILLIS' }, 3_723_450, '01:02:03.450'],
    ['an unsigned 32-bit integer', { type: 'INT32', converted_type: 'UINT_32' }, -1, 4_294_967_295],
    ['an unsigned 64-bit integer', { type: 'INT64', converted_type: 'UINT_64' }, -1n, '18446744073709551615'],
    ['a decimal of 32 bits', { type: 'INT32', converted_type: 'DECIMAL', scale: 2 }, -5, -0.05],
    [
      'a decimal of many bytes',
      { type: 'FIXED_LEN_BYTE_ARRAY', converted_type: 'DECIMAL', scale: 3 },
      Buffer.from('fffffffffffffffffb2e', 'hex'),
      -1.234,
    ],
    ['JSON', { type: 'BYTE_ARRAY', converted_type: 'JSON' }, Buffer.from('{"a":[1]}'), { a: [1] }],
    ['broken JSON', { type: 'BYTE_ARRAY', converted_type: 'JSON' }, Buffer.from('{"a":'), '{"a":'],
    ['a text', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }, Buffer.from('é😀'), 'é😀'],
    [
      'a UUID',
      { type: 'FIXED_LEN_BYTE_ARRAY', logical_type: { type: 'UUID' } },
      Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    [
      'a half-precision number',
      { type: 'FIXED_LEN_BYTE_ARRAY', logical_type: { type: 'FLOAT16' } },
      Buffer.from([0, 0xc1]),
      -2.5,
    ],
  ])('as %s', (_, element, value, expected) => {
    expect(converted(element, value)).toEqual(expected);
  });

  it('stays bytes where it says to be text and is not valid UTF-8', () => {
    const bytes = Buffer.from([0x63, 0xe9]);
    expect(converted({ type: 'BYTE_ARRAY', converted_type: 'UTF8' }, bytes)).toBe(bytes);
  });

  it('keeps every digit of integers and decimals', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(12), (unscaled, scale) => {
        const sign = unscaled < 0n ? -1n : 1n;
        const [whole = '', fraction = ''] = exact(decimal(unscaled, scale)).replace('-', '').split('.');
        expect(sign * BigInt(whole + fraction.padEnd(scale, '0'))).toBe(unscaled);
        expect(BigInt(exact(safeInteger(unscaled)))).toBe(unscaled);
      }),
    );
  });

  it('is JSON, whatever it holds', () => {
    expect(jsonValue({ a: [Number.NaN, undefined, Buffer.from('hi')], b: { c: null } })).toEqual({
      a: [null, null, 'aGk='],
      b: { c: null },
    });
  });
});

const exact = (value: number | string): string =>
  typeof value === 'string'
    ? value
    : value.toLocaleString('en', { maximumFractionDigits: 20, useGrouping: false });

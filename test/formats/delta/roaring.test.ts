import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vectorPath } from '../../../src/formats/delta/deletion-vector.ts';
import { decodeZ85, visitDeletedRows } from '../../../src/formats/delta/roaring.ts';
import { encodeZ85, roaringArray } from '../../support/deletion-vector.ts';

function rowsOf(bytes: Buffer): number[] {
  const rows: number[] = [];
  visitDeletedRows(bytes, (row) => rows.push(row));
  return rows;
}

describe('a deletion vector', () => {
  it('is read as other readers of Delta tables test it', () => {
    const bytes = decodeZ85('^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L');
    expect(bytes.length).toBe(44);
    expect(rowsOf(bytes)).toEqual([3, 4, 7, 11, 18, 29]);
  });

  it('of the form that was given up before it was released is refused', () => {
    const bytes = decodeZ85('wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L');
    expect(() => rowsOf(bytes)).toThrow('it does not begin as a portable RoaringBitmapArray');
  });

  it('has the file name that the Delta protocol shows', () => {
    const vector = {
      storageType: 'u',
      pathOrInlineDv: 'ab^-aqEH.-t@S}K{vb[*k^',
      sizeInBytes: 40,
      cardinality: 6,
    };
    expect(vectorPath(vector)).toBe('ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin');
  });

  it('gives the rows back, ascending, for every kind of container', () => {
    const spread = fc.uniqueArray(fc.integer({ min: 0, max: 300_000 }), { maxLength: 200 });
    const run = fc
      .tuple(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 1, max: 70_000 }))
      .map(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
    const far = fc.constantFrom(2 ** 32, 2 ** 32 + 65_536, 2 ** 40 + 7).map((row) => [row]);
    const dense = fc.constant(Array.from({ length: 20_000 }, (_, i) => i * 3));
    fc.assert(
      fc.property(
        fc.array(fc.oneof(spread, run, far, dense), { maxLength: 4 }),
        fc.boolean(),
        (parts, runs) => {
          const rows = [...new Set(parts.flat())].sort((a, b) => a - b);
          expect(isDeepStrictEqual(rowsOf(roaringArray(rows, { runs })), rows)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('that is cut off or broken throws, or gives other rows, but never goes on for ever', () => {
    const good = roaringArray([1, 2, 3, 70_000, 70_001, 2 ** 33], { runs: true });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
        const bytes = Buffer.from(good.subarray(0, length));
        if (at < bytes.length) bytes[at] = byte;
        try {
          expect(rowsOf(bytes).length).toBeLessThan(500_000);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
    expect(() => rowsOf(good.subarray(0, -1))).toThrow();
    expect(() => rowsOf(Buffer.from('no vector at all'))).toThrow('it does not begin');
  });

  it('is Z85 where it stands in the log', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const whole = Buffer.from(bytes).subarray(0, bytes.length - (bytes.length % 4));
        expect(decodeZ85(encodeZ85(whole)).equals(whole)).toBe(true);
      }),
    );
    expect(() => decodeZ85('abc')).toThrow('cut off');
    expect(() => decodeZ85('ab~de')).toThrow('not Z85');
    expect(() => decodeZ85('#####')).toThrow('not Z85');
  });
});

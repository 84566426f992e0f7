import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalRuns, combineRuns } from '../../src/annotations/combine-runs.ts';
import { decodeMask, encodeMask, maskOfPolygon } from '../../src/annotations/mask.ts';
import { polygonRuns } from '../../src/annotations/polygon-runs.ts';
import {
  areaOf,
  boundsOf,
  decodeColumns,
  encodeColumns,
  formatRuns,
  MAX_MASK_PIXELS,
  parseRuns,
  pixelsOf,
} from '../../src/annotations/runs.ts';
import type { Position } from '../../src/model/annotation.ts';

/** A mask drawn in rows: `#` is set. */
function drawn(...rows: string[]) {
  const bits = [...rows.join('')].map((character) => (character === '#' ? 1 : 0));
  return encodeMask(Uint8Array.from(bits), rows[0]!.length, rows.length);
}

const square = (from: number, to: number): Position[] => [
  [from, from],
  [to, from],
  [to, to],
  [from, to],
];

const bitmap = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([width, height]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      pixels: fc.uint8Array({ min: 0, max: 1, minLength: width * height, maxLength: width * height }),
    }),
  );

describe('run-length encoding', () => {
  it('counts down the columns and begins with zeros', () => {
    expect(parseRuns(drawn('..#', '.##').counts)).toEqual(Uint32Array.of(3, 3));
    expect(parseRuns(drawn('#.', '..').counts)).toEqual(Uint32Array.of(0, 1, 3));
  });

  it('gives back every bitmap', () => {
    fc.assert(
      fc.property(bitmap, ({ width, height, pixels }) => {
        expect(decodeMask(encodeMask(pixels, width, height))).toEqual(pixels);
      }),
    );
  });

  it('gives back bitmaps larger than its blocks, wherever they begin in their memory', () => {
    for (const offset of [0, 1, 2, 3]) {
      const [width, height] = [203, 301];
      const pixels = new Uint8Array(width * height + offset).subarray(offset);
      for (let i = 0; i < pixels.length; i++) pixels[i] = (i * i) % 97 < 40 ? 1 : 0;
      pixels.fill(1, 5000, 9000);
      expect(Buffer.from(pixels).equals(decodeMask(encodeMask(pixels, width, height)))).toBe(true);
    }
  });

  it('takes every byte that is not 0 for a one', () => {
    const bytes = Uint8Array.of(0, 255, 1, 255, 255, 255, 255, 255, 255, 7, 0, 0);
    expect(encodeColumns(bytes)).toEqual(Uint32Array.of(1, 9, 2));
  });

  it('writes the runs that it read, whatever they are', () => {
    const run = fc.integer({ min: 0, max: MAX_MASK_PIXELS });
    fc.assert(
      fc.property(fc.array(run), (lengths) => {
        const runs = Uint32Array.from(lengths);
        expect(parseRuns(formatRuns(runs))).toEqual(runs);
      }),
    );
  });

  it.each([
    ['a character that is not of the alphabet', '1 2'],
    ['one beyond it', '1p'],
    ['a last number that goes on', '1o'],
    ['a number of more bits than a run has', 'oooooooooo1'],
    ['a negative run', 'O'],
  ])('refuses %s', (_, text) => {
    expect(() => parseRuns(text)).toThrow(expect.objectContaining({ code: 'MASK_INVALID' }));
  });

  it('measures area, size and bounds', () => {
    const runs = parseRuns(drawn('.....', '.##..', '..#..').counts);
    expect([areaOf(runs), pixelsOf(runs), boundsOf(runs, 3)]).toEqual([3, 15, [1, 1, 2, 2]]);
    expect(boundsOf(Uint32Array.of(15), 3)).toEqual([0, 0, 0, 0]);
    expect(boundsOf(Uint32Array.of(2, 2, 11), 3)).toEqual([0, 0, 2, 3]);
  });

  it('combines masks pixel by pixel, those with runs of 0 too', () => {
    const odd = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 12 });
    const pixels = 40;
    const filled = (runs: number[]) =>
      Uint32Array.from([...runs, pixels - runs.reduce((sum, run) => sum + run, 0)]);
    fc.assert(
      fc.property(odd, odd, (first, second) => {
        const [a, b] = [filled(first), filled(second)];
        const [bitsA, bitsB] = [decodeColumns(a, pixels), decodeColumns(b, pixels)];
        const each = (combine: (i: number) => number) =>
          encodeColumns(Uint8Array.from({ length: pixels }, (_, i) => combine(i)));
        expect(combineRuns(a, b, 'union')).toEqual(each((i) => bitsA[i]! | bitsB[i]!));
        expect(combineRuns(a, b, 'intersection')).toEqual(each((i) => bitsA[i]! & bitsB[i]!));
        expect(combineRuns(a, b, 'difference')).toEqual(each((i) => bitsA[i]! & ~bitsB[i]!));
        expect(canonicalRuns(a)).toEqual(each((i) => bitsA[i]!));
      }),
    );
  });
});

describe('the pixels of a polygon', () => {
  it('are those that it covers', () => {
    expect(maskOfPolygon([[square(0.25, 0.75)]], 4, 4)).toEqual(drawn('....', '.##.', '.##.', '....'));
  });

  it('leave its holes out and join its parts', () => {
    const polygon = [[square(0, 0.5), square(1 / 6, 2 / 6)], [square(4 / 6, 1)]];
    expect(maskOfPolygon(polygon, 6, 6)).toEqual(
      drawn('###...', '#.#...', '###...', '......', '....##', '....##'),
    );
  });

  it('are none outside the image and all inside a ring around it', () => {
    expect(polygonRuns([[square(-9, -2)]], 3, 3)).toEqual(Uint32Array.of(9));
    expect(polygonRuns([[square(-9, 12)]], 3, 3)).toEqual(Uint32Array.of(0, 9));
    expect(polygonRuns([], 3, 3)).toEqual(Uint32Array.of(9));
  });

  it('are the same after encoding the bitmap', () => {
    const coordinate = fc.double({ min: -20, max: 60, noNaN: true });
    const ring = fc.array(fc.tuple(coordinate, coordinate), { minLength: 3, maxLength: 12 });
    fc.assert(
      fc.property(ring, (points) => {
        const runs = polygonRuns([[points]], 37, 41);
        expect(pixelsOf(runs)).toBe(37 * 41);
        expect(encodeColumns(decodeColumns(runs, 37 * 41))).toEqual(runs);
      }),
    );
  });
});

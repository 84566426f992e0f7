import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readMaskImage } from '../../src/media/mask-image.ts';
import { maskPng } from '../support/mask-png.ts';

const { signal } = new AbortController();

/** Row by row, as a mask is drawn. */
async function rows(file: Buffer, as: 'values' | 'colours' = 'values'): Promise<number[][]> {
  const { width, height, values } = await readMaskImage(file, as, signal);
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => values[x * height + y]!),
  );
}

describe('the image of a mask', () => {
  it('gives the values of every bit depth as they are stored, gray or indexed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 4, 8, 16),
        fc.boolean(),
        fc.integer({ min: 1, max: 19 }),
        fc.integer({ min: 1, max: 7 }),
        fc.infiniteStream(fc.nat(65_535)),
        async (bitDepth, indexed, width, height, stream) => {
          const most = 2 ** bitDepth;
          const pixels = Array.from({ length: height }, () =>
            Array.from({ length: width }, () => stream.next().value! % most),
          );
          const colourType = indexed && bitDepth < 16 ? 3 : 0;
          expect(await rows(maskPng(pixels, { bitDepth, colourType }))).toEqual(pixels);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps indexes apart whose colours are the same, or transparent', async () => {
    const palette = [0, 0, 0, 9, 9, 9, 9, 9, 9, 0, 0, 0];
    const file = maskPng([[0, 1, 2, 3]], {
      bitDepth: 8,
      colourType: 3,
      palette,
      transparency: [0, 255, 0, 1],
    });
    expect(await rows(file)).toEqual([[0, 1, 2, 3]]);
    expect(await rows(file, 'colours')).toEqual([[0, 0x090909, 0x090909, 0]]);
  });

  it('is read whether or not its rows are filtered or interlaced', async () => {
    const width = 64;
    const raw = Buffer.from(Array.from({ length: width * 40 }, (_, i) => (i % width) ^ ((i / width) | 0)));
    const image = sharp(raw, { raw: { width, height: 40, channels: 1 } }).toColourspace('b-w');
    for (const progressive of [false, true]) {
      const file = await image.png({ progressive, adaptiveFiltering: true }).toBuffer();
      expect((await rows(file)).flat()).toEqual([...raw]);
    }
  });

  it('gives colours without their alpha, a profile or a gamma', async () => {
    const raw = Buffer.from([1, 2, 3, 0, 200, 100, 50, 128]);
    const file = await sharp(raw, { raw: { width: 2, height: 1, channels: 4 } })
      .withIccProfile('p3')
      .png()
      .toBuffer();
    expect(
      await rows(
        withGamma(
          await sharp(raw, { raw: { width: 2, height: 1, channels: 4 } })
            .png()
            .toBuffer(),
        ),
        'colours',
      ),
    ).toEqual([[0x010203, 0xc86432]]);
    expect((await rows(file, 'colours'))[0]).toHaveLength(2);
    expect(await rows(maskPng([[7, 255]], { bitDepth: 8, colourType: 0 }), 'colours')).toEqual([
      [0x070707, 0xffffff],
    ]);
  });

  it('of colours has no values', async () => {
    const file = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(readMaskImage(file, 'values', signal)).rejects.toMatchObject({
      code: 'MASK_INVALID',
      message: 'the mask has colours, not values: it is neither indexed nor gray',
    });
  });

  it('is refused when it is cut off anywhere, damaged, empty or something else', async () => {
    const pixels = Array.from({ length: 40 }, (_, y) => Array.from({ length: 50 }, (_, x) => (x * y) % 256));
    const file = maskPng(pixels, { bitDepth: 8, colourType: 0 });
    const damaged = Buffer.from(file);
    damaged[60]! ^= 0xff;
    const jpeg = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    const cuts = [0, 4, 8, 20, 33, 45, file.length - 13, file.length - 2].map((end) => file.subarray(0, end));
    for (const bad of [...cuts, damaged, jpeg])
      await expect(readMaskImage(bad, 'values', signal)).rejects.toMatchObject({ code: 'MASK_INVALID' });
  });

  it('is refused by its header when it has too many pixels', async () => {
    const file = maskPng([[0]], { bitDepth: 1, colourType: 0, claims: { width: 50_000, height: 50_000 } });
    await expect(readMaskImage(file, 'values', signal)).rejects.toMatchObject({
      code: 'MASK_INVALID',
      message: 'MASK 2500 MP > 268.402689 MP',
      measured: 2500,
    });
  });

  it('is not decoded once the run is aborted', async () => {
    const file = maskPng([[0]], { bitDepth: 8, colourType: 0 });
    await expect(readMaskImage(file, 'values', AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});

/** Adds a gamma that a decoder might apply. */
function withGamma(file: Buffer): Buffer {
  const body = Buffer.from('gAMA\x00\x01\x86\xa0', 'latin1');
  const chunk = Buffer.alloc(16);
  chunk.writeUInt32BE(4, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), 12);
  return Buffer.concat([file.subarray(0, 33), chunk, file.subarray(33)]);
}

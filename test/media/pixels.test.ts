import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp, { type Color } from 'sharp';
import { describe, expect, it } from 'vitest';
import { type Framing, type FramingOptions, framedPixels } from '../../src/media/pixels.ts';
import type { Encoded, RawPixels } from '../../src/model/embedding.ts';
import { errorOf, signal } from './fixtures.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/pillow/${name}.png`, import.meta.url));
const whole = (width: number, height: number, kernel: Framing['kernel'] = 'cubic'): Framing => ({
  resize: { width, height },
  kernel,
  background: '#ffffff',
});
const pixelsOf = (source: Encoded | RawPixels, framing: Framing, options: Partial<FramingOptions> = {}) =>
  framedPixels(source, framing, { signal, ...options });
/** Of one colour; the pixel in the middle. */
async function colourOf(source: Encoded | RawPixels, framing = whole(8, 8)): Promise<number[]> {
  const { data, width, height } = await pixelsOf(source, framing);
  expect(data).toHaveLength(width * height * 3);
  const middle = (Math.floor(height / 2) * width + Math.floor(width / 2)) * 3;
  return [...data.subarray(middle, middle + 3)];
}
const plain = (background: Color, channels: 3 | 4 = 3) =>
  sharp({ create: { width: 16, height: 16, channels, background } });

function differences(a: Uint8Array, b: Uint8Array): { mean: number; most: number } {
  expect(a.length).toBe(b.length);
  let [sum, most] = [0, 0];
  for (const [index, value] of a.entries()) {
    const difference = Math.abs(value - b[index]!);
    sum += difference;
    most = Math.max(most, difference);
  }
  return { mean: sum / a.length, most };
}

describe('pictures are resized as Pillow does', () => {
  const smaller: [name: string, framing: Framing][] = [
    ['cubic-edge-64-crop-56', { ...whole(56, 56), resize: { edge: 64 }, crop: { width: 56, height: 56 } }],
    ['linear-48x48', whole(48, 48, 'linear')],
    ['lanczos3-90x60', whole(90, 60, 'lanczos3')],
  ];
  it.each(smaller)('to a few levels where they become smaller: %s', async (name, framing) => {
    const made = await pixelsOf({ path: fixture('picture') }, framing);
    const expected = await sharp(fixture(name)).raw().toBuffer();
    const { mean, most } = differences(made.data, expected);
    expect(mean).toBeLessThan(0.4);
    expect(most).toBeLessThanOrEqual(8);
  });

  const larger: [name: string, framing: Framing][] = [
    ['cubic-260x170', whole(260, 170)],
    ['linear-100x200', whole(100, 200, 'linear')],
  ];
  it.each(larger)('to the byte where a side becomes longer: %s', async (name, framing) => {
    const made = await pixelsOf({ path: fixture('picture') }, framing);
    expect(Buffer.from(made.data).equals(await sharp(fixture(name)).raw().toBuffer())).toBe(true);
  });

  it('not at all where they have the size already', async () => {
    const made = await pixelsOf(await readFile(fixture('picture')), whole(200, 150));
    expect(Buffer.from(made.data).equals(await sharp(fixture('picture')).raw().toBuffer())).toBe(true);
  });

  it('from pixels as from a file', async () => {
    const { data, info } = await sharp(fixture('picture')).raw().toBuffer({ resolveWithObject: true });
    const raw: RawPixels = { data, width: info.width, height: info.height };
    for (const framing of [whole(64, 40), whole(64, 300)]) {
      const [a, b] = [await pixelsOf(raw, framing), await pixelsOf({ path: fixture('picture') }, framing)];
      expect(differences(a.data, b.data).most).toBe(0);
    }
  });

  it('at any ratio of their sides', async () => {
    const thin = { data: new Uint8Array(3 * 3000).fill(9), width: 1, height: 3000 };
    const crop: Framing = { ...whole(32, 32), resize: { edge: 32 }, crop: { width: 32, height: 32 } };
    expect(new Set((await pixelsOf(thin, crop)).data)).toEqual(new Set([9]));
  });
});

describe('whatever an image is, its pixels are upright red, green and blue', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'EXIF orientation %i is applied, before a part is cut out',
    async (orientation) => {
      const upright = await sharp(fixture('picture')).raw().toBuffer({ resolveWithObject: true });
      const stored = await turnedBack(orientation);
      const file = await sharp(stored)
        .withMetadata({ orientation })
        .tiff({ compression: 'deflate' })
        .toBuffer();
      expect((await sharp(file).metadata()).orientation).toBe(orientation);
      const made = await pixelsOf(file, whole(200, 150));
      expect(differences(made.data, upright.data).most).toBe(0);
      const box = { left: 0.1, top: 0.2, right: 0.5, bottom: 0.7 };
      const part = await pixelsOf(file, whole(80, 75), { box });
      const expected = await sharp(fixture('picture')).extract({ left: 20, top: 30, width: 80, height: 75 });
      expect(differences(part.data, await expected.raw().toBuffer()).most).toBe(0);
      // The decoder's own shrinking and ours agree on what is up.
      const small = await pixelsOf(
        file,
        { ...whole(40, 40), resize: { edge: 40 }, crop: { width: 40, height: 40 } },
        { box },
      );
      const from = await pixelsOf(
        await sharp(upright.data, { raw: upright.info }).png().toBuffer(),
        { ...whole(40, 40), resize: { edge: 40 }, crop: { width: 40, height: 40 } },
        { box },
      );
      expect(differences(small.data, from.data).most).toBeLessThanOrEqual(1);
    },
  );

  it('a part has at least one pixel, and ends at the border', async () => {
    const { data } = await sharp(fixture('picture')).raw().toBuffer({ resolveWithObject: true });
    const last = data.subarray(-3);
    const box = { left: 1, top: 1, right: 1.2, bottom: 1.2 };
    expect([...(await pixelsOf({ path: fixture('picture') }, whole(1, 1), { box })).data]).toEqual([...last]);
  });

  it('transparency shows the background', async () => {
    const red = { r: 255, g: 0, b: 0, alpha: 0.5 };
    for (const file of [
      plain(red, 4).png(),
      plain(red, 4).webp({ lossless: true }),
      plain(red, 4).toColourspace('rgb16').png(),
    ]) {
      const bytes = await file.toBuffer();
      const [onWhite, onBlack] = [
        await colourOf(bytes),
        await colourOf(bytes, { ...whole(8, 8), background: '#000000' }),
      ];
      expect(onWhite).toEqual([255, expect.toBeOneOf([127, 128]), expect.toBeOneOf([127, 128])]);
      expect(onBlack).toEqual([expect.toBeOneOf([127, 128]), 0, 0]);
    }
  });

  it('grey, with and without transparency, and of 16 bits, becomes three channels', async () => {
    const grey = plain('#808080').toColourspace('b-w');
    expect(await colourOf(await grey.clone().png().toBuffer())).toEqual([128, 128, 128]);
    expect(await colourOf(await grey.clone().jpeg().toBuffer())).toEqual([128, 128, 128]);
    expect(await colourOf(await plain('#808080').toColourspace('grey16').png().toBuffer())).toEqual([
      128, 128, 128,
    ]);
    const bits = await plain('#ffffff').png({ palette: true, colours: 2 }).toBuffer();
    expect(await colourOf(bits)).toEqual([255, 255, 255]);
  });

  it('16 bits become 8, and the highest are kept', async () => {
    const deep = await plain('#c86414').toColourspace('rgb16').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    expect(await colourOf(deep)).toEqual([200, 100, 20]);
  });

  it('other colour spaces become sRGB by their profile', async () => {
    const cmyk = await plain('#c86414')
      .toColourspace('cmyk')
      .withIccProfile('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
    const wide = await plain('#c86414').withIccProfile('p3').png().toBuffer();
    for (const file of [cmyk, wide]) {
      const made = await colourOf(file);
      // Through CMYK the most saturated colours lose a little.
      for (const [index, value] of [200, 100, 20].entries())
        expect(Math.abs(made[index]! - value)).toBeLessThan(12);
    }
    const raw = await sharp(wide, { ignoreIcc: true }).raw().toBuffer();
    expect([...raw.subarray(0, 3)]).not.toEqual([200, 100, 20]);
  });

  it('an animation is its first frame', async () => {
    const frames = Buffer.concat([
      await plain('#ff0000').raw().toBuffer(),
      await plain('#00ff00').raw().toBuffer(),
    ]);
    const pages = sharp(frames, { raw: { width: 16, height: 32, channels: 3, pageHeight: 16 } });
    for (const file of [
      await pages.clone().gif().toBuffer(),
      await pages.clone().webp({ lossless: true }).toBuffer(),
    ]) {
      expect((await sharp(file).metadata()).pages).toBe(2);
      expect(await colourOf(file)).toEqual([255, 0, 0]);
    }
  });

  it.each([
    ['24 bits', (pixels: Buffer) => bitmapFile(24, pixels)],
    ['32 bits, the fourth unused', (pixels: Buffer) => bitmapFile(32, pixels)],
    ['24 bits from the top', (pixels: Buffer) => bitmapFile(24, pixels, true)],
  ])('a BMP is read: %s', async (_, file) => {
    const picture = sharp(fixture('picture')).extract({ left: 50, top: 20, width: 7, height: 5 });
    const pixels = await picture.clone().raw().toBuffer();
    const made = await pixelsOf(file(pixels), whole(7, 5));
    expect(Buffer.from(made.data).equals(pixels)).toBe(true);
  });

  it('a BMP with a palette is read, and one that is cut off is not', async () => {
    // Four pixels in a row, a bit each: black, white, white, black.
    const file = Buffer.alloc(14 + 40 + 8 + 4);
    file.write('BM');
    file.writeUInt32LE(62, 10);
    file.writeUInt32LE(40, 14);
    file.writeInt32LE(4, 18);
    file.writeInt32LE(1, 22);
    file.writeUInt16LE(1, 28);
    file.fill(255, 58, 61);
    file[62] = 0b01100000;
    const { data } = await pixelsOf(file, whole(4, 1));
    expect([data[0], data[3], data[6], data[9]]).toEqual([0, 255, 255, 0]);
    await errorOf(pixelsOf(file.subarray(0, 64), whole(4, 1)), 'EMBED_UNREADABLE');
  });

  it('what cannot be decoded is rejected, with the reason', async () => {
    const png = await readFile(fixture('picture'));
    for (const broken of [Buffer.alloc(0), Buffer.from('no image'), png.subarray(0, png.length / 2)]) {
      const error = await errorOf(pixelsOf(broken, whole(8, 8)), 'EMBED_UNREADABLE');
      expect(error.message).toContain('the image cannot be decoded');
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  it('a run that is stopped decodes nothing', async () => {
    const reason = new Error('enough');
    await expect(
      pixelsOf({ path: fixture('picture') }, whole(8, 8), { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });
});

/** The picture as a camera stores it that was held in this way. */
async function turnedBack(orientation: number): Promise<Buffer> {
  const [degrees, mirrored] = TURNS[orientation - 1]!;
  const turned = await sharp(fixture('picture')).rotate(degrees).png().toBuffer();
  return mirrored ? sharp(turned).flop().png().toBuffer() : turned;
}

/** 7 × 5 pixels as Windows stores them: blue first, rows filled to four bytes. */
function bitmapFile(bits: 24 | 32, pixels: Buffer, fromTop = false): Buffer {
  const [width, height, bytes] = [7, 5, bits / 8];
  const row = Math.ceil((width * bytes) / 4) * 4;
  const file = Buffer.alloc(54 + row * height);
  file.write('BM');
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(fromTop ? -height : height, 22);
  file.writeUInt16LE(bits, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = ((fromTop ? y : height - 1 - y) * width + x) * 3;
      for (let c = 0; c < 3; c++) file[54 + y * row + x * bytes + c] = pixels[from + 2 - c]!;
    }
  }
  return file;
}

/** By orientation from 1: clockwise, then mirrored left to right. */
const TURNS: readonly [degrees: number, mirrored: boolean][] = [
  [0, false],
  [0, true],
  [180, false],
  [180, true],
  [90, true],
  [270, false],
  [270, true],
  [90, false],
];

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, expect, test } from 'vitest';
import { repairImage } from '../../../src/media/repair/image.ts';
import { tempFolder } from '../../support/temp-folder.ts';

let dir: string;
beforeEach(async () => {
  dir = await tempFolder();
});

/** A copy under 5000 pixels. */
async function smaller(bytes: Buffer, format: string) {
  const source = join(dir, 'source');
  const to = join(dir, 'made');
  await writeFile(source, bytes);
  const repaired = await repairImage({
    source,
    format,
    bytes: bytes.length,
    allowed: ['downscale'],
    target: { maxBytes: () => 1_000_000, maxPixels: 5000, accepts: () => true },
    to,
    signal: new AbortController().signal,
  });
  expect(repaired).toEqual({ steps: ['downscale'], parts: [{ file: to }] });
  return sharp(to, { animated: true });
}

test.each(['png', 'tiff'] as const)('16 bits of a %s stay 16 bits', async (format) => {
  const pixels = Uint16Array.from({ length: 100 * 100 * 3 }, () => 0x1234);
  const raw = { width: 100, height: 100, channels: 3 as const };
  const deep = await sharp(pixels, { raw })
    .toColourspace('rgb16')
    .toFormat(format, format === 'tiff' ? { compression: 'deflate' } : {})
    .toBuffer();
  const made = await smaller(deep, format);
  expect(await made.metadata()).toMatchObject({ width: 70, depth: 'ushort' });
  const [first] = new Uint16Array(
    (await made.toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer()).buffer,
  );
  expect(Math.abs(first! - 0x1234)).toBeLessThan(8);
});

test.each(['gif', 'webp'] as const)('all frames of a %s stay, with their times', async (format) => {
  const frame = (background: string) =>
    sharp({ create: { width: 100, height: 100, channels: 3, background } })
      .png()
      .toBuffer();
  const frames = await Promise.all(['red', 'lime', 'blue'].map(frame));
  const delay = [100, 200, 300];
  const animation = sharp(frames, { join: { animated: true } })[format]({ delay, loop: 2 });
  const made = await smaller(await animation.toBuffer(), format);
  expect(await made.metadata()).toMatchObject({ pages: 3, pageHeight: 70, width: 70, delay, loop: 2 });
});

test('CMYK becomes the same colour in sRGB', async () => {
  const background = { r: 200, g: 30, b: 30 };
  const image = sharp({ create: { width: 100, height: 100, channels: 3, background } });
  const made = await smaller(
    await image.toColourspace('cmyk').withIccProfile('cmyk').jpeg().toBuffer(),
    'jpeg',
  );
  expect((await made.metadata()).space).toBe('srgb');
  const [red, green] = await made.raw().toBuffer();
  expect(Math.abs(red! - 200)).toBeLessThan(8);
  expect(Math.abs(green! - 30)).toBeLessThan(8);
});

test('orientation goes into the pixels, and neither it nor the place of the picture into the copy', async () => {
  const image = sharp({ create: { width: 100, height: 60, channels: 3, background: 'red' } });
  const exif = { IFD0: { Orientation: '6' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } };
  const {
    width,
    height,
    exif: left,
    orientation,
  } = await (
    await smaller(await image.withExif(exif).withMetadata({ orientation: 6 }).jpeg().toBuffer(), 'jpeg')
  ).metadata();
  expect(width!).toBeLessThan(height!);
  expect([left, orientation]).toEqual([undefined, undefined]);
});

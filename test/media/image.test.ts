import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { probeImage } from '../../src/media/image.ts';
import { rasterBudget } from '../../src/media/native.ts';
import { errorOf, imageOptions, picture } from './fixtures.ts';
import { bitmap, frontTiff, heicOf, pngChunk } from './hand-made.ts';

const decodes = {
  jpeg: () => picture().jpeg().toBuffer(),
  'progressive jpeg': () => picture().jpeg({ progressive: true }).toBuffer(),
  'cmyk jpeg': () => picture().toColourspace('cmyk').jpeg().toBuffer(),
  png: () => picture().png().toBuffer(),
  'interlaced png': () => picture().png({ progressive: true }).toBuffer(),
  webp: () => picture().webp().toBuffer(),
  'lossless webp': () => picture().webp({ lossless: true }).toBuffer(),
  tiff: () => picture().tiff({ compression: 'lzw' }).toBuffer(),
  'tiled tiff': () => picture().tiff({ compression: 'deflate', tile: true }).toBuffer(),
  'tiff with jpeg inside': () => picture().tiff({ compression: 'jpeg' }).toBuffer(),
  'tiff with its directory in front': async () => frontTiff(320, 240),
  gif: () => picture().gif().toBuffer(),
  avif: () => picture(64, 48).avif().toBuffer(),
  bmp: async () => bitmap(320, 240),
};

describe.each(Object.entries(decodes))('a %s', (name, make) => {
  const format = name.split(' ').find((word) => /^(jpeg|png|webp|tiff|gif|avif|bmp)$/.test(word))!;

  it('passes the full decode when it is whole', async () => {
    const { media, warnings } = await probeImage(await make(), format, imageOptions());
    expect(media).toMatchObject({ format, orientation: 1, frames: 1, alpha: false });
    expect(warnings).toEqual([]);
  });

  it.each(['10 %', '50 %', '99 %', '-2'])('is rejected when it is cut at %s', async (where) => {
    const whole = await make();
    const end =
      where === '-2' ? whole.length - 2 : Math.floor((whole.length * Number.parseInt(where, 10)) / 100);
    const error = await errorOf(
      probeImage(whole.subarray(0, end), format, imageOptions()),
      'ALL_INPUT_INVALID_BYTES',
    );
    expect(error.message).toMatch(/truncated|cannot be decoded/);
  });
});

describe('what is recorded of an image', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is the size after EXIF orientation %i', async (orientation) => {
    const file = await picture(30, 20).withMetadata({ orientation }).jpeg().toBuffer();
    const { media } = await probeImage(file, 'jpeg', imageOptions());
    const [width, height] = orientation >= 5 ? [20, 30] : [30, 20];
    expect(media).toMatchObject({ width, height, orientation });
  });

  it('is CMYK for a CMYK JPEG', async () => {
    const file = await picture().toColourspace('cmyk').jpeg().toBuffer();
    expect((await probeImage(file, 'jpeg', imageOptions())).media).toMatchObject({
      colorSpace: 'cmyk',
      bitDepth: 8,
    });
  });

  it.each(['png', 'tiff'] as const)('is 16 bits for a 16-bit %s', async (format) => {
    const gradient = Uint16Array.from({ length: 64 * 32 }, (_, index) => index * 31);
    const image = sharp(gradient, { raw: { width: 64, height: 32, channels: 1 } });
    const file = await image.toColourspace('grey16')[format]({ compression: 'lzw' }).toBuffer();
    const { media } = await probeImage(file, format, imageOptions());
    expect(media).toMatchObject({ colorSpace: 'grey16', bitDepth: 16, width: 64, height: 32 });
  });

  it('is the transparency', async () => {
    const file = await picture().ensureAlpha(0.5).png().toBuffer();
    expect((await probeImage(file, 'png', imageOptions())).media.alpha).toBe(true);
  });

  it.each(['gif', 'webp'] as const)('is 3 frames for an animated %s', async (format) => {
    const { media } = await probeImage(await animation(format), format, imageOptions());
    expect(media).toMatchObject({ width: 40, height: 30, frames: 3 });
  });

  it('is 5 pages for a TIFF of 5 pages, at the size of the first', async () => {
    const { media } = await probeImage(frontTiff(320, 240, 5), 'tiff', imageOptions());
    expect(media).toMatchObject({ width: 320, height: 240, frames: 5 });
  });
});

describe('the later frames of an animation', () => {
  it('are missed when they are cut off', async () => {
    const file = await animation('gif');
    await errorOf(
      probeImage(file.subarray(0, file.length - 1), 'gif', imageOptions()),
      'ALL_INPUT_INVALID_BYTES',
    );
  });
});

describe('a broken EXIF block', () => {
  it('keeps the pixels of a JPEG, upright and with a warning', async () => {
    const file = await picture(30, 20).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    file.fill(0xff, file.indexOf('Exif\0\0') + 10, file.indexOf('Exif\0\0') + 40);
    expect(await probeImage(file, 'jpeg', imageOptions())).toMatchObject({
      media: { width: 30, height: 20, orientation: 1 },
      warnings: ['EXIF_UNREADABLE'],
    });
  });

  it('keeps the pixels of a PNG', async () => {
    const file = await picture(30, 20).withMetadata({ orientation: 6 }).png().toBuffer();
    file.fill(0xff, file.indexOf('eXIf') + 8, file.indexOf('eXIf') + 20);
    expect(await probeImage(file, 'png', imageOptions())).toMatchObject({
      media: { width: 30, height: 20, orientation: 1 },
      warnings: ['EXIF_UNREADABLE'],
    });
  });

  it('is not one whose strings are in another encoding', async () => {
    const file = await picture(30, 20)
      .withExif({ IFD0: { Copyright: 'CAFE' } })
      .jpeg()
      .toBuffer();
    file.write('CAF\xe9', file.indexOf('CAFE'), 'latin1');
    expect((await probeImage(file, 'jpeg', imageOptions())).warnings).toEqual([]);
  });
});

describe('limits', () => {
  it('name the megapixels of the header, and nothing is decoded', async () => {
    const file = await picture(100, 100).png().toBuffer();
    const error = await errorOf(
      probeImage(file, 'png', imageOptions({ maxPixels: 9_999 })),
      'INPUT_OVER_LIMIT',
    );
    expect(error).toMatchObject({ measured: 0.01, limit: 0.009999 });
    expect(error.message).toBe('IMAGE 0.01 MP > 0.009999 MP');
  });

  it('hold for BMP as well', async () => {
    await errorOf(probeImage(bitmap(320, 240), 'bmp', imageOptions({ maxPixels: 1 })), 'INPUT_OVER_LIMIT');
  });

  it('stop a run that was aborted', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(probeImage(bitmap(2, 2), 'bmp', imageOptions({ signal }))).rejects.toThrow('stopped');
  });
});

it('gives back its share of memory when the decode fails', async () => {
  const file = await picture().webp().toBuffer();
  await errorOf(probeImage(file.subarray(0, 3_000), 'webp', imageOptions()), 'ALL_INPUT_INVALID_BYTES');
  await probeImage(file, 'webp', imageOptions());
  expect(rasterBudget.inUse).toBe(0);
});

it('decodes images of which rows are enough while larger ones wait for memory', async () => {
  await rasterBudget.acquire(rasterBudget.budget);
  try {
    const waiting = probeImage(await picture().webp().toBuffer(), 'webp', imageOptions());
    await probeImage(await picture().jpeg().toBuffer(), 'jpeg', imageOptions());
    expect(rasterBudget.waiting).toBe(1);
    rasterBudget.release(rasterBudget.budget);
    await waiting;
  } finally {
    if (rasterBudget.inUse > 0) rasterBudget.release(rasterBudget.inUse);
  }
});

it('reads only the header with check: header', async () => {
  const file = await picture().jpeg().toBuffer();
  const { media } = await probeImage(file.subarray(0, 2_000), 'jpeg', imageOptions({ check: 'header' }));
  expect(media).toMatchObject({ width: 320, height: 240 });
});

it('finds a broken checksum among the pixels of a PNG', async () => {
  const file = await picture().png().toBuffer();
  file[Math.floor(file.length / 2)]! ^= 0x55;
  await errorOf(probeImage(file, 'png', imageOptions()), 'ALL_INPUT_INVALID_BYTES');
});

it('takes a PNG with unknown chunks behind its pixels', async () => {
  const file = await picture().png().toBuffer();
  const end = file.length - 12;
  const more = Buffer.concat([file.subarray(0, end), pngChunk('juNk', Buffer.from('x')), file.subarray(end)]);
  expect((await probeImage(more, 'png', imageOptions())).media.width).toBe(320);
});

describe('a HEIC, for which there is no decoder', () => {
  it('is read by its header', async () => {
    const file = heicOf(await picture(64, 48).avif().toBuffer());
    const { media } = await probeImage(file, 'heic', imageOptions());
    expect(media).toMatchObject({ format: 'heic', width: 64, height: 48, codec: 'hevc' });
  });

  it('is rejected when its boxes are cut off', async () => {
    const file = heicOf(await picture(64, 48).avif().toBuffer());
    const probing = probeImage(file.subarray(0, file.length - 2), 'heic', imageOptions());
    await errorOf(probing, 'ALL_INPUT_INVALID_BYTES');
  });
});

async function animation(format: 'gif' | 'webp'): Promise<Buffer> {
  const frames = await Promise.all(
    ['red', 'green', 'blue'].map((background) =>
      sharp({ create: { width: 40, height: 30, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  return sharp(frames, { join: { animated: true } })
    [format]()
    .toBuffer();
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { ingest } from '../../src/index.ts';
import type { MediaInfo } from '../../src/model/input.ts';
import { accounted } from '../support/accounts.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';

const WIDTH = 30;
const HEIGHT = 60;
const plain = (background: string) =>
  sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background } });

/** A file and what of it must be in the store. */
async function samples(): Promise<Record<string, { bytes: Buffer; media: Partial<MediaInfo> }>> {
  const brokenExif = await plain('red')
    .withExif({ IFD0: { Copyright: 'somebody' } })
    .jpeg()
    .toBuffer();
  const exif = brokenExif.indexOf('Exif\0\0');
  brokenExif.fill(0xff, exif + 10, exif + 40);
  const gray16 = Buffer.from(Uint16Array.from({ length: WIDTH * HEIGHT }, (_, i) => i * 36).buffer);
  const pages = await Promise.all(['red', 'green', 'blue'].map((color) => plain(color).png().toBuffer()));
  const animated = sharp(pages, { join: { animated: true } });
  const turned = { width: HEIGHT, height: WIDTH };
  return {
    'as-it-is.jpg': {
      bytes: await plain('red').jpeg().toBuffer(),
      media: { width: WIDTH, height: HEIGHT, orientation: 1 },
    },
    ...Object.fromEntries(
      await Promise.all(
        [2, 3, 4, 5, 6, 7, 8].map(async (orientation) => [
          `turned-${orientation}.jpg`,
          {
            bytes: await plain('red').withMetadata({ orientation }).jpeg().toBuffer(),
            media: { orientation, ...(orientation > 4 ? turned : { width: WIDTH, height: HEIGHT }) },
          },
        ]),
      ),
    ),
    'cmyk.jpg': {
      bytes: await plain('red').toColourspace('cmyk').jpeg().toBuffer(),
      media: { colorSpace: 'cmyk' },
    },
    '16-bit.png': {
      bytes: await sharp(gray16, {
        raw: { width: WIDTH, height: HEIGHT, channels: 1, depth: 'ushort' } as never,
      })
        .toColourspace('grey16')
        .png()
        .toBuffer(),
      media: { bitDepth: 16 },
    },
    'moving.gif': {
      bytes: await animated.clone().gif().toBuffer(),
      media: { frames: 3, width: WIDTH, height: HEIGHT },
    },
    'moving.webp': {
      bytes: await animated.clone().webp().toBuffer(),
      media: { frames: 3, width: WIDTH, height: HEIGHT },
    },
    'pages.tiff': { bytes: await animated.clone().tiff().toBuffer(), media: { frames: 3 } },
    'broken-exif.jpg': { bytes: brokenExif, media: { width: WIDTH, height: HEIGHT, orientation: 1 } },
    'alpha.png': { bytes: await plain('red').ensureAlpha(0.5).png().toBuffer(), media: { alpha: true } },
    'slow.wav': {
      bytes: wav(250, { sampleRate: 16_000 }),
      media: { sampleRate: 16_000, channels: 1, durationMs: 250 },
    },
    'fast.wav': {
      bytes: wav(250, { sampleRate: 32_000 }),
      media: { sampleRate: 32_000, channels: 1, durationMs: 250 },
    },
  };
}

test('what a file is is recorded as it is, for each file anew, and a broken EXIF block costs no pixels', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await mkdir(source);
  const files = await samples();
  for (const [name, { bytes }] of Object.entries(files)) await writeFile(join(source, name), bytes);
  const report = await ingest({ source, store });
  const lines = accounted(store, report);
  expect(report).toMatchObject({
    exitCode: 0,
    totals: { ok: Object.keys(files).length },
    warnings: { EXIF_UNREADABLE: 1 },
  });
  expect(lines.get('broken-exif.jpg')).toMatchObject({ outcome: 'ok', warnings: ['EXIF_UNREADABLE'] });
  const inputs = await storedIn(store);
  for (const { uri, media } of inputs) expect(media, uri).toMatchObject(files[uri]!.media);
});

import { expect, it } from 'vitest';
import { probeImage } from '../../src/media/image.ts';
import { errorOf, imageOptions } from './fixtures.ts';
import { bitmap, runLengthBitmap } from './hand-made.ts';

it('reads a bitmap that is stored from the top as one of positive height', async () => {
  const file = bitmap(8, 4);
  file.writeInt32LE(-4, 22);
  expect((await probeImage(file, 'bmp', imageOptions())).media).toMatchObject({
    width: 8,
    height: 4,
    bitDepth: 8,
  });
});

it('follows the runs of a compressed bitmap to its end mark', async () => {
  expect((await probeImage(runLengthBitmap(true), 'bmp', imageOptions())).media.width).toBe(4);
  await errorOf(probeImage(runLengthBitmap(false), 'bmp', imageOptions()), 'ALL_INPUT_INVALID_BYTES');
});

it.each([
  ['no width', 18, 0],
  ['7 bits per pixel', 28, 7],
  ['an unknown compression', 30, 9],
  ['more pixels than bytes', 22, 40_000],
])('rejects a bitmap that claims %s', async (_, offset, value) => {
  const file = bitmap(8, 4);
  if (offset === 28) file.writeUInt16LE(value, offset);
  else file.writeInt32LE(value, offset);
  await errorOf(probeImage(file, 'bmp', imageOptions()), 'ALL_INPUT_INVALID_BYTES');
});

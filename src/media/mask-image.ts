import type { Sharp as SharpPipeline } from 'sharp';
import { asError, RejectedItemError, SluiceError } from '../model/errors.ts';
import { checkLimit } from './limit.ts';
import { loadSharp, rasterBudget } from './native.ts';
import { barePng, type PngHeader, readPngHeader } from './value-png.ts';

/** Far above any image that a profile takes; 268 MP is also the most that sharp decodes by default. */
const MAX_PIXELS = 0x3fff * 0x3fff;
/** What decoding, turning and scanning hold together for a sample. */
const BYTES_A_SAMPLE = 4;

/** The pixels of a mask column by column, as COCO's run-length encoding goes: pixel (x, y) is at `x * height + y`. */
export interface MaskRaster {
  width: number;
  height: number;
  /** The values as they are stored: an index of a palette, a gray value of 1–16 bits, or a colour as 0xrrggbb. */
  values: Uint8Array | Uint16Array | Uint32Array;
}

/**
 * Reads a PNG for its values. `values` takes indexed and gray ones, an index of the palette for the former and the
 * sample for the latter, of all their bits; `colours` takes every PNG, reduced to 8 bits a channel, without alpha.
 *
 * Decoded and turned by libvips, in its threads. Throws RejectedItemError MASK_INVALID with what is wrong.
 */
export async function readMaskImage(
  file: Buffer,
  as: 'values' | 'colours',
  signal: AbortSignal,
): Promise<MaskRaster> {
  try {
    const header = readPngHeader(file);
    const { width, height } = header;
    checkLimit('mask', (width * height) / 1e6, { value: MAX_PIXELS / 1e6, unit: 'MP', exclusive: false });
    const held = width * height * BYTES_A_SAMPLE;
    await rasterBudget.acquire(held, signal);
    try {
      const values = as === 'values' ? await decodeValues(file, header) : await decodeColours(file);
      return { width, height, values };
    } finally {
      rasterBudget.release(held);
    }
  } catch (error) {
    signal.throwIfAborted();
    const cause = asError(error);
    const { measured, limit } = error instanceof SluiceError ? error : {};
    throw new RejectedItemError('MASK_INVALID', cause.message.split('\n', 1)[0]!, {
      cause,
      ...(measured === undefined || limit === undefined ? {} : { measured, limit }),
    });
  }
}

async function decodeValues(
  file: Buffer,
  { colour, bitDepth }: PngHeader,
): Promise<Uint8Array | Uint16Array> {
  if (colour.startsWith('rgb'))
    throw new Error('the mask has colours, not values: it is neither indexed nor gray');
  const wide = bitDepth === 16;
  const { data } = await decode(barePng(file, { asGray: colour === 'indexed' }), (image) => {
    const gray = image.extractChannel(0);
    return wide ? gray.toColourspace('grey16').raw({ depth: 'ushort' }) : gray.toColourspace('b-w').raw();
  });
  if (wide) return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  // The decoder spreads fewer bits over the range of eight.
  const step = 255 / (2 ** bitDepth - 1);
  if (step > 1) for (let i = 0; i < data.length; i++) data[i] = data[i]! / step;
  return data;
}

async function decodeColours(file: Buffer): Promise<Uint32Array> {
  const { data, channels } = await decode(barePng(file, { asGray: false }), (image) =>
    image.removeAlpha().toColourspace('srgb').raw(),
  );
  const colours = new Uint32Array(data.length / channels);
  // Gray stays in one channel.
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  for (let i = 0, at = 0; i < colours.length; i++, at += channels)
    colours[i] = (data[at]! << 16) | (data[at + green]! << 8) | data[at + blue]!;
  return colours;
}

/** Decodes and transposes, so that rows of the result are columns of the image. */
async function decode(
  file: Buffer,
  raw: (image: SharpPipeline) => SharpPipeline,
): Promise<{ data: Buffer; channels: number }> {
  const sharp = await loadSharp();
  const image = sharp(file, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
  const { data, info } = await raw(image.flip().rotate(90)).toBuffer({ resolveWithObject: true });
  return { data, channels: info.channels };
}

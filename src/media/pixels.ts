import { readFile } from 'node:fs/promises';
import type Sharp from 'sharp';
import type { Metadata, Sharp as SharpPipeline } from 'sharp';
import type { Box } from '../model/annotation.ts';
import type { Encoded, RawPixels } from '../model/embedding.ts';
import { asError, RejectedItemError, RetryableError } from '../model/errors.ts';
import { bitmapPixels, isBitmap } from './bmp-pixels.ts';
import { loadSharp, rasterBudget } from './native.ts';
import { type Kernel, type Part, resample } from './resample.ts';

export interface Framing {
  /** The whole picture becomes this big; `edge`: the shorter side has so many pixels and the ratio is kept. */
  resize: { edge: number } | { width: number; height: number };
  /** Then its middle is cut out. */
  crop?: { width: number; height: number };
  kernel: Kernel;
  /** What shows where the picture is transparent; `#ffffff` and the like. */
  background: string;
}

export interface FramingOptions {
  /** Only this part of the oriented image, at least one pixel of it. */
  box?: Box;
  signal: AbortSignal;
}

/** The most pixels that are decoded at all: 1 gigapixel. */
const MOST_PIXELS = 1_000_000_000;
/** Of one image; the largest that is taken in needs some seconds on a slow machine. */
const TIMEOUT_SECONDS = 120;
/** Values of the orientation tag from here on are turned sideways, so no row can be written before all are read. */
const FIRST_TURNED = 3;

/**
 * An image as a model takes it: red, green and blue, a byte each, in the size of the framing.
 *
 * The first frame of an animation, upright, in sRGB whatever its own colours, over the background where transparent.
 * Sizes and filters are those of Pillow (shorter side first, the other one rounded down; the middle rounded up and left).
 * Throws RejectedItemError EMBED_UNREADABLE, RetryableError EMBED_FAILED, the signal's reason.
 */
export async function framedPixels(
  source: Encoded | RawPixels,
  framing: Framing,
  { box, signal }: FramingOptions,
): Promise<RawPixels> {
  signal.throwIfAborted();
  const sharp = await loadSharp();
  try {
    const { pipeline, width, height, raster } = await opened(sharp, source);
    if (raster > 0) await rasterBudget.acquire(raster, signal);
    try {
      const part = box === undefined ? { left: 0, top: 0, width, height } : within(box, width, height);
      const cut = box === undefined ? pipeline : pipeline.extract(part);
      return await framed(cut, part, framing);
    } finally {
      if (raster > 0) rasterBudget.release(raster);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw unreadable(asError(thrown));
  }
}

interface Opened {
  pipeline: SharpPipeline;
  /** Of the oriented image. */
  width: number;
  height: number;
  /** Bytes that must be held before the first row can be made. */
  raster: number;
}

async function opened(sharp: typeof Sharp, source: Encoded | RawPixels): Promise<Opened> {
  if (!Buffer.isBuffer(source) && 'data' in source) {
    const { data, width, height } = source;
    return { pipeline: sharp(data, { raw: { width, height, channels: 3 } }), width, height, raster: 0 };
  }
  const options = { limitInputPixels: MOST_PIXELS, failOn: 'error', pages: 1 } as const;
  const pipeline = sharp(Buffer.isBuffer(source) ? source : source.path, options);
  let header: Metadata;
  try {
    header = await pipeline.metadata();
  } catch (error) {
    return bitmap(sharp, source, error);
  }
  const { width, height } = header.autoOrient;
  const inOrder = (header.format === 'jpeg' || header.format === 'png') && !header.isProgressive;
  const turned = (header.orientation ?? 1) >= FIRST_TURNED;
  return {
    pipeline: pipeline.autoOrient(),
    width,
    height,
    raster: inOrder && !turned ? 0 : width * height * 6,
  };
}

/** Of a BMP, which libvips does not read; throws `error` for whatever else it is. */
async function bitmap(sharp: typeof Sharp, source: Encoded, error: unknown): Promise<Opened> {
  const file = Buffer.isBuffer(source) ? source : await readFile(source.path);
  if (!isBitmap(file)) throw error;
  const { data, ...raw } = bitmapPixels(file);
  return { pipeline: sharp(data, { raw }), ...raw, raster: 0 };
}

/** Whole pixels of a normalised box: the nearest to its borders. */
function within(box: Box, width: number, height: number): Part {
  const left = clamp(Math.round(box.left * width), 0, width - 1);
  const top = clamp(Math.round(box.top * height), 0, height - 1);
  const right = clamp(Math.round(box.right * width), left + 1, width);
  const bottom = clamp(Math.round(box.bottom * height), top + 1, height);
  return { left, top, width: right - left, height: bottom - top };
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

async function framed(
  pipeline: SharpPipeline,
  { width, height }: { width: number; height: number },
  { resize, crop, kernel, background }: Framing,
): Promise<RawPixels> {
  const size = 'edge' in resize ? shorterEdge(width, height, resize.edge) : resize;
  const middle = middleOf(size, crop ?? size);
  const rgb = pipeline.flatten({ background }).toColourspace('srgb').timeout({ seconds: TIMEOUT_SECONDS });
  if (size.width > width || size.height > height) return resample(await rawPixels(rgb), size, kernel, middle);
  // The decoder may halve what is four times too large or more, no further.
  const sized = rgb.resize({ ...size, fit: 'fill', kernel, fastShrinkOnLoad: false });
  return rawPixels(crop === undefined ? sized : sized.extract(middle));
}

async function rawPixels(pipeline: SharpPipeline): Promise<RawPixels> {
  const { data, info } = await pipeline.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

function middleOf(size: { width: number; height: number }, crop: { width: number; height: number }): Part {
  const left = Math.floor((size.width - crop.width) / 2);
  const top = Math.floor((size.height - crop.height) / 2);
  return { left, top, ...crop };
}

/** The size whose shorter side is `edge`, as Hugging Face's image processors round it. */
function shorterEdge(width: number, height: number, edge: number): { width: number; height: number } {
  if (width <= height) return { width: edge, height: Math.trunc((edge * height) / width) };
  return { width: Math.trunc((edge * width) / height), height: edge };
}

function unreadable(cause: Error): RejectedItemError | RetryableError {
  const [reason = ''] = cause.message.split('\n', 1);
  if (/^timeout|out of memory|unable to allocate/i.test(reason)) {
    return new RetryableError('EMBED_FAILED', `the image was not decoded: ${reason}`, { cause });
  }
  return new RejectedItemError('EMBED_UNREADABLE', `the image cannot be decoded: ${reason}`, { cause });
}

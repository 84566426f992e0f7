import type Sharp from 'sharp';
import type { Metadata, SharpOptions, Sharp as SharpPipeline } from 'sharp';
import type { Code } from '../model/codes.ts';
import { asError, type RejectedItemError, RetryableError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import { checkBitmapPixels, readBitmap } from './bmp.ts';
import { bufferSource } from './byte-source.ts';
import { checkContainerEnd } from './container-end.ts';
import { exifReadable } from './exif.ts';
import { checkImageEnd, pngHasExif } from './image-end.ts';
import { invalidBytes } from './invalid.ts';
import { checkLimit } from './limit.ts';
import { loadSharp, rasterBudget } from './native.ts';

export interface ImageOptions {
  /** `header` reads the size and the metadata only; `decode` decodes every pixel of page 0. */
  check: 'header' | 'decode';
  /** Largest width × height, compared with the header before anything is decoded. */
  maxPixels: number;
  /** Longest time for the decode, in milliseconds. */
  timeoutMs: number;
  signal: AbortSignal;
}

/**
 * Reads what an image is and, with `check: 'decode'`, proves that its pixels are there.
 *
 * Only page 0 is decoded; `frames` counts them all. BMP is read here, as libvips cannot: its pixels are checked to
 * be present. HEIC has no decoder in the packaged libvips either: its header is read, its boxes are checked to be
 * whole, its pixels are not decoded.
 *
 * Throws RejectedItemError INPUT_OVER_LIMIT (pixels) or ALL_INPUT_INVALID_BYTES, RetryableError MEDIA_PROBE_FAILED.
 */
export async function probeImage(
  source: Buffer,
  format: string,
  options: ImageOptions,
): Promise<{ media: MediaInfo; warnings: Code[] }> {
  options.signal.throwIfAborted();
  if (format === 'bmp') {
    const bitmap = readBitmap(source);
    checkPixels(bitmap.media, options.maxPixels);
    if (options.check === 'decode') checkBitmapPixels(source, bitmap);
    return { media: bitmap.media, warnings: [] };
  }
  const sharp = await loadSharp();
  const header = await sharp(source, HEADER)
    .metadata()
    .catch((error: unknown) => {
      throw unreadable(format, error);
    });
  checkPixels(header, options.maxPixels);
  if (options.check === 'decode') await decode(sharp, source, format, header, options);
  return describe(source, format, header);
}

/** Throws RejectedItemError INPUT_OVER_LIMIT, in megapixels. */
function checkPixels(
  { width = 0, height = 0 }: { width?: number; height?: number },
  maxPixels: number,
): void {
  checkLimit('image', (width * height) / 1e6, { value: maxPixels / 1e6, unit: 'MP', exclusive: false });
}

/** The limit on pixels is ours to check, with our own words. */
const HEADER: SharpOptions = { failOn: 'error', limitInputPixels: false };
/** Colours do not matter to the check, and an embedded profile would double its time. */
const PIXELS: SharpOptions = { ...HEADER, sequentialRead: true, ignoreIcc: true };

async function decode(
  sharp: typeof Sharp,
  source: Buffer,
  format: string,
  header: Metadata,
  { signal, timeoutMs }: ImageOptions,
): Promise<void> {
  checkImageEnd(format, source);
  if (format === 'heic' || format === 'avif') await checkContainerEnd(format, bufferSource(source));
  if (format === 'heic') return;
  const raster = rasterBytes(format, header);
  // Without a raster there is nothing to wait for, whatever large images wait ahead.
  if (raster > 0) await rasterBudget.acquire(raster, signal);
  try {
    await wholeImage(sharp(source, PIXELS), format, header)
      .timeout({ seconds: Math.max(1, Math.ceil(timeoutMs / 1000)) })
      .raw()
      .toBuffer();
  } catch (error) {
    throw unreadable(format, error);
  } finally {
    if (raster > 0) rasterBudget.release(raster);
  }
}

/**
 * The cheapest pipeline that needs every pixel. The last row is enough where rows are decoded in order; it costs
 * nothing on top of the decoder. WebP decodes at a smaller scale in half the time, and a tiled TIFF would give its
 * last row without the tiles above, so both are shrunk to one pixel.
 */
function wholeImage(pipeline: SharpPipeline, format: string, { height = 1 }: Metadata): SharpPipeline {
  if (format === 'webp' || format === 'tiff') return pipeline.resize(1, 1, { fit: 'fill' });
  return pipeline.extract({ left: 0, top: height - 1, width: 1, height: 1 });
}

/** Bytes of pixels or coefficients that the decoder must hold at once; rows in order need next to none. */
function rasterBytes(format: string, { width = 0, height = 0, isProgressive }: Metadata): number {
  const inOrder = (format === 'jpeg' || format === 'png') && !isProgressive;
  return inOrder ? 0 : width * height * 6;
}

const DEPTHS: Record<string, number> = {
  uchar: 8,
  char: 8,
  ushort: 16,
  short: 16,
  uint: 32,
  int: 32,
  float: 32,
};

function describe(source: Buffer, format: string, header: Metadata): { media: MediaInfo; warnings: Code[] } {
  const readable = exifIsReadable(source, format, header);
  const oriented = readable ? header.autoOrient : header;
  const media: MediaInfo = {
    format,
    width: oriented.width,
    height: oriented.height,
    orientation: readable ? (header.orientation ?? 1) : 1,
    colorSpace: header.space,
    bitDepth: header.bitsPerSample ?? DEPTHS[header.depth] ?? 64,
    alpha: header.hasAlpha,
    frames: header.pages ?? 1,
  };
  if (header.compression !== undefined) media.codec = header.compression;
  return { media, warnings: readable ? [] : ['EXIF_UNREADABLE'] };
}

/** A PNG drops an EXIF chunk whose checksum is wrong, so there it can be missing although the file has one. */
function exifIsReadable(source: Buffer, format: string, { exif }: Metadata): boolean {
  if (exif !== undefined) return exifReadable(exif);
  return format !== 'png' || !pngHasExif(source);
}

function unreadable(format: string, thrown: unknown): RejectedItemError | RetryableError {
  const cause = asError(thrown);
  const [reason = ''] = cause.message.split('\n', 1);
  if (/^timeout|out of memory|unable to allocate/i.test(reason)) {
    return new RetryableError('MEDIA_PROBE_FAILED', `${format.toUpperCase()} was not decoded: ${reason}`, {
      cause,
    });
  }
  return invalidBytes(`${format.toUpperCase()} cannot be decoded: ${reason}`, { cause });
}

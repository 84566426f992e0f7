import { writeFile } from 'node:fs/promises';
import type Sharp from 'sharp';
import type { Sharp as SharpPipeline } from 'sharp';
import { asError, RejectedItemError, RetryableError } from '../../model/errors.ts';
import type { MediaInfo } from '../../model/input.ts';
import { loadSharp, rasterBudget } from '../native.ts';
import { REPAIR_STEPS, type Repaired, type RepairStep, type RepairTarget } from './steps.ts';

/** The most pixels that are decoded at all, whatever the limit to be fitted: 1 gigapixel. */
const MOST_PIXELS = 1_000_000_000;
/** From nearly lossless to what still trains well. */
const QUALITIES = [92, 85, 75, 65];
/** Below this the picture is no longer the one that was given. */
const SMALLEST_SCALE = 0.05;

export interface ImageRepair {
  /** Path of the original, or its bytes. */
  source: string | Buffer;
  format: string;
  bytes: number;
  allowed: readonly RepairStep[];
  target: RepairTarget;
  /** Where the result is written. */
  to: string;
  signal: AbortSignal;
}

/** What an image's header says, whatever its size: pixels of the oriented image. */
export async function imageHeader(source: string | Buffer, format: string): Promise<MediaInfo> {
  const sharp = await loadSharp();
  const { width, height, orientation, autoOrient } = await sharp(source, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw unreadable(format, error);
    });
  return {
    format,
    width: autoOrient.width ?? width,
    height: autoOrient.height ?? height,
    orientation: orientation ?? 1,
  };
}

/**
 * Brings an image under the limits: into a format that is taken, to a smaller size, at a lower quality, as far as each
 * is allowed. Orientation is applied to the pixels; colour profiles, the 16 bits of a PNG or TIFF and all frames of a
 * WebP or GIF animation are kept. Other metadata, such as EXIF with its place and camera, are not.
 *
 * Undefined when the allowed steps cannot make it fit. Throws RejectedItemError ALL_INPUT_INVALID_BYTES, RetryableError
 * REPAIR_FAILED, FatalError of the file that is written, the signal's reason.
 */
export async function repairImage({
  source,
  format,
  bytes,
  allowed,
  target,
  to,
  signal,
}: ImageRepair): Promise<Repaired | undefined> {
  const sharp = await loadSharp();
  const { width, height } = await imageHeader(source, format);
  const pixels = (width ?? 0) * (height ?? 0);
  const unsupported = !target.accepts('image', format);
  const tooLarge = pixels > target.maxPixels;
  if (pixels > MOST_PIXELS || (unsupported && !allowed.includes('transcode'))) return undefined;
  if (tooLarge && !allowed.includes('downscale')) return undefined;

  const maxBytes = target.maxBytes('image');
  const mayReencode = allowed.includes('reencode') || unsupported;
  const tries = encodings(unsupported ? undefined : format, mayReencode);
  let scale = tooLarge ? Math.sqrt(target.maxPixels / pixels) : 1;
  // What is over in bytes alone and may not lose quality can only get smaller.
  if (!tooLarge && !mayReencode) scale = Math.min(0.95, Math.sqrt(maxBytes / bytes));
  if (scale < 1 && !allowed.includes('downscale')) return undefined;
  while (scale >= SMALLEST_SCALE) {
    let smallest = Number.POSITIVE_INFINITY;
    for (const encoding of tries) {
      signal.throwIfAborted();
      const made = await encode(sharp, source, { scale, ...encoding }, format);
      smallest = Math.min(smallest, made.length);
      if (made.length > maxBytes) continue;
      await writeFile(to, made);
      const reencoded = encoding !== tries[0] || (scale === 1 && !unsupported);
      return {
        steps: stepsOf({ downscale: scale < 1, reencode: reencoded, transcode: unsupported }),
        parts: [{ file: to }],
      };
    }
    if (!allowed.includes('downscale')) return undefined;
    scale *= Math.min(0.9, Math.sqrt(maxBytes / smallest));
  }
  return undefined;
}

/**
 * An image in another format, upright, in the same size in pixels and with its colour profile: the first frame of an
 * animation; what is transparent is white in a JPEG. The same version of libvips gives the same bytes.
 *
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES, RetryableError REPAIR_FAILED.
 */
export async function convertImage(
  source: string | Buffer,
  from: string,
  format: 'jpeg' | 'png',
): Promise<Buffer> {
  const header = await imageHeader(source, from);
  const pixels = (header.width ?? 0) * (header.height ?? 0);
  if (pixels > MOST_PIXELS) throw unreadable(from, new Error(`it has ${pixels} pixels`));
  return encode(await loadSharp(), source, { scale: 1, format, quality: QUALITIES[0]! }, from);
}

const stepsOf = (done: Partial<Record<RepairStep, boolean>>): RepairStep[] =>
  REPAIR_STEPS.filter((step) => done[step]);

interface Encoding {
  format: 'jpeg' | 'png' | 'webp' | 'tiff' | 'gif' | undefined;
  quality: number;
}

/** The best first; a format that the platform does not take becomes JPEG, or PNG where it is transparent. */
function encodings(keep: string | undefined, mayReencode: boolean): Encoding[] {
  const own =
    keep === 'jpeg' || keep === 'png' || keep === 'webp' || keep === 'tiff' || keep === 'gif'
      ? keep
      : undefined;
  const first: Encoding = { format: own, quality: QUALITIES[0]! };
  if (!mayReencode || own === 'gif') return [first];
  // Lossless formats have no quality to lower, so they go on as WebP, which keeps transparency.
  const lossy = own === 'jpeg' ? 'jpeg' : 'webp';
  return [
    first,
    ...QUALITIES.map((quality) => ({ format: lossy, quality }) as const).slice(own === lossy ? 1 : 0),
  ];
}

async function encode(
  sharp: typeof Sharp,
  source: string | Buffer,
  { scale, format, quality }: Encoding & { scale: number },
  from: string,
): Promise<Buffer> {
  const animated = format === 'gif' || format === 'webp';
  const pipeline = sharp(source, {
    limitInputPixels: MOST_PIXELS,
    failOn: 'error',
    animated,
    sequentialRead: true,
  });
  const { width, height, pageHeight, hasAlpha, autoOrient, space } = await pipeline.metadata();
  const raster = Math.min(width * height * 4, rasterBudget.budget);
  await rasterBudget.acquire(raster);
  try {
    const oriented = pipeline.autoOrient().keepIccProfile();
    const upright = format === 'jpeg' && hasAlpha ? oriented.flatten({ background: '#ffffff' }) : oriented;
    const sized =
      scale === 1
        ? upright
        : upright.resize({
            width: Math.max(1, Math.floor(autoOrient.width * scale)),
            height: Math.max(1, Math.floor((pageHeight ?? autoOrient.height) * scale)),
            fit: 'fill',
            kernel: 'lanczos3',
          });
    const deep = (space === 'rgb16' || space === 'grey16') && (format === 'png' || format === 'tiff');
    const kept = deep ? sized.toColourspace(space) : sized;
    return await encoded(kept, format ?? (hasAlpha ? 'png' : 'jpeg'), quality).toBuffer();
  } catch (error) {
    throw unreadable(from, error);
  } finally {
    rasterBudget.release(raster);
  }
}

function encoded(
  pipeline: SharpPipeline,
  format: NonNullable<Encoding['format']>,
  quality: number,
): SharpPipeline {
  switch (format) {
    case 'jpeg':
      return pipeline.jpeg({ quality, chromaSubsampling: quality > 85 ? '4:4:4' : '4:2:0' });
    case 'png':
      return pipeline.png({ compressionLevel: 9 });
    case 'webp':
      return pipeline.webp({ quality });
    case 'tiff':
      return pipeline.tiff({ compression: 'deflate', predictor: 'horizontal' });
    case 'gif':
      return pipeline.gif();
  }
}

function unreadable(format: string, thrown: unknown): RejectedItemError | RetryableError {
  const error = asError(thrown);
  return /memory/i.test(error.message)
    ? new RetryableError('REPAIR_FAILED', `${format.toUpperCase()}: ${error.message}`, { cause: error })
    : new RejectedItemError(
        'ALL_INPUT_INVALID_BYTES',
        `${format.toUpperCase()} cannot be decoded: ${error.message}`,
        {
          cause: error,
        },
      );
}

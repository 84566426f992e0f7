import type { Mask } from '../model/annotation.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import { canonicalRuns } from './combine-runs.ts';
import { invalid } from './invalid.ts';
import { type Size, show, sizeOf, storedSize } from './labelled-frame.ts';
import { encodeMask, maskOfRuns } from './mask.ts';
import { turnBitmap } from './orientation.ts';
import { areaOf, decodeColumns, MAX_MASK_PIXELS, parseRuns, pixelsOf, type Runs } from './runs.ts';
import { transpose } from './transpose.ts';

/**
 * A mask that can be read, in the oriented image. Its own size says what it was drawn on: the oriented image, or its
 * stored pixels, in which case it is turned. Masks are never resized.
 */
export function checkMask({ size, counts }: Mask, media: MediaInfo): { mask: Mask; turned: boolean } {
  const [height, width] = size;
  checkSide('mask.size[0]', height);
  checkSide('mask.size[1]', width);
  if (height * width > MAX_MASK_PIXELS) {
    throw new RejectedItemError('MASK_INVALID', 'mask: has more pixels than run-length encoding can count', {
      measured: height * width,
      limit: MAX_MASK_PIXELS,
    });
  }
  if (typeof counts !== 'string') throw invalid('mask.counts', 'a run-length string', counts);
  const stored = frameOf({ width, height }, media);
  const runs = parseRuns(counts);
  const pixels = pixelsOf(runs);
  if (pixels !== height * width) {
    throw new RejectedItemError(
      'MASK_INVALID',
      `mask: its runs cover ${pixels} pixels, and its size is ${show({ width, height })}`,
      { measured: pixels, limit: height * width },
    );
  }
  if (areaOf(runs) === 0) throw new RejectedItemError('REGION_DEGENERATE', 'mask: no pixel is set');
  if (stored) return { mask: turned(runs, { width, height }, media.orientation!), turned: true };
  return { mask: maskOfRuns(canonicalRuns(runs), width, height), turned: false };
}

function checkSide(field: string, value: unknown): void {
  if (!Number.isInteger(value) || (value as number) < 1) throw invalid(field, 'a number of pixels', value);
}

/** Whether the mask is one of the stored pixels; throws RejectedItemError when it is of another image. */
function frameOf(mask: Size, media: MediaInfo): boolean {
  const upright = sizeOf(media);
  if (upright === undefined) return false;
  if (mask.width === upright.width && mask.height === upright.height) return false;
  const stored = storedSize(upright, media.orientation);
  if (stored !== undefined && mask.width === stored.width && mask.height === stored.height) return true;
  throw new RejectedItemError(
    'MASK_SIZE_MISMATCH',
    `the mask has ${show(mask)}, and its image ${show(upright)}`,
    { measured: show(mask), limit: show(upright) },
  );
}

function turned(runs: Runs, { width, height }: Size, orientation: number): Mask {
  const bitmap = transpose(decodeColumns(runs, width * height), width, height);
  return encodeMask(turnBitmap(bitmap, width, height, orientation), height, width);
}

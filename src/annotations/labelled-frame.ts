import type { Position } from '../model/annotation.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import { swapsAxes, turnPosition } from './orientation.ts';

export interface Size {
  width: number;
  height: number;
}

/** What regions were drawn on, and how it lies to the oriented image. */
export interface LabelledFrame {
  /** In pixels; absent when nothing states a size, so that only normalised coordinates can be placed. */
  size?: Size;
  /** EXIF orientation that the labels do not know of; 1 when they were drawn on the upright image. */
  orientation: number;
  /** Whether the labels state another size than the oriented image has. */
  differs: boolean;
}

/** Largest relative difference of two aspect ratios that are taken for the same; a resized copy is rounded to pixels. */
const ASPECT_TOLERANCE = 0.01;

/**
 * Finds what the labels were drawn on by the size that they state. It is, in this order: the oriented image; its stored
 * pixels, which the orientation turns; a resized copy of the oriented image; a resized copy of the stored pixels.
 * Throws RejectedItemError ANNOTATION_INVALID_ARGUMENT when no aspect ratio agrees within 1 %.
 */
export function labelledFrame(media: MediaInfo, labelled: Size | undefined): LabelledFrame {
  const upright = sizeOf(media);
  const stated = labelled === undefined ? undefined : sizeOf(labelled);
  if (stated === undefined) {
    return { orientation: 1, differs: false, ...(upright === undefined ? {} : { size: upright }) };
  }
  if (upright === undefined || isSame(stated, upright))
    return { size: stated, orientation: 1, differs: false };
  const stored = storedSize(upright, media.orientation);
  const orientation = media.orientation ?? 1;
  if (stored !== undefined && isSame(stated, stored)) return { size: stated, orientation, differs: true };
  if (isSimilar(stated, upright)) return { size: stated, orientation: 1, differs: true };
  if (stored !== undefined && isSimilar(stated, stored)) return { size: stated, orientation, differs: true };
  throw new RejectedItemError(
    'ANNOTATION_INVALID_ARGUMENT',
    `the labels were made on an image of ${show(stated)}, and this one is ${show(upright)}: not a resized copy`,
    { measured: show(stated), limit: show(upright) },
  );
}

/** The size of the stored pixels where it tells them from the upright image. */
export const storedSize = ({ width, height }: Size, orientation: number | undefined): Size | undefined =>
  swapsAxes(orientation) && width !== height ? { width: height, height: width } : undefined;

/** The size of an image, if it is known. */
export function sizeOf({ width, height }: { width?: number; height?: number }): Size | undefined {
  const known = (length: number | undefined): length is number => Number.isFinite(length) && length! > 0;
  return known(width) && known(height) ? { width, height } : undefined;
}

/** Where a position of the labels lies in the oriented image, normalised. */
export function placeIn(
  { size, orientation }: LabelledFrame,
  unit: 'pixels' | 'normalised',
): (x: number, y: number) => Position {
  if (unit === 'pixels' && size === undefined) {
    throw new RejectedItemError(
      'ANNOTATION_INVALID_ARGUMENT',
      'a region in pixels cannot be placed: neither the labels nor the media say how large the image is',
    );
  }
  const { width, height } = unit === 'pixels' ? size! : { width: 1, height: 1 };
  return orientation === 1
    ? (x, y) => [x / width, y / height]
    : (x, y) => turnPosition(x / width, y / height, orientation);
}

const isSame = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;
const isSimilar = (a: Size, b: Size): boolean =>
  Math.abs((a.width * b.height) / (a.height * b.width) - 1) <= ASPECT_TOLERANCE;
export const show = ({ width, height }: Size): string => `${width} × ${height} px`;

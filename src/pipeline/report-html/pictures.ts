import { loadSharp } from '../../media/native.ts';

/** An image that is part of the page. */
export interface Picture {
  /** A data URI. */
  uri: string;
  /** Pixels, upright. */
  width: number;
  height: number;
}

/** Longest side in pixels. */
const SIDE = 320;
/** Larger images get no picture: a report must not take longer than the run. */
const MAX_PIXELS = 120e6;
const MAX_SECONDS = 10;

/**
 * A small upright picture of an image, whatever of it can be decoded; undefined where nothing can.
 * Of several pages or frames it is the first.
 */
export async function thumbnail(image: Buffer | string): Promise<Picture | undefined> {
  const sharp = await loadSharp();
  try {
    const { data, info } = await sharp(image, { failOn: 'none', limitInputPixels: MAX_PIXELS })
      .autoOrient()
      .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .webp({ quality: 72 })
      .timeout({ seconds: MAX_SECONDS })
      .toBuffer({ resolveWithObject: true });
    return { uri: dataUri('image/webp', data), width: info.width, height: info.height };
  } catch {
    return undefined;
  }
}

export const dataUri = (mime: string, data: Buffer): string =>
  `data:${mime};base64,${data.toString('base64')}`;

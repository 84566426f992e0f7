import { checkLimit } from '../media/limit.ts';
import type { Sniffed } from '../media/sniff.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import type { Kind } from '../model/kind.ts';
import { type Limit, largestCount, MILLION } from './limits.ts';
import type { Profile } from './profiles.ts';

/** Checks an id that the user gave. Throws RejectedItemError INPUT_INVALID_REQUEST. */
export function checkId(id: string, profile: Profile): void {
  const limit = profile.limits['id.characters'].value;
  // Counting code points costs more than the UTF-16 length, which is never smaller.
  const characters = id.length <= limit ? id.length : [...id].length;
  if (characters === 0 || characters > limit) {
    throw new RejectedItemError(
      'INPUT_INVALID_REQUEST',
      `ID has ${characters} characters, allowed are 1–${limit}`,
      {
        measured: characters,
        limit,
      },
    );
  }
  if (!profile.idColon && id.includes(':')) {
    throw new RejectedItemError('INPUT_INVALID_REQUEST', `ID "${id}" contains a colon`);
  }
}

/**
 * Checks what a file is before it is read whole, and gives its kind.
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES for an empty file, else INPUT_UNSUPPORTED_FORMAT.
 */
export function checkFormat({ format, kind }: Sniffed, profile: Profile): Kind {
  if (format === 'empty') {
    throw new RejectedItemError('ALL_INPUT_INVALID_BYTES', 'the file is empty', { measured: 0, limit: 1 });
  }
  if (kind !== undefined && profile.formats[kind].includes(format)) return kind;
  throw unsupported(format, kind, profile);
}

function unsupported(format: string, kind: Kind | undefined, profile: Profile): RejectedItemError {
  const accepted = kind === undefined ? undefined : profile.formats[kind].join(', ');
  const what =
    kind === undefined ? 'no image, video, text or audio' : `no ${kind} format of profile ${profile.name}`;
  const message = `${format === 'unknown' ? 'the content' : format} is ${what}`;
  return new RejectedItemError('INPUT_UNSUPPORTED_FORMAT', accepted ? `${message} (${accepted})` : message, {
    measured: format,
    ...(accepted ? { limit: accepted } : {}),
  });
}

/** The limit on an item's bytes; a video given as a URL has its own. */
function bytesLimit(profile: Profile, kind: Kind, viaUrl: boolean): Limit {
  return profile.limits[kind === 'video' && viaUrl ? 'video.urlMegabytes' : (`${kind}.megabytes` as const)];
}

/** The most bytes that an item may have, so that reading can stop there. */
export function maxBytes(profile: Profile, kind: Kind, viaUrl: boolean): number {
  return largestCount(bytesLimit(profile, kind, viaUrl));
}

/** The most pixels that an image may have. */
export const maxPixels = (profile: Profile): number => largestCount(profile.limits['image.megapixels']);

export interface CheckedMedia {
  kind: Kind;
  /** Size of the payload. */
  bytes: number;
  media: MediaInfo;
  /** Whether the item was given as a URL. */
  viaUrl: boolean;
}

/**
 * Checks a probed item against every limit of the profile.
 * Throws RejectedItemError INPUT_UNSUPPORTED_FORMAT or INPUT_OVER_LIMIT with the measured value and the limit.
 */
export function checkMedia({ kind, bytes, media, viaUrl }: CheckedMedia, profile: Profile): void {
  if (!profile.formats[kind].includes(media.format)) throw unsupported(media.format, kind, profile);
  checkLimit(kind, bytes / MILLION, bytesLimit(profile, kind, viaUrl));
  const { width = 0, height = 0, durationMs = 0 } = media;
  if (kind === 'image') checkLimit(kind, (width * height) / MILLION, profile.limits['image.megapixels']);
  if (kind === 'video' && viaUrl) checkLimit(kind, durationMs / 60_000, profile.limits['video.urlMinutes']);
}

import { z } from 'zod';
import { closest } from '../model/closest.ts';
import { FatalError } from '../model/errors.ts';
import type { Kind } from '../model/kind.ts';
import { type Limit, type LimitName, type Limits, PLATFORM_LIMITS } from './limits.ts';

/** What a target takes. */
export interface Profile {
  readonly name: string;
  /** Canonical format names (`src/media/formats.ts`) per kind. */
  readonly formats: Readonly<Record<Kind, readonly string[]>>;
  readonly formatsSource: string;
  readonly idColon: boolean;
  readonly limits: Limits;
}

/** The platform's documented formats and limits. */
const clarifai: Profile = {
  name: 'clarifai',
  formats: {
    image: ['jpeg', 'png', 'tiff', 'bmp', 'webp', 'gif'],
    video: ['avi', 'mp4', 'wmv', 'mov', '3gp'],
    text: ['text'],
    audio: ['wav'],
  },
  formatsSource: 'platform documentation, create/inputs/upload, upload limits',
  idColon: false,
  limits: PLATFORM_LIMITS,
};

/** Also what the field uses daily; for stores and targets that are not the platform. */
const open: Profile = {
  name: 'open',
  formats: {
    image: [...clarifai.formats.image, 'heic', 'avif'],
    video: [...clarifai.formats.video, '3g2', 'webm', 'mkv', 'mpeg', 'mpegts', 'flv', 'ogv'],
    text: clarifai.formats.text,
    audio: [
      ...clarifai.formats.audio,
      'mp3',
      'flac',
      'ogg',
      'm4a',
      'aac',
      'aiff',
      'amr',
      'wma',
      'weba',
      'mka',
    ],
  },
  formatsSource: 'what the packaged decoders read',
  idColon: true,
  limits: {
    ...PLATFORM_LIMITS,
    'id.characters': {
      value: 255,
      unit: 'characters',
      exclusive: false,
      source: 'fits a file name on every file system',
    },
  },
};

const PROFILES: Readonly<Record<string, Profile>> = { clarifai, open };
export const PROFILE_NAMES: readonly string[] = Object.keys(PROFILES);

const overrideValue = z.coerce.number().positive();

/**
 * The profile of that name with some limits replaced, by name and in the limit's own unit:
 * `{ 'image.megapixels': 100 }`. Throws FatalError CONFIG_INVALID, with the nearest name where one is misspelt.
 */
export function resolveProfile(
  name: string,
  overrides: Readonly<Record<string, string | number>> = {},
): Profile {
  const profile = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  if (profile === undefined) throw unknown('profile', name, PROFILE_NAMES);
  const limits: Record<LimitName, Limit> = { ...profile.limits };
  for (const [key, given] of Object.entries(overrides)) {
    const instead = INSTEAD.get(key);
    if (instead !== undefined)
      throw new FatalError('CONFIG_INVALID', `limit ${key} cannot be replaced; ${instead}`);
    if (!isLimitName(key)) throw unknown('limit', key, REPLACEABLE);
    const value = overrideValue.safeParse(given === '' ? undefined : given);
    if (!value.success) {
      const unit = limits[key].unit;
      throw new FatalError(
        'CONFIG_INVALID',
        `limit ${key} takes a number of ${unit} above 0, not "${given}"`,
      );
    }
    limits[key] = { ...limits[key], value: value.data, source: 'overridden by --limit' };
  }
  return { ...profile, limits };
}

/** What to use instead of replacing a limit of requests: batching has options of its own. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['request.inputs', 'use --batch-items for smaller requests'],
  ['request.videos', '--batch-items 1 sends every input alone'],
  ['request.megabytes', 'use --batch-megabytes for smaller requests'],
] satisfies [LimitName, string][]);
const REPLACEABLE = Object.keys(PLATFORM_LIMITS).filter((name) => !INSTEAD.has(name));

const isLimitName = (name: string): name is LimitName => Object.hasOwn(PLATFORM_LIMITS, name);

function unknown(what: string, given: string, known: readonly string[]): FatalError {
  const near = closest(given, known);
  const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
  return new FatalError('CONFIG_INVALID', `there is no ${what} "${given}"; ${hint}`);
}

import type { Bound } from '../media/limit.ts';

/** One limit of a profile. */
export interface Limit extends Bound {
  readonly unit: 'MP' | 'MB' | 'min' | 'characters' | 'inputs';
  /** Document and section that state it, or why it is so. */
  readonly source: string;
}

const inputs = 'platform documentation, create/inputs/upload, upload limits';

const atMost = (value: number, unit: Limit['unit'], source: string): Limit => ({
  value,
  unit,
  exclusive: false,
  source,
});
const under = (value: number, unit: Limit['unit'], source: string): Limit => ({
  value,
  unit,
  exclusive: true,
  source,
});

/** The platform's documented limits. MB is 1 000 000 bytes, MP 1 000 000 pixels. */
export const PLATFORM_LIMITS = {
  'image.megapixels': atMost(85, 'MP', inputs),
  'image.megabytes': under(20, 'MB', inputs),
  'video.megabytes': under(128, 'MB', `${inputs}: sent as bytes`),
  'video.urlMegabytes': atMost(300, 'MB', `${inputs}: given as a URL, together with urlMinutes`),
  'video.urlMinutes': atMost(10, 'min', `${inputs}: given as a URL, together with urlMegabytes`),
  'text.megabytes': under(20, 'MB', inputs),
  'audio.megabytes': under(20, 'MB', inputs),
  'id.characters': atMost(48, 'characters', 'status INPUT_INVALID_REQUEST (39999): "1–48 characters"'),
  'request.inputs': atMost(128, 'inputs', inputs),
  'request.videos': atMost(1, 'inputs', `${inputs}: videos are sent as separate requests`),
  'request.megabytes': under(128, 'MB', inputs),
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof PLATFORM_LIMITS;
export type Limits = Readonly<Record<LimitName, Limit>>;

/** Bytes or pixels in one unit of the limits that are counted in millions. */
export const MILLION = 1_000_000;

/** The largest whole number of bytes (or pixels) that a limit in MB (or MP) allows. */
export function largestCount({ value, exclusive }: Limit): number {
  const count = value * MILLION;
  return exclusive ? Math.ceil(count) - 1 : Math.floor(count);
}

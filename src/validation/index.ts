export {
  bytesLimit,
  type CheckedMedia,
  checkFormat,
  checkId,
  checkMedia,
  maxBytes,
  maxPixels,
} from './check.ts';
export type { Limit, LimitName, Limits } from './limits.ts';
export { PROFILE_NAMES, type Profile, resolveProfile } from './profiles.ts';

export {
  checkFormat,
  checkId,
  checkMedia,
  maxBytes,
  maxPixels,
} from './check.ts';
export { PROFILE_NAMES, type Profile, resolveProfile } from './profiles.ts';

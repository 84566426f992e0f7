import { resolve } from 'node:path';

/** `s3://bucket/prefix` and the like; a Windows drive is no scheme. */
export const isUrl = (source: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(source);

/** A path of a pipeline file; an address stays as it is. */
export const absolute = (source: string, base: string): string =>
  isUrl(source) ? source : resolve(base, source);

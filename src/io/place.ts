import { join, resolve } from 'node:path';
import { formatS3, isS3, parseS3Address } from './s3/address.ts';

/** The place as it is kept and compared: an absolute path, or `s3://bucket/prefix`. Throws FatalError CONFIG_INVALID. */
export const resolvePlace = (place: string): string =>
  isS3(place) ? formatS3(parseS3Address(place)) : resolve(place);

/** A place below another one. */
export const joinPlace = (base: string, ...parts: readonly string[]): string =>
  isS3(base) ? [base, ...parts].join('/') : join(base, ...parts);

import { type ErrorDetails, RejectedItemError } from '../../model/errors.ts';
import { quoted } from './entry-name.ts';

/** An entry that is not what the archive says of it. */
export const corrupt = (
  entry: { name: string },
  what: string,
  details: ErrorDetails = {},
): RejectedItemError =>
  new RejectedItemError('ZIP_ENTRY_CORRUPT', `the entry ${quoted(entry.name)} ${what}`, details);

/** `measured`: the unpacked bytes, or as many as were needed to know. */
export function wrongSize(
  entry: { name: string; size: number },
  measured: number,
  orMore: 'or more' | '' = '',
): RejectedItemError {
  const found = orMore === '' ? `${measured} bytes` : `${measured} bytes or more`;
  return corrupt(entry, `unpacks to ${found}; the archive declares ${entry.size}`, {
    measured,
    limit: entry.size,
  });
}

/** A CRC-32 as it is shown: 8 hexadecimal digits. */
export const hex = (crc: number): string => crc.toString(16).padStart(8, '0');

import { isUtf8 } from 'node:buffer';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import { isUtf8Prefix, wholeLength } from './utf8.ts';

/**
 * Checks that a text is valid UTF-8; a byte order mark is allowed.
 *
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES naming the byte offset and line of the first bad byte.
 */
export function checkText(bytes: Buffer): MediaInfo {
  if (isUtf8(bytes)) return { format: 'text' };
  const utf16 = utf16Name(bytes);
  if (utf16 !== undefined) {
    throw new RejectedItemError('ALL_INPUT_INVALID_BYTES', `TEXT is ${utf16}, not UTF-8`, {
      measured: utf16,
      limit: 'UTF-8',
    });
  }
  const offset = firstBadByte(bytes);
  const hex = bytes[offset]!.toString(16).padStart(2, '0');
  throw new RejectedItemError(
    'ALL_INPUT_INVALID_BYTES',
    `TEXT is not UTF-8: byte 0x${hex} at offset ${offset}, line ${lineOf(bytes, offset)}`,
    { measured: `0x${hex} at offset ${offset}`, limit: 'UTF-8' },
  );
}

/** UTF-16LE or UTF-16BE by its byte order mark. */
export function utf16Name(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'UTF-16LE';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'UTF-16BE';
  return undefined;
}

/** Offset at which the first invalid sequence begins, found by halving: native checks, no loop over bytes. */
function firstBadByte(bytes: Buffer): number {
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (isUtf8Prefix(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return Math.min(wholeLength(bytes.subarray(0, good)), bytes.length - 1);
}

function lineOf(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let at = bytes.indexOf(10); at >= 0 && at < offset; at = bytes.indexOf(10, at + 1)) line++;
  return line;
}

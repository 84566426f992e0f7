import { isUtf8 } from 'node:buffer';
import { sep } from 'node:path';

declare const raw: unique symbol;

/**
 * A path as its raw bytes, one character (U+0000–U+00FF) a byte, components apart by `/`.
 *
 * It takes a byte of memory a byte, `<` orders it as the bytes do, and names that are not valid UTF-8 survive it.
 */
export type RawPath = string & { readonly [raw]: true };

export function toRaw(path: string | Buffer): RawPath {
  const raw = (typeof path === 'string' ? Buffer.from(path) : path).toString('latin1');
  return (sep === '/' ? raw : raw.replaceAll(sep, '/')) as RawPath;
}

export const rawBytes = (path: RawPath): Buffer => Buffer.from(path, 'latin1');

export const joinRaw = (folder: RawPath, name: RawPath): RawPath =>
  (folder === '' || folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`) as RawPath;

/** What the file system is to be asked with: a string, or the bytes where they are not valid UTF-8. */
export function nativePath(path: RawPath): string | Buffer {
  if (isAscii(path)) return path;
  const bytes = rawBytes(path);
  return isUtf8(bytes) ? bytes.toString() : bytes;
}

/** The path as people read it: bytes that are not valid UTF-8 as `%E9`. Two paths may read alike. */
export function rawText(path: RawPath): string {
  const native = nativePath(path);
  return typeof native === 'string' ? native : decode(native, (byte) => percent(byte));
}

/** Reads as a place inside an archive (`x.zip!/`), as a CSV row (`#L12`) or as a repeat (`#2`). */
const AMBIGUOUS = /\.zip!\/|#L?\d+$/i;

/**
 * The uri of a relative path: the path itself, whatever characters it has.
 *
 * Only where that would not be unique is it escaped, and then it starts with `./`, which no plain path does: `%`,
 * every byte that is not valid UTF-8, and the `!` or `#` that would be misread become `%XX`. Percent-decoding what
 * follows the `./` gives the raw bytes back.
 */
export function rawUri(path: RawPath): string {
  const native = nativePath(path);
  if (typeof native === 'string' && !AMBIGUOUS.test(native)) return native;
  const escaped =
    typeof native === 'string'
      ? native.replaceAll('%', '%25')
      : decode(
          native,
          (byte) => percent(byte),
          (text) => text.replaceAll('%', '%25'),
        );
  return `./${escaped.replace(/(\.zip)!(?=\/)/gi, '$1%21').replace(/#(?=L?\d+$)/i, '%23')}`;
}

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

const percent = (byte: number): string => `%${byte.toString(16).toUpperCase()}`;

/** Decodes UTF-8, handing each byte that is no part of a valid sequence to `invalid`. */
function decode(
  bytes: Buffer,
  invalid: (byte: number) => string,
  valid: (text: string) => string = (text) => text,
): string {
  let out = '';
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      out += valid(bytes.toString('utf8', start, at)) + invalid(bytes[at]!);
      start = at + 1;
    }
    at += length || 1;
  }
  return out + valid(bytes.toString('utf8', start));
}

/** Bytes of the valid UTF-8 sequence at `at`; 0 when there is none. */
function sequenceLength(bytes: Buffer, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  return isUtf8(bytes.subarray(at, at + length)) && at + length <= bytes.length ? length : 0;
}

import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';

/** The upper half of code page 437, the encoding of ZIP names without the UTF-8 flag (APPNOTE appendix D). */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
  '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';
const ASCII = /^[\0-\x7f]*$/;
const UNICODE_PATH = 0x7075;
const UTF8_FLAG = 0x800;
/** Values of the upper byte of "version made by". */
export const UNIX = 3;
export const DARWIN = 19;

/** What of a directory record decides how its name reads. */
export interface RawName {
  /** One character a byte. */
  raw: string;
  bytes: Buffer;
  flags: number;
  /** The system that the entry was made on (upper byte of "version made by"). */
  host: number;
  extra: Buffer;
}

/**
 * The name as text, without loss: as UTF-8 where the entry says so (flag, Info-ZIP Unicode path) or was made on Unix
 * or macOS and is valid UTF-8 (macOS sets no flag), else as code page 437.
 */
export function decodeName(name: RawName): string {
  const { bytes, raw } = name;
  const unicode = extraField(name.extra, UNICODE_PATH);
  // Version 1, then the CRC of the plain name: another program may have renamed the entry without this field.
  if (
    unicode !== undefined &&
    unicode.length > 5 &&
    unicode[0] === 1 &&
    unicode.readUInt32LE(1) === crc32(bytes)
  ) {
    const path = unicode.subarray(5);
    if (isUtf8(path)) return path.toString('utf8');
  }
  if (ASCII.test(raw)) return raw;
  const utf8 = (name.flags & UTF8_FLAG) !== 0 || name.host === UNIX || name.host === DARWIN;
  return utf8 && isUtf8(bytes) ? bytes.toString('utf8') : fromCp437(raw);
}

function fromCp437(raw: string): string {
  return raw.replace(/[\x80-\xff]/g, (char) => CP437[char.charCodeAt(0) - 0x80]!);
}

/** A name as messages show it: quoted, control characters escaped, at most 200 characters. */
export const quoted = (name: string): string =>
  JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);

/** The data of the first extra field with this id; undefined when there is none. */
export function extraField(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; ) {
    const end = at + 4 + extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id) return end <= extra.length ? extra.subarray(at + 4, end) : undefined;
    at = end;
  }
  return undefined;
}

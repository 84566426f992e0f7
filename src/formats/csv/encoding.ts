import { isUtf8 } from 'node:buffer';
import { FatalError } from '../../model/errors.ts';

/** The encoding of a CSV and how it is known. */
export interface Encoding {
  /** Name of the Encoding Standard, lower case. */
  name: string;
  how: 'default' | 'byte order mark' | 'assumed' | 'forced';
  /** Bytes of the byte order mark. */
  markBytes: number;
}

/** First bytes of formats that are at times named .csv, and what to say of them. */
const NOT_CSV: readonly (readonly [magic: string, what: string])[] = [
  ['\x1f\x8b', 'gzip data; unpack it first'],
  ['PK\x03\x04', 'a ZIP or an Excel workbook; save the sheet as CSV, or name the archive .zip'],
  ['\xd0\xcf\x11\xe0', 'an old Excel workbook; save the sheet as CSV'],
  ['PAR1', 'a Parquet file'],
  ['BZh', 'bzip2 data; unpack it first'],
  ['\xfd7zXZ', 'xz data; unpack it first'],
  ['\x28\xb5\x2f\xfd', 'zstandard data; unpack it first'],
  ['%PDF-', 'a PDF'],
];
/** Control bytes in the head above which it is no text, as a share and in number: a damaged text may have a few. */
const BINARY_SHARE = 0.02;
const BINARY_COUNT = 8;

/**
 * The encoding that the first bytes show: a byte order mark decides, else UTF-8 when they are valid UTF-8, else
 * windows-1252 is assumed, the encoding in which spreadsheets save CSVs by default on Windows.
 *
 * Throws FatalError SOURCE_UNRECOGNISED for what is no text, CONFIG_INVALID for an unknown `forced` name.
 */
export function detectEncoding(head: Buffer, file: string, forced?: string): Encoding {
  refuseBinary(head, file, forced);
  const mark = markOf(head);
  if (forced !== undefined) {
    const name = standardName(forced);
    return { name, how: 'forced', markBytes: mark?.name === name ? mark.markBytes : 0 };
  }
  if (mark !== undefined) return mark;
  if (isUtf8(head.subarray(0, wholeCharacters(head)))) return { name: 'utf-8', how: 'default', markBytes: 0 };
  return { name: 'windows-1252', how: 'assumed', markBytes: 0 };
}

function markOf(head: Buffer): Encoding | undefined {
  const how = 'byte order mark';
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return { name: 'utf-8', how, markBytes: 3 };
  if (head[0] === 0xff && head[1] === 0xfe) return { name: 'utf-16le', how, markBytes: 2 };
  if (head[0] === 0xfe && head[1] === 0xff) return { name: 'utf-16be', how, markBytes: 2 };
  return undefined;
}

function refuseBinary(head: Buffer, file: string, forced: string | undefined): void {
  const start = head.toString('latin1', 0, 8);
  const known = NOT_CSV.find(([magic]) => start.startsWith(magic));
  if (known !== undefined) throw new FatalError('SOURCE_UNRECOGNISED', `${file} is no CSV but ${known[1]}`);
  const wide = markOf(head)?.name.startsWith('utf-16') || forced !== undefined;
  if (wide) return;
  const zeros = [0, 0];
  let controls = 0;
  for (let i = 0; i < head.length; i++) {
    const byte = head[i]!;
    if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) controls++;
    if (byte === 0) zeros[i & 1]!++;
  }
  if (controls <= Math.max(BINARY_COUNT, head.length * BINARY_SHARE)) return;
  const half = head.length * 0.3;
  const utf16 =
    zeros[1]! > half && zeros[0]! < half
      ? 'utf-16le'
      : zeros[0]! > half && zeros[1]! < half
        ? 'utf-16be'
        : '';
  throw new FatalError(
    'SOURCE_UNRECOGNISED',
    utf16 === ''
      ? `${file} is no CSV: ${controls} of its first ${head.length} bytes are control bytes`
      : `${file} looks like UTF-16 without a byte order mark; if so, use --encoding ${utf16}`,
  );
}

function standardName(label: string): string {
  try {
    return new TextDecoder(label).encoding;
  } catch (cause) {
    throw new FatalError('CONFIG_INVALID', `encoding: "${label}" is not the name of an encoding`, { cause });
  }
}

/** Length of `head` without a UTF-8 sequence that its end cuts in two. */
function wholeCharacters(head: Buffer): number {
  for (let back = 1; back <= Math.min(3, head.length); back++) {
    const byte = head[head.length - back]!;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? head.length - back : head.length;
    }
    if (byte < 0x80) break;
  }
  return head.length;
}

/**
 * The bytes to cut: as they are for UTF-8 and windows-1252, whose quotes and delimiters are single ASCII bytes, and
 * turned into UTF-8 for all others, where what cannot be decoded becomes U+FFFD.
 */
export async function* cuttable(source: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  let mark = encoding.markBytes;
  if (cutsRaw(encoding)) {
    for await (const chunk of source) {
      const dropped = Math.min(mark, chunk.length);
      mark -= dropped;
      yield dropped === 0 ? chunk : chunk.subarray(dropped);
    }
    return;
  }
  const decoder = new TextDecoder(encoding.name);
  for await (const chunk of source) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

export const cutsRaw = ({ name }: Encoding): boolean => name === 'utf-8' || name === 'windows-1252';

/** The characters of windows-1252 from 0x80 to 0x9F; the five bytes it leaves open stay control characters. */
const HIGH =
  '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
  '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';

/** Decodes windows-1252. Some releases of Node read it as ISO 8859-1 in TextDecoder, which loses quotes and dashes. */
export function decodeWindows1252(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end).replace(/[\x80-\x9f]/g, (c) => HIGH[c.charCodeAt(0) - 0x80]!);
}

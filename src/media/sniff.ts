import type { Kind } from '../model/kind.ts';
import { formatInfo } from './formats.ts';
import { strongMagic, weakMagic } from './magic.ts';
import { utf16Name } from './text.ts';
import { isUtf8Prefix } from './utf8.ts';

/** Bytes from the start of a file that `sniff` wants; fewer are enough where the file has no more. */
export const SNIFF_BYTES = 4_100;

/** What a file is by its content. */
export interface Sniffed {
  /** Canonical name of `FORMATS`, or the extension that `file-type` gives to what is in no row of it. */
  format: string;
  /** Absent for what is no input. */
  kind?: Kind;
  archive?: true;
}

/**
 * What the file is that begins with `head` (the first `SNIFF_BYTES`, or all of it), by content alone.
 *
 * Media, archives and text are told by a table of our own in about a microsecond; `file-type` is asked for the name
 * of the rest, and for what only looks like a ZIP or a TIFF (office documents, raw photographs).
 */
export async function sniff(head: Buffer): Promise<Sniffed> {
  const format = quickFormat(head);
  if (format === 'zip' || format === 'tiff') return describe((await deepFormat(head)) ?? format);
  return describe(format ?? (await deepFormat(head)) ?? 'unknown');
}

function describe(format: string): Sniffed {
  const info = formatInfo(format);
  const sniffed: Sniffed = { format };
  if (info?.kind !== undefined) sniffed.kind = info.kind;
  if (info?.archive) sniffed.archive = true;
  return sniffed;
}

function quickFormat(head: Buffer): string | undefined {
  if (head.length === 0) return 'empty';
  const strong = strongMagic(head);
  if (strong !== undefined) return strong;
  if (utf16Name(head) !== undefined) return 'text';
  const printable = !hasControlBytes(head);
  if (printable && isUtf8Prefix(head)) return textFormat(head);
  // Printable bytes that are not UTF-8 are a text in another encoding: rejected later, with the place of the fault.
  return weakMagic(head) ?? (printable ? 'text' : undefined);
}

/** Bytes that text does not hold; the allowed ones (BEL…CR, ESC) are those of file(1). */
function hasControlBytes(head: Buffer): boolean {
  for (let i = 0; i < head.length; i++) {
    const byte = head[i]!;
    if (byte < 32 && (byte < 7 || (byte > 13 && byte !== 27))) return true;
    if (byte === 127) return true;
  }
  return false;
}

/** Texts that are not for reading: playlists, which would make a player open other files, and drawings. */
const TEXT_FORMATS: readonly (readonly [format: string, beginning: RegExp])[] = [
  ['m3u8', /^#EXTM3U/],
  ['ffconcat', /^ffconcat version/],
  ['sdp', /^v=0\r?\no=/],
  ['pls', /^\[playlist\]/i],
];
/** The same by the root element of an XML document, in lower case. */
const XML_FORMATS: Record<string, string> = { svg: 'svg', mpd: 'dash', playlist: 'xspf', asx: 'asx' };
const FIRST_BYTES = new Set(Buffer.from('#fv[<'));

function textFormat(head: Buffer): string {
  let start = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  while (start < head.length && head[start]! <= 32) start++;
  if (!FIRST_BYTES.has(head[start] ?? 0)) return 'text';
  const text = head.toString('latin1', start);
  if (text.startsWith('<')) return XML_FORMATS[rootElement(text)] ?? 'text';
  return TEXT_FORMATS.find(([, beginning]) => beginning.test(text))?.[0] ?? 'text';
}

/** Where each part of an XML prolog ends. A comment comes before the declarations that look like its beginning. */
const PROLOG: readonly (readonly [start: string, end: string])[] = [
  ['<?', '?>'],
  ['<!--', '-->'],
  ['<!', '>'],
  [']', '>'],
];

/** Local name of an XML document's root element in lower case; empty when the text does not get that far. */
function rootElement(text: string): string {
  let at = 0;
  for (;;) {
    while (text.charCodeAt(at) <= 32) at++;
    const part = PROLOG.find(([start]) => text.startsWith(start, at));
    if (part === undefined)
      return /^<(?:\w+:)?(\w+)/.exec(text.slice(at, at + 100))?.[1]?.toLowerCase() ?? '';
    const end = text.indexOf(part[1], at);
    if (end < 0) return '';
    at = end + part[1].length;
  }
}

/** The name that `file-type` has; ours where both know the format. */
async function deepFormat(head: Buffer): Promise<string | undefined> {
  const { fileTypeFromBuffer } = await import('file-type');
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found === undefined) return undefined;
  return (
    { tif: 'tiff', jpg: 'jpeg', gz: 'gzip', bz2: 'bzip2', zst: 'zstd' }[found.ext as string] ?? found.ext
  );
}

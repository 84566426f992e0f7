import type { RepairedPart } from './steps.ts';

/** From the most natural border to the least: between paragraphs, lines, sentences, words, characters. */
const BORDERS = [/\n[ \t]*\n\s*/g, /\n\s*/g, /[.!?。！？…]["'”’)\]]*\s+/g, /\s+/g];
/** A border is taken if the part before it is at least so full; otherwise the next kind of border is looked for. */
const FULL_ENOUGH = 0.5;

/** Divides a text into parts of at most `maxBytes` of UTF-8 each, which are the text again when joined. */
export function splitText(text: string, maxBytes: number): RepairedPart[] {
  const parts: RepairedPart[] = [];
  for (let begin = 0; begin < text.length; ) {
    const end = borderBefore(text, begin, longestPrefix(text, begin, maxBytes));
    parts.push({ text: text.slice(begin, end), place: { unit: 'characters', begin, end } });
    begin = end;
  }
  return parts;
}

/** The end of the longest piece from `begin` that has at most `maxBytes`; whole characters, at least one. */
function longestPrefix(text: string, begin: number, maxBytes: number): number {
  let bytes = 0;
  let at = begin;
  while (at < text.length) {
    const code = text.codePointAt(at)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
    if (bytes > maxBytes && at > begin) return at;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}

/** The last border of the most natural kind that leaves the part full enough. */
function borderBefore(text: string, begin: number, limit: number): number {
  if (limit === text.length) return limit;
  const piece = text.slice(begin, limit);
  for (const border of BORDERS) {
    let last = 0;
    for (const { 0: match, index } of piece.matchAll(border)) last = index + match.length;
    if (last >= piece.length * FULL_ENOUGH) return begin + last;
  }
  return limit;
}

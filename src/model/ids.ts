import { hash } from 'node:crypto';

/** Longest id the platform takes, in characters (reference: input ids are 1–48 characters). */
export const MAX_ID_LENGTH = 48;
/** 80 bits as Crockford base 32. */
const HASH_LENGTH = 16;
/** Longest prefix of derived ids, in characters: a `-` and the hash must fit after it. */
export const MAX_PREFIX_LENGTH = MAX_ID_LENGTH - HASH_LENGTH - 1;
const ALPHABET = [...'0123456789abcdefghjkmnpqrstvwxyz'];
/** All pairs of two, in order. */
const PAIRS = ALPHABET.flatMap((first) => ALPHABET.map((second) => first + second));

const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;
/** What each ASCII character becomes in a slug: itself in lower case, or 0 where it separates. */
const SLUG_UNITS = Uint8Array.from({ length: 128 }, (_, unit) => {
  const lower = String.fromCharCode(unit).toLowerCase();
  return /[a-z0-9_-]/.test(lower) ? lower.charCodeAt(0) : 0;
});
const scratch = Buffer.alloc(MAX_ID_LENGTH);

/** 80 bits of the SHA-256 of `data` as 16 lower-case base-32 characters. */
export function shortHash(data: string | Uint8Array): string {
  const hex = hash('sha256', data, 'hex');
  return pairs(hex, 0) + pairs(hex, 5) + pairs(hex, 10) + pairs(hex, 15);
}

/** Five hexadecimal digits as four of base 32. */
function pairs(hex: string, at: number): string {
  const bits = Number.parseInt(hex.slice(at, at + 5), 16);
  return PAIRS[bits >>> 10]! + PAIRS[bits & 1023]!;
}

/** The readable part of an id: ASCII letters, digits, `_` and `-` of the last path component without its extension. */
function slug(name: string, maxLength: number): string {
  const base = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  const dot = base.lastIndexOf('.');
  const stem = dot > 0 ? base.slice(0, dot) : base;
  const start = stem.slice(0, maxLength * 2);
  return slugOfAscii(start, maxLength) ?? slugOfAscii(toAscii(start), maxLength)!;
}

/** Letters without their marks, and `?` for what is not ASCII even so. */
const toAscii = (text: string): string => text.normalize('NFKD').replace(/[\u0080-\uffff]+/g, '?');

/** Unit by unit, for it runs for every row without an id; undefined for text that is not ASCII. */
function slugOfAscii(text: string, maxLength: number): string | undefined {
  let length = 0;
  let separated = false;
  for (let i = 0; i < text.length && length < maxLength; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return undefined;
    const kept = SLUG_UNITS[unit]!;
    if (kept !== 0) scratch[length++] = kept;
    else if (!separated) scratch[length++] = HYPHEN;
    separated = kept === 0;
  }
  let first = 0;
  while (first < length && isEdge(scratch[first]!)) first++;
  while (length > first && isEdge(scratch[length - 1]!)) length--;
  return scratch.toString('latin1', first, length);
}

const isEdge = (unit: number): boolean => unit === HYPHEN || unit === UNDERSCORE;

/**
 * The id of an item that brought none: a readable slug and 80 bits of a hash of `key` (DESIGN.md §4).
 *
 * `key` is the raw relative path (archive included), or a row's input cell and its occurrence; the slug only
 * helps people, so it may be empty.
 */
export function deriveId(key: string | Uint8Array, readable: string, prefix = ''): string {
  const head = prefix === '' ? '' : `${prefix}-`;
  const room = MAX_ID_LENGTH - head.length - HASH_LENGTH - 1;
  const name = room > 0 ? slug(readable, room) : '';
  return `${head}${name === '' ? '' : `${name}-`}${shortHash(key)}`;
}

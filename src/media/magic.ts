import { mpegAudioFrame } from './mpeg-audio.ts';

/**
 * Formats by their first bytes. Strong signatures are several fixed bytes; weak ones are a few bits that other data
 * can hold by chance, so they are asked only once the data is known not to be text.
 */

const ASF_GUID = Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex');
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const SEVEN_ZIP = Buffer.from('377abcaf271c', 'hex');
const XZ = Buffer.from('fd377a585a00', 'hex');
/** Sizes of the information header that BMP writers use; they tell a bitmap from a text that starts with "BM". */
const BMP_HEADERS = new Set([12, 16, 40, 52, 56, 64, 108, 124]);
/** Top-level atoms with which QuickTime files older than `ftyp` begin. */
const BARE_ATOMS = new Set(['moov', 'mdat', 'wide', 'pnot']);

const ascii = (head: Buffer, offset: number, length: number): string =>
  head.toString('latin1', offset, offset + length);
const starts = (head: Buffer, signature: Buffer): boolean =>
  head.length >= signature.length && head.compare(signature, 0, signature.length, 0, signature.length) === 0;

/** The format of `head` by a strong signature, undefined when there is none. Costs well under a microsecond for text. */
export function strongMagic(head: Buffer): string | undefined {
  if (head.length < 4) return undefined;
  switch (head[0]) {
    case 0xff:
      if (head[1] === 0xd8 && head[2] === 0xff) return 'jpeg';
      if (head[1] === 0x0a && head[3] !== 0x00) return 'jxl';
      return undefined;
    case 0x89:
      return starts(head, PNG) ? 'png' : undefined;
    case 0x00:
      return head[1] === 0 && head[2] === 1 && head[3] === 0xba ? 'mpeg' : isoFormat(head);
    case 0x1a:
      return head.readUInt32BE(0) === 0x1a45dfa3 ? matroskaFormat(head) : undefined;
    case 0x1f:
      return head[1] === 0x8b ? 'gzip' : undefined;
    case 0x28:
      return head.readUInt32BE(0) === 0x28b52ffd ? 'zstd' : undefined;
    case 0x30:
      return starts(head, ASF_GUID) ? 'wmv' : undefined;
    case 0x37:
      return starts(head, SEVEN_ZIP) ? '7z' : undefined;
    case 0xfd:
      return starts(head, XZ) ? 'xz' : undefined;
    default:
      return letterMagic(head);
  }
}

/** Signatures that begin with a letter or `#`, so text has to be told apart with care. */
function letterMagic(head: Buffer): string | undefined {
  switch (ascii(head, 0, 4)) {
    case 'RIFF':
    case 'RF64':
    case 'BW64':
      return { WAVE: 'wav', 'AVI ': 'avi', WEBP: 'webp' }[ascii(head, 8, 4)];
    case 'GIF8':
      return /^[79]a/.test(ascii(head, 4, 2)) ? 'gif' : undefined;
    case 'II*\0':
    case 'MM\0*':
    case 'II+\0':
    case 'MM\0+':
      return 'tiff';
    case 'OggS':
      return head[4] === 0 ? (head.includes('\x80theora', 0, 'latin1') ? 'ogv' : 'ogg') : undefined;
    case 'fLaC':
      return 'flac';
    case 'FORM':
      return /^AIF[FC]$/.test(ascii(head, 8, 4)) ? 'aiff' : undefined;
    case 'FLV\x01':
      return 'flv';
    case '#!AM':
      return /^R(-WB)?\n/.test(ascii(head, 4, 5)) ? 'amr' : undefined;
    case 'PK\x03\x04':
    case 'PK\x05\x06':
    case 'PK\x07\x08':
      return 'zip';
    case 'Rar!':
      return head[4] === 0x1a ? 'rar' : undefined;
    case '%PDF':
      return 'pdf';
    default:
      return prefixMagic(head);
  }
}

function prefixMagic(head: Buffer): string | undefined {
  const two = ascii(head, 0, 2);
  if (two === 'BM' && head.length >= 18 && BMP_HEADERS.has(head.readUInt32LE(14))) return 'bmp';
  if (two === 'BZ' && /^h[1-9]1AY/.test(ascii(head, 2, 5))) return 'bzip2';
  if (two === 'ID' && head[2] === 0x33 && head[3]! < 0x10) return id3Format(head);
  return ascii(head, 257, 5) === 'ustar' ? 'tar' : undefined;
}

/** The ISO base media family by its brands: MP4, MOV, 3GP, HEIC, AVIF … and QuickTime files without brands. */
function isoFormat(head: Buffer): string | undefined {
  if (head.length < 12) return undefined;
  const type = ascii(head, 4, 4);
  if (type === 'JXL ') return 'jxl';
  if (type === 'jP  ') return 'jp2';
  if (BARE_ATOMS.has(type)) return 'mov';
  if (type !== 'ftyp') return undefined;
  const brands = [ascii(head, 8, 4)];
  const end = Math.min(head.readUInt32BE(0), head.length);
  for (let at = 16; at + 4 <= end; at += 4) brands.push(ascii(head, at, 4));
  return brandFormat(brands);
}

function brandFormat([major = '', ...compatible]: string[]): string {
  if (/^avi[fs]/.test(major)) return 'avif';
  if (/^(hei[cxms]|hev[cxms])/.test(major)) return 'heic';
  if (/^(mif|msf)1/.test(major)) return compatible.some((brand) => /^avi[fs]/.test(brand)) ? 'avif' : 'heic';
  if (major === 'qt  ') return 'mov';
  if (/^3g2/.test(major)) return '3g2';
  if (/^3g/.test(major)) return '3gp';
  if (/^(M4A|M4B|M4P|F4A)/.test(major)) return 'm4a';
  if (major === 'crx ') return 'cr3';
  return 'mp4';
}

/** WebM or another Matroska file, by the DocType element (0x4282) of the EBML header. */
function matroskaFormat(head: Buffer): string {
  const at = head.indexOf(Buffer.from([0x42, 0x82]));
  return at > 0 && ascii(head, at + 3, 4) === 'webm' ? 'webm' : 'mkv';
}

/** What follows an ID3v2 tag: MP3 unless AAC or FLAC can be seen behind it. */
function id3Format(head: Buffer): string {
  if (head.length < 10) return 'mp3';
  const size = (head[6]! << 21) | (head[7]! << 14) | (head[8]! << 7) | head[9]!;
  const body = head.subarray(10 + size);
  if (ascii(body, 0, 4) === 'fLaC') return 'flac';
  return weakMagic(body) ?? 'mp3';
}

/** The format of `head` by a weak signature that repeats where it must. */
export function weakMagic(head: Buffer): string | undefined {
  if (head.length > 188 && head[0] === 0x47 && repeats(head, 188, 0)) return 'mpegts';
  if (head.length > 196 && head[4] === 0x47 && repeats(head, 192, 4)) return 'mpegts';
  if (head.length < 7 || head[0] !== 0xff || (head[1]! & 0xe0) !== 0xe0) return undefined;
  if ((head[1]! & 0xf6) === 0xf0) return 'aac';
  const length = mpegAudioFrame(head);
  const next = length === undefined ? undefined : head.readUInt16BE(Math.min(length, head.length - 2));
  if (length === undefined || (length + 2 <= head.length && (next! & 0xffe0) !== 0xffe0)) return undefined;
  return 'mp3';
}

/** Whether the sync byte of a transport stream stands in every packet that `head` holds. */
function repeats(head: Buffer, packet: number, offset: number): boolean {
  for (let at = offset; at < head.length; at += packet) if (head[at] !== 0x47) return false;
  return true;
}

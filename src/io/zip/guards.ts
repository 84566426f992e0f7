import type { Code } from '../../model/codes.ts';
import type { PlacedEntry } from './entry.ts';
import { quoted } from './entry-name.ts';

/** Above the largest image, text or audio that a profile takes: what could be a good item is no bomb by ratio alone. */
const RATIO_FREE_BYTES = 20_000_000;

/** Bounds on what an archive may unpack to; bytes are declared ones, which the reading then holds the real ones to. */
export interface ZipLimits {
  entryBytes: number;
  /** Over all entries that are listed as items. */
  totalBytes: number;
  /** Unpacked bytes to one compressed byte, for entries over 20 MB. */
  ratio: number;
}

/** Why an entry is not read, with the code of its outcome. */
export interface EntryProblem {
  code: Code;
  message: string;
  measured?: number | string | undefined;
  limit?: number | string | undefined;
}

const METHODS: Readonly<Record<number, string>> = {
  1: 'Shrink',
  6: 'Implode',
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  20: 'Zstandard',
  93: 'Zstandard',
  94: 'MP3',
  95: 'XZ',
  96: 'JPEG variant',
  97: 'WavPack',
  98: 'PPMd',
  99: 'AES encryption',
};
const STORED = 0;
export const DEFLATED = 8;
const AES = 99;
/** Encrypted, strongly encrypted, or with a masked directory. */
const ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000;

const FILE_TYPE = 0xf000;
const SYMLINK = 0xa000;
const SPECIAL_FILES: Readonly<Record<number, string>> = {
  4096: 'a FIFO',
  8192: 'a character device',
  24576: 'a block device',
  49152: 'a socket',
};

/** A name that must never be taken for a path. Names become uris and ids only, so this is a report, not a defence. */
function unsafeName({ name }: PlacedEntry): EntryProblem | undefined {
  const unsafe = (what: string): EntryProblem => ({
    code: 'ZIP_ENTRY_UNSAFE',
    message: `the entry name ${quoted(name)} ${what}`,
  });
  if (name === '') return unsafe('is empty');
  if (name.includes('\0')) return unsafe('holds a NUL character');
  if (name.includes('\\')) return unsafe('holds a backslash');
  if (name.startsWith('/')) return unsafe('is absolute');
  if (/^[a-z]:/i.test(name)) return unsafe('starts with a drive letter');
  if (/(?:^|\/)\.\.(?:\/|$)/.test(name)) return unsafe('climbs out with ".."');
  return undefined;
}

/** What an entry's name or file type says against it. */
export function namingProblem(entry: PlacedEntry): EntryProblem | undefined {
  return unsafeName(entry) ?? specialFile(entry);
}

function specialFile({ name, mode }: PlacedEntry): EntryProblem | undefined {
  const type = mode & FILE_TYPE;
  if (type === SYMLINK)
    return { code: 'ZIP_ENTRY_UNSAFE', message: `the entry ${quoted(name)} is a symbolic link` };
  const special = SPECIAL_FILES[type];
  if (special === undefined) return undefined;
  return { code: 'NOT_A_REGULAR_FILE', message: `the entry ${quoted(name)} is ${special}` };
}

/** What the directory says against reading an entry's data. */
export function dataProblem(entry: PlacedEntry, limits: ZipLimits): EntryProblem | undefined {
  return unreadableData(entry) ?? bomb(entry, limits);
}

function unreadableData(entry: PlacedEntry): EntryProblem | undefined {
  const { name, method } = entry;
  if ((entry.flags & ENCRYPTED_FLAGS) !== 0 || method === AES) {
    return { code: 'ZIP_ENTRY_ENCRYPTED', message: `the entry ${quoted(name)} is encrypted` };
  }
  if (entry.overlaps) {
    return {
      code: 'ZIP_ENTRY_CORRUPT',
      message: `the entry ${quoted(name)} overlaps another entry or the directory`,
    };
  }
  if (name.endsWith('/')) {
    return {
      code: 'ZIP_ENTRY_CORRUPT',
      message: `the entry ${quoted(name)} is a folder with ${entry.size} bytes of data`,
      measured: entry.size,
      limit: 0,
    };
  }
  if (method !== STORED && method !== DEFLATED) {
    return {
      code: 'INPUT_UNSUPPORTED_FORMAT',
      message: `the entry ${quoted(name)} is compressed with ${METHODS[method] ?? 'an unknown method'} (method ${method}); stored and Deflate are read`,
      measured: method,
    };
  }
  return undefined;
}

function bomb({ name, size, compressedSize }: PlacedEntry, limits: ZipLimits): EntryProblem | undefined {
  if (size > limits.entryBytes) {
    return {
      code: 'ZIP_ENTRY_BOMB',
      message: `the entry ${quoted(name)} unpacks to ${size} bytes; the limit is ${limits.entryBytes}`,
      measured: size,
      limit: limits.entryBytes,
    };
  }
  const ratio = Math.round(size / Math.max(1, compressedSize));
  if (size <= RATIO_FREE_BYTES || ratio <= limits.ratio) return undefined;
  return {
    code: 'ZIP_ENTRY_BOMB',
    message: `the entry ${quoted(name)} unpacks ${compressedSize} bytes to ${size}, ${ratio} to 1; the limit is ${limits.ratio} to 1`,
    measured: ratio,
    limit: limits.ratio,
  };
}

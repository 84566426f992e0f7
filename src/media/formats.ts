import type { Kind } from '../model/kind.ts';

/** What is known of a format by its name alone. */
export interface FormatInfo {
  /** Absent for what is no input: archives, playlists, documents. */
  readonly kind?: Kind;
  readonly mime: string;
  /** Usual file name extensions, lower case, without the dot. */
  readonly extensions: readonly string[];
  /** Whether loaders may open it as a container of items. */
  readonly archive?: true;
  /** The one ffmpeg demuxer that may read it; present for everything that is probed with ffprobe. */
  readonly demuxer?: string;
  /** What the same container is called when it holds sound alone, or pictures after all. */
  readonly audioName?: string;
  readonly videoName?: string;
}

const image = (mime: string, ...extensions: string[]): FormatInfo => ({ kind: 'image', mime, extensions });
const archive = (mime: string, ...extensions: string[]): FormatInfo => ({ archive: true, mime, extensions });
const other = (mime: string, ...extensions: string[]): FormatInfo => ({ mime, extensions });

/** Every format that is told apart by content, under its canonical name. Others keep the name `file-type` has for them. */
export const FORMATS = {
  jpeg: image('image/jpeg', 'jpg', 'jpeg', 'jpe', 'jfif'),
  png: image('image/png', 'png', 'apng'),
  gif: image('image/gif', 'gif'),
  webp: image('image/webp', 'webp'),
  tiff: image('image/tiff', 'tif', 'tiff'),
  bmp: image('image/bmp', 'bmp', 'dib'),
  heic: image('image/heic', 'heic', 'heif', 'hif'),
  avif: image('image/avif', 'avif', 'avifs'),
  jxl: image('image/jxl', 'jxl'),
  jp2: image('image/jp2', 'jp2', 'jpx', 'j2k', 'jpf'),
  svg: image('image/svg+xml', 'svg'),

  mp4: {
    kind: 'video',
    mime: 'video/mp4',
    extensions: ['mp4', 'm4v', 'mpg4'],
    demuxer: 'mov',
    audioName: 'm4a',
  },
  mov: {
    kind: 'video',
    mime: 'video/quicktime',
    extensions: ['mov', 'qt'],
    demuxer: 'mov',
    audioName: 'm4a',
  },
  '3gp': {
    kind: 'video',
    mime: 'video/3gpp',
    extensions: ['3gp', '3gpp'],
    demuxer: 'mov',
    audioName: 'm4a',
  },
  '3g2': {
    kind: 'video',
    mime: 'video/3gpp2',
    extensions: ['3g2', '3gpp2'],
    demuxer: 'mov',
    audioName: 'm4a',
  },
  avi: { kind: 'video', mime: 'video/x-msvideo', extensions: ['avi'], demuxer: 'avi' },
  wmv: {
    kind: 'video',
    mime: 'video/x-ms-wmv',
    extensions: ['wmv', 'asf'],
    demuxer: 'asf',
    audioName: 'wma',
  },
  webm: {
    kind: 'video',
    mime: 'video/webm',
    extensions: ['webm'],
    demuxer: 'matroska',
    audioName: 'weba',
  },
  mkv: {
    kind: 'video',
    mime: 'video/x-matroska',
    extensions: ['mkv'],
    demuxer: 'matroska',
    audioName: 'mka',
  },
  mpeg: { kind: 'video', mime: 'video/mpeg', extensions: ['mpg', 'mpeg', 'vob'], demuxer: 'mpeg' },
  mpegts: { kind: 'video', mime: 'video/mp2t', extensions: ['ts', 'mts', 'm2ts'], demuxer: 'mpegts' },
  flv: { kind: 'video', mime: 'video/x-flv', extensions: ['flv'], demuxer: 'flv' },
  ogv: { kind: 'video', mime: 'video/ogg', extensions: ['ogv'], demuxer: 'ogg', audioName: 'ogg' },

  wav: { kind: 'audio', mime: 'audio/wav', extensions: ['wav', 'wave', 'bwf', 'rf64'] },
  mp3: { kind: 'audio', mime: 'audio/mpeg', extensions: ['mp3', 'mp2', 'mpga'], demuxer: 'mp3' },
  flac: { kind: 'audio', mime: 'audio/flac', extensions: ['flac'], demuxer: 'flac' },
  ogg: {
    kind: 'audio',
    mime: 'audio/ogg',
    extensions: ['ogg', 'oga', 'opus', 'spx'],
    demuxer: 'ogg',
    videoName: 'ogv',
  },
  m4a: {
    kind: 'audio',
    mime: 'audio/mp4',
    extensions: ['m4a', 'm4b'],
    demuxer: 'mov',
    videoName: 'mp4',
  },
  aac: { kind: 'audio', mime: 'audio/aac', extensions: ['aac', 'adts'], demuxer: 'aac' },
  aiff: { kind: 'audio', mime: 'audio/aiff', extensions: ['aif', 'aiff', 'aifc'], demuxer: 'aiff' },
  amr: { kind: 'audio', mime: 'audio/amr', extensions: ['amr'], demuxer: 'amr' },
  wma: { kind: 'audio', mime: 'audio/x-ms-wma', extensions: ['wma'], demuxer: 'asf' },
  weba: { kind: 'audio', mime: 'audio/webm', extensions: ['weba', 'webm'], demuxer: 'matroska' },
  mka: { kind: 'audio', mime: 'audio/x-matroska', extensions: ['mka', 'mkv'], demuxer: 'matroska' },

  text: {
    kind: 'text',
    mime: 'text/plain',
    extensions: ['txt', 'text', 'csv', 'tsv', 'md', 'json', 'jsonl', 'log'],
  },

  zip: archive('application/zip', 'zip'),
  gzip: archive('application/gzip', 'gz', 'tgz'),
  bzip2: archive('application/x-bzip2', 'bz2', 'tbz2'),
  xz: archive('application/x-xz', 'xz', 'txz'),
  zstd: archive('application/zstd', 'zst'),
  '7z': archive('application/x-7z-compressed', '7z'),
  rar: archive('application/vnd.rar', 'rar'),
  tar: archive('application/x-tar', 'tar'),

  m3u8: other('application/vnd.apple.mpegurl', 'm3u8', 'm3u'),
  pls: other('audio/x-scpls', 'pls'),
  ffconcat: other('application/x-ffconcat', 'ffconcat'),
  sdp: other('application/sdp', 'sdp'),
  dash: other('application/dash+xml', 'mpd'),
  xspf: other('application/xspf+xml', 'xspf'),
  asx: other('video/x-ms-asf', 'asx', 'wvx', 'wax'),

  pdf: other('application/pdf', 'pdf'),
  empty: other('application/x-empty'),
  unknown: other('application/octet-stream'),
} as const satisfies Record<string, FormatInfo>;

/** The row of a format; undefined for a name that only `file-type` knows. */
export function formatInfo(format: string): FormatInfo | undefined {
  return Object.hasOwn(FORMATS, format) ? FORMATS[format as keyof typeof FORMATS] : undefined;
}

const CLAIMED = new Set(Object.values(FORMATS).flatMap((info: FormatInfo) => info.extensions));

/**
 * Whether a file name claims another format than its content has. Names without an extension, or with one that
 * claims none of our formats, do not disagree with anything.
 */
export function extensionDisagrees(fileName: string, format: string): boolean {
  const dot = fileName.lastIndexOf('.');
  if (dot < 0) return false;
  const extension = fileName.slice(dot + 1).toLowerCase();
  return CLAIMED.has(extension) && formatInfo(format)?.extensions.includes(extension) !== true;
}

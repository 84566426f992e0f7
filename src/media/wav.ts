import type { MediaInfo } from '../model/input.ts';
import type { ByteSource } from './byte-source.ts';
import { invalidBytes, truncated } from './invalid.ts';

/** Sizes from here up mean "unknown" where the file is shorter: 0xFFFFFFFF, and what sox and others write to a pipe. */
const OPEN_SIZE = 0x7ffff000;
/** Chunks before `data`; real files have a handful. */
const MAX_CHUNKS = 10_000;
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** Codecs by format tag, under ffmpeg's names; those of PCM depend on the sample size. */
const CODECS: Record<number, string> = {
  2: 'adpcm_ms',
  6: 'pcm_alaw',
  7: 'pcm_mulaw',
  17: 'adpcm_ima_wav',
  49: 'gsm_ms',
  80: 'mp2',
  85: 'mp3',
};

interface WavFormat {
  tag: number;
  channels: number;
  sampleRate: number;
  byteRate: number;
  blockAlign: number;
  bitDepth: number;
}

/**
 * Reads a WAV (RIFF, RF64 or BW64) from its own header; no process is started for it.
 *
 * A data chunk that claims more bytes than there are, and a byte rate that is not sample rate × block size, are
 * rejected: nothing says which of the two numbers is true. A data size of 0 or "unknown", as writers leave it
 * that cannot seek, is replaced by what is there. Throws RejectedItemError ALL_INPUT_INVALID_BYTES.
 */
export async function probeWav(source: ByteSource): Promise<MediaInfo> {
  let format: WavFormat | undefined;
  let samples: number | undefined;
  let longSize: number | undefined;
  let at = 12;
  for (let chunks = 0; at + 8 <= source.size && chunks < MAX_CHUNKS; chunks++) {
    const head = await source.read(at, 48);
    const name = head.toString('latin1', 0, 4);
    const size = head.readUInt32LE(4);
    const body = head.subarray(8, 8 + size);
    if (name === 'ds64' && body.length >= 16) longSize = Number(body.readBigUInt64LE(8));
    else if (name === 'fmt ') format = readFormat(body);
    else if (name === 'fact' && body.length >= 4) samples = body.readUInt32LE(0);
    else if (name === 'data') {
      if (format === undefined) throw invalidBytes('WAV has its data before its format');
      const claimed = size === 0xffffffff && longSize !== undefined ? longSize : size;
      return describe(format, dataBytes(claimed, source.size - at - 8), samples);
    }
    at += 8 + size + (size & 1);
  }
  throw invalidBytes('WAV is truncated: it has no data chunk');
}

function readFormat(body: Buffer): WavFormat {
  if (body.length < 14) throw invalidBytes('WAV is truncated in its format chunk');
  const tag = body.readUInt16LE(0);
  const format = {
    tag: tag === EXTENSIBLE && body.length >= 26 ? body.readUInt16LE(24) : tag,
    channels: body.readUInt16LE(2),
    sampleRate: body.readUInt32LE(4),
    byteRate: body.readUInt32LE(8),
    blockAlign: body.readUInt16LE(12),
    bitDepth: body.length >= 16 ? body.readUInt16LE(14) : 8,
  };
  if (format.channels === 0 || format.sampleRate === 0 || format.blockAlign === 0) {
    throw invalidBytes(`WAV claims ${format.channels} channels at ${format.sampleRate} Hz`);
  }
  return format;
}

function dataBytes(claimed: number, available: number): number {
  if (claimed <= available && claimed !== 0) return claimed;
  if (claimed !== 0 && claimed < OPEN_SIZE) throw truncated('WAV data', available, claimed);
  if (available <= 0) throw invalidBytes('WAV holds no samples');
  return available;
}

function describe(format: WavFormat, bytes: number, samples: number | undefined): MediaInfo {
  const { tag, channels, sampleRate, byteRate, blockAlign, bitDepth } = format;
  const linear = tag === PCM || tag === FLOAT;
  if (linear && byteRate !== sampleRate * blockAlign) {
    throw invalidBytes(`WAV claims ${byteRate} bytes/s but its samples make ${sampleRate * blockAlign}`, {
      measured: sampleRate * blockAlign,
      limit: byteRate,
    });
  }
  // Compressed samples: the header's byte rate is an average, the `fact` chunk counts them.
  const seconds = !linear && samples ? samples / sampleRate : bytes / byteRate;
  if (!Number.isFinite(seconds))
    throw invalidBytes('WAV says neither its byte rate nor its number of samples');
  const media: MediaInfo = { format: 'wav', codec: codecName(format), channels, sampleRate };
  if (bitDepth > 0) media.bitDepth = bitDepth;
  media.durationMs = Math.round(seconds * 1000);
  return media;
}

function codecName({ tag, bitDepth }: WavFormat): string {
  if (tag === PCM) return bitDepth <= 8 ? 'pcm_u8' : `pcm_s${bitDepth}le`;
  if (tag === FLOAT) return `pcm_f${bitDepth}le`;
  return CODECS[tag] ?? `wav_0x${tag.toString(16)}`;
}

import { readFile, rm, stat } from 'node:fs/promises';
import type { MediaInfo } from '../../model/input.ts';
import { type FfmpegOptions, ffmpeg } from './ffmpeg.ts';
import type { RepairedPart } from './steps.ts';

export interface SplitRequest extends FfmpegOptions {
  source: string;
  format: string;
  bytes: number;
  media: MediaInfo;
  /** Most bytes of a part. */
  limit: number;
  /** A path to which suffixes are put for the parts. */
  to: string;
}

/** A part is planned to fill this much of the limit, because borders are moved to where they are natural. */
const FILL = 0.8;
/** A silence at most this share of a part's length away is taken instead; a part may grow by it at both ends. */
const REACH = 0.12;
/** Of ffmpeg's `silencedetect`: quieter than −35 dB for a third of a second. */
const SILENCE = 'silencedetect=noise=-35dB:d=0.33';
/** More parts than planned are tried this often when key frames lie badly. */
const TRIES = 4;

/**
 * Divides a WAV at the silences next to even borders. Samples are copied, so the parts are the sound again.
 * Undefined when its duration is not known.
 */
export async function splitAudio(request: SplitRequest): Promise<RepairedPart[] | undefined> {
  const durationMs = request.media.durationMs ?? 0;
  if (durationMs === 0) return undefined;
  const count = Math.ceil(request.bytes / (request.limit * FILL));
  const heard = await ffmpeg(request.source, request.format, ['-af', SILENCE, '-f', 'null', '-'], request);
  const silences = [
    ...heard.matchAll(/silence_end: (?<end>[\d.]+) \| silence_duration: (?<length>[\d.]+)/g),
  ].map(({ groups }) => (Number(groups!['end']) - Number(groups!['length']) / 2) * 1000);
  const length = durationMs / count;
  const borders = Array.from({ length: count - 1 }, (_, i) =>
    nearest(silences, (i + 1) * length, length * REACH),
  );
  return cut(request, borders, 'wav');
}

/**
 * Divides a video at key frames, without decoding it. Undefined when key frames are so far apart that a part stays
 * over the limit.
 */
export async function splitVideo(request: SplitRequest): Promise<RepairedPart[] | undefined> {
  const durationMs = request.media.durationMs ?? 0;
  if (durationMs === 0) return undefined;
  let count = Math.ceil(request.bytes / (request.limit * FILL));
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const borders = Array.from({ length: count - 1 }, (_, i) => ((i + 1) * durationMs) / count);
    const parts = await cut(request, borders, 'mp4');
    const sizes = await Promise.all(
      parts.map(async (part) => ('file' in part ? (await stat(part.file)).size : 0)),
    );
    if (sizes.every((size) => size <= request.limit)) return parts;
    await Promise.all(parts.map((part) => ('file' in part ? rm(part.file, { force: true }) : undefined)));
    count *= 2;
  }
  return undefined;
}

/** The time next to the wanted one, if one is within reach. */
function nearest(times: readonly number[], wanted: number, reach: number): number {
  const away = (time: number) => Math.abs(time - wanted);
  const near = times.filter((time) => away(time) <= reach);
  return near.length === 0 ? wanted : near.reduce((best, time) => (away(time) < away(best) ? time : best));
}

/**
 * Copies packets into one file for each part; ffmpeg's own list says where each really begins. A part ends where the
 * next one begins, so that no time is in none.
 */
async function cut(
  { source, format, to, tools, signal }: SplitRequest,
  bordersMs: readonly number[],
  extension: 'wav' | 'mp4',
): Promise<RepairedPart[]> {
  const list = `${to}.parts.csv`;
  const borders = bordersMs.map((ms) => (ms / 1000).toFixed(6)).join(',');
  const output = [
    ...['-map', '0', '-dn', '-c', 'copy', '-f', 'segment', '-segment_format', extension],
    ...(borders === '' ? [] : ['-segment_times', borders]),
    ...[
      '-reset_timestamps',
      '1',
      '-segment_list',
      list,
      '-segment_list_type',
      'csv',
      `${to.replaceAll('%', '%%')}.part%05d.${extension}`,
    ],
  ];
  try {
    await ffmpeg(source, format, output, { tools, signal });
    const lines = (await readFile(list, 'utf8')).trim().split('\n');
    const times = lines.map((line) => {
      const [begin, end] = line.split(',').slice(-2);
      return { begin: Math.round(Number(begin) * 1000), end: Math.round(Number(end) * 1000) };
    });
    return times.map(({ begin, end }, i) => ({
      file: `${to}.part${String(i).padStart(5, '0')}.${extension}`,
      place: { unit: 'ms' as const, begin: i === 0 ? 0 : begin, end: times[i + 1]?.begin ?? end },
    }));
  } finally {
    await rm(list, { force: true });
  }
}

import { open } from 'node:fs/promises';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import type { Kind } from '../model/kind.ts';
import { fileSource } from './byte-source.ts';
import { checkContainerEnd } from './container-end.ts';
import { type AvOptions, ffprobe, type Stream } from './ffprobe.ts';
import { formatInfo } from './formats.ts';
import { invalidBytes } from './invalid.ts';
import { measureDuration } from './measure.ts';

/** Their headers hold no duration, so ffprobe guesses it from the bit rate. */
const GUESSED = new Set(['mp3', 'aac', 'amr']);
/** Their headers claim a duration and nothing else tells whether the file is whole. */
const CLAIMED = new Set(['flac']);
/** A claim may be this much longer than the packets, in milliseconds. */
const CLAIM_SLACK_MS = 250;

/**
 * Reads what a video or sound file is with ffprobe, which may open this one file and use one demuxer: a playlist
 * under a video's name opens nothing else. Where the header gives no duration, it is measured.
 *
 * The kind and the format's name follow from the streams: an MP4 without pictures is an `m4a`.
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES or INPUT_UNSUPPORTED_FORMAT, RetryableError MEDIA_PROBE_FAILED,
 * FatalError MEDIA_TOOL_MISSING, the signal's reason.
 */
export async function probeAv(
  file: string,
  format: string,
  options: AvOptions,
): Promise<{ kind: Kind; media: MediaInfo }> {
  options.signal.throwIfAborted();
  const { finished } = await checkEnd(file, format);
  const demuxer = formatInfo(format)?.demuxer;
  if (demuxer === undefined) throw new TypeError(`${format} is not probed with ffprobe`);
  const answer = await ffprobe(file, format, demuxer, options);
  const video = answer.streams.find(isPicture);
  const audio = answer.streams.find((stream) => stream.codec_type === 'audio');
  const found = nameOf(format, video, audio);
  const media: MediaInfo = { format: found.format, ...videoInfo(video), ...audioInfo(audio) };
  const codec = (found.kind === 'video' ? video : audio)?.codec_name;
  if (codec !== undefined) media.codec = codec;
  if (!finished) delete media.frames;
  const claimed = finished ? milliseconds(answer.format?.duration) : undefined;
  media.durationMs = await durationOf(file, format, demuxer, claimed, options);
  return { kind: found.kind, media };
}

/** The duration in milliseconds: as the header claims, or measured where it claims none or cannot be trusted. */
async function durationOf(
  file: string,
  format: string,
  demuxer: string,
  claimed: number | undefined,
  options: AvOptions,
): Promise<number> {
  if (claimed !== undefined && !GUESSED.has(format) && !CLAIMED.has(format)) return claimed;
  const measured = await measureDuration(file, demuxer, options);
  if (claimed === undefined || GUESSED.has(format)) return measured;
  if (measured >= claimed - CLAIM_SLACK_MS) return claimed;
  const message = `${format.toUpperCase()} is truncated: it claims ${claimed} ms and plays ${measured}`;
  throw invalidBytes(message, { measured, limit: claimed });
}

async function checkEnd(file: string, format: string): Promise<{ finished: boolean }> {
  const handle = await open(file);
  try {
    return await checkContainerEnd(format, await fileSource(handle));
  } finally {
    await handle.close();
  }
}

/** Moving pictures; cover art inside a sound file is none. */
const isPicture = (stream: Stream): boolean =>
  stream.codec_type === 'video' &&
  stream.disposition?.attached_pic !== 1 &&
  Boolean(stream.width && stream.height);

/** Kind and format name of a container by what is in it. */
function nameOf(format: string, video?: Stream, audio?: Stream): { kind: Kind; format: string } {
  const info = formatInfo(format);
  if (video === undefined && audio === undefined) {
    throw invalidBytes(`${format.toUpperCase()} holds neither pictures nor sound`);
  }
  const kind = video === undefined ? 'audio' : 'video';
  if (info?.kind === kind) return { kind, format };
  const name = kind === 'audio' ? info?.audioName : info?.videoName;
  if (name !== undefined) return { kind, format: name };
  if (info?.kind === 'audio' && audio !== undefined) return { kind: 'audio', format };
  const lacks = info?.kind === 'video' ? 'no video stream' : 'no audio stream';
  throw new RejectedItemError('INPUT_UNSUPPORTED_FORMAT', `${format.toUpperCase()} holds ${lacks}`);
}

function videoInfo(video: Stream | undefined): Partial<MediaInfo> {
  if (video?.width === undefined || video.height === undefined) return {};
  const { width, height } = video;
  const sideways = Math.abs(rotationOf(video)) % 180 === 90;
  const info: Partial<MediaInfo> = sideways ? { width: height, height: width } : { width, height };
  const frameRate = ratio(video.avg_frame_rate) ?? ratio(video.r_frame_rate);
  if (frameRate !== undefined) info.frameRate = frameRate;
  const frames = Number(video.nb_frames);
  if (frames > 0) info.frames = frames;
  return info;
}

/** Degrees of the display matrix. */
function rotationOf({ side_data_list: sideData }: Stream): number {
  return sideData?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
}

function audioInfo(audio: Stream | undefined): Partial<MediaInfo> {
  const info: Partial<MediaInfo> = {};
  if (audio?.channels) info.channels = audio.channels;
  if (audio?.sample_rate) info.sampleRate = Number(audio.sample_rate);
  return info;
}

/** `30000/1001` as a number with three decimals; undefined for `0/0`. */
function ratio(text = ''): number | undefined {
  const [above, below] = text.split('/').map(Number);
  const value = Math.round((above! / (below ?? 1)) * 1000) / 1000;
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

function milliseconds(seconds: string | undefined): number | undefined {
  const value = Math.round(Number(seconds) * 1000);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

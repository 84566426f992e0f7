import { availableParallelism } from 'node:os';
import type { RawPixels } from '../model/embedding.ts';
import { RejectedItemError, RetryableError } from '../model/errors.ts';
import { probeAv } from './av.ts';
import { confined } from './ffprobe.ts';
import { formatInfo } from './formats.ts';
import { headOf } from './head-of.ts';
import { sniff } from './sniff.ts';
import { type StreamEnd, streamTool } from './stream-tool.ts';
import type { MediaTools } from './tools.ts';

/** What the platform takes as the time between two frames, in milliseconds. */
export const SAMPLE_MS = { least: 100, most: 60_000, usual: 1000 } as const;
/** Of one video. */
export const MAX_FRAMES = 64;
/** Reading what a video is. */
const PROBE_TIMEOUT_MS = 120_000;
/** Between two frames that are taken, hours of others may have to be decoded. */
const STALL_MS = 30 * 60_000;
/**
 * Frames with a longer shorter side are made smaller by ffmpeg: a model that takes 224 to 512 pixels sees no difference,
 * and 6 MB instead of 25 MB cross the pipe.
 */
const LONGEST_SHORTER_SIDE = 1080;
/** Decoders use several threads each. */
const THREADS = Math.max(1, Math.min(4, availableParallelism()));

export interface Sampling {
  /** Time between two frames in milliseconds, `SAMPLE_MS`; more where a video would have more than `maxFrames`. */
  sampleMs?: number;
  maxFrames?: number;
}

/** What a player shows at a time. */
export interface VideoFrame {
  /** From the beginning of the video, in milliseconds. */
  timeMs: number;
  pixels: RawPixels;
}

/**
 * The frames that a player shows at 0, `sampleMs`, 2 × `sampleMs` … before the end, told by the times that the video
 * gives for its frames, however irregular. Turned upright. Decoded as they are taken; leaving early ends the decoder.
 *
 * Throws RejectedItemError EMBED_UNREADABLE, RetryableError EMBED_FAILED, FatalError MEDIA_TOOL_MISSING, the signal's
 * reason.
 */
export async function* videoFrames(
  path: string,
  { sampleMs = SAMPLE_MS.usual, maxFrames = MAX_FRAMES }: Sampling,
  tools: MediaTools,
  signal: AbortSignal,
): AsyncGenerator<VideoFrame, void> {
  const video = await describe(path, tools, signal);
  const every = spacing(video.durationMs, sampleMs, maxFrames);
  const count = Math.ceil(video.durationMs / every);
  const { width, height } = video;
  const args = [
    ...['-hide_banner', '-nostats', '-v', 'error', '-nostdin', '-threads', String(THREADS)],
    ...[...confined(video.demuxer), '-i', `file:${path}`, '-map', '0:V:0', '-an', '-sn', '-dn'],
    ...['-vf', filters(every, width, height), '-frames:v', String(count)],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ];
  const output = streamTool(tools.ffmpeg, args, { stallMs: STALL_MS, signal });
  let index = 0;
  const end = yield* framesOf(output, width * height * 3, (data) => ({
    timeMs: index++ * every,
    pixels: { data, width, height },
  }));
  if (end.stalled) {
    throw new RetryableError('EMBED_FAILED', `ffmpeg decoded nothing for ${STALL_MS} ms`, {
      limit: STALL_MS,
    });
  }
  if (end.code === null)
    throw new RetryableError('EMBED_FAILED', `ffmpeg was ended: ${lastLine(end.stderr)}`);
  if (end.code !== 0 || index === 0) {
    throw unreadable(lastLine(end.stderr) || 'it holds no frame that can be decoded');
  }
}

/** The time between frames of which there are at most `maxFrames`, in whole milliseconds. */
export function spacing(durationMs: number, sampleMs: number, maxFrames: number): number {
  return Math.ceil(durationMs / sampleMs) <= maxFrames ? sampleMs : Math.ceil(durationMs / maxFrames);
}

interface Video {
  demuxer: string;
  durationMs: number;
  /** Of the frames as they come through the pipe. */
  width: number;
  height: number;
}

async function describe(path: string, tools: MediaTools, signal: AbortSignal): Promise<Video> {
  try {
    const { format } = await sniff(await headOf(path, unreadable));
    const demuxer = formatInfo(format)?.demuxer;
    if (demuxer === undefined) throw unreadable(`${format.toUpperCase()} is no video`);
    const { kind, media } = await probeAv(path, format, { tools, timeoutMs: PROBE_TIMEOUT_MS, signal });
    const { width = 0, height = 0, durationMs = 0 } = media;
    if (kind !== 'video' || !(width > 0 && height > 0)) throw unreadable('it holds no pictures');
    const scale = Math.min(1, LONGEST_SHORTER_SIDE / Math.min(width, height));
    const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
    return { demuxer, durationMs: Math.max(1, durationMs), ...size };
  } catch (error) {
    if (error instanceof RejectedItemError && error.code !== 'EMBED_UNREADABLE')
      throw unreadable(error.message, error);
    if (error instanceof RetryableError)
      throw new RetryableError('EMBED_FAILED', error.message, { cause: error });
    throw error;
  }
}

/** Rounding up puts a frame into the first slot that is not before it; the last one in a slot is what is shown then. */
function filters(every: number, width: number, height: number): string {
  return [
    `fps=fps=1000/${every}:start_time=0:round=up`,
    `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int`,
    'format=rgb24',
  ].join();
}

/** Cuts a stream of bytes into frames of one size. */
async function* framesOf<Frame>(
  output: AsyncGenerator<Buffer, StreamEnd>,
  frameBytes: number,
  make: (data: Uint8Array) => Frame,
): AsyncGenerator<Frame, StreamEnd> {
  let frame = new Uint8Array(frameBytes);
  let filled = 0;
  try {
    for (let chunk = await output.next(); ; chunk = await output.next()) {
      if (chunk.done === true) return chunk.value;
      for (let from = 0; from < chunk.value.length; ) {
        const taken = chunk.value.subarray(from, from + frameBytes - filled);
        frame.set(taken, filled);
        filled += taken.length;
        from += taken.length;
        if (filled < frameBytes) continue;
        yield make(frame);
        frame = new Uint8Array(frameBytes);
        filled = 0;
      }
    }
  } finally {
    await output.return({ code: null, stderr: '', stalled: false });
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

const unreadable = (reason: string, cause?: unknown): RejectedItemError =>
  new RejectedItemError('EMBED_UNREADABLE', `the video cannot be decoded: ${reason}`, { cause });

import { availableParallelism } from 'node:os';
import PQueue from 'p-queue';
import { FatalError } from '../model/errors.ts';
import { invalidBytes } from './invalid.ts';
import { runTool } from './run-tool.ts';
import type { MediaTools } from './tools.ts';

export interface AvOptions {
  tools: MediaTools;
  /** Longest time of one process, in milliseconds. */
  timeoutMs: number;
  signal: AbortSignal;
}

/** ffprobe's answer for one file is a few kilobytes. */
const ANSWER_BYTES = 1_000_000;
/** A process takes some 55 MB, so fewer run at once than items are read. */
const processes = new PQueue({ concurrency: availableParallelism() });
const ENTRIES = [
  'format=duration',
  'stream=codec_type,codec_name,width,height,avg_frame_rate,r_frame_rate,nb_frames,duration,channels,sample_rate',
  'stream_disposition=attached_pic',
  'stream_side_data_list',
].join(':');

/** The part of ffprobe's JSON that is asked for; numbers come as strings where they may be large. */
export interface Answer {
  streams: Stream[];
  format?: { duration?: string };
}

export interface Stream {
  codec_type?: string;
  codec_name?: string;
  width?: number;
  height?: number;
  avg_frame_rate?: string;
  r_frame_rate?: string;
  nb_frames?: string;
  channels?: number;
  sample_rate?: string;
  disposition?: { attached_pic?: number };
  side_data_list?: { rotation?: number }[];
}

/** Options that keep ffprobe and ffmpeg to one file and one demuxer. */
export const confined = (demuxer: string): string[] => [
  '-protocol_whitelist',
  'file',
  '-format_whitelist',
  demuxer,
  '-f',
  demuxer,
];

/**
 * What ffprobe says of a file, read with one demuxer. Throws RejectedItemError ALL_INPUT_INVALID_BYTES, RetryableError
 * MEDIA_PROBE_FAILED, FatalError MEDIA_TOOL_MISSING, the signal's reason.
 */
export async function ffprobe(
  file: string,
  format: string,
  demuxer: string,
  options: AvOptions,
): Promise<Answer> {
  const program = options.tools.ffprobe;
  const args = [
    ...['-v', 'error', ...confined(demuxer), '-show_entries', ENTRIES],
    ...['-of', 'json', '-i', `file:${file}`],
  ];
  const limits = { timeoutMs: options.timeoutMs, maxBytes: ANSWER_BYTES, signal: options.signal };
  const { code, stdout, stderr } = await processes.add(() => runTool(program, args, limits));
  if (code === 0) return { streams: [], ...(JSON.parse(stdout) as Partial<Answer>) };
  // An option or demuxer that this build does not have says nothing about the file.
  if (stderr.includes('Failed to set value')) {
    throw new FatalError('MEDIA_TOOL_MISSING', `${program.path} cannot read ${format}: ${stderr.trim()}`);
  }
  const reason = stderr.trim().split('\n').at(-1)?.replace(`file:${file}: `, '') || `ffprobe exit ${code}`;
  throw invalidBytes(`${format.toUpperCase()} cannot be read: ${reason}`);
}

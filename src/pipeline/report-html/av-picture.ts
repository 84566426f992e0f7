import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { confined } from '../../media/ffprobe.ts';
import { formatInfo } from '../../media/formats.ts';
import { runTool } from '../../media/run-tool.ts';
import type { MediaTools } from '../../media/tools.ts';
import { type Picture, thumbnail } from './pictures.ts';

const LIMITS = { timeoutMs: 20_000, maxBytes: 1_000_000 };
/** Only the beginning of a sound is drawn, in seconds. */
const WAVE_SECONDS = 300;

export interface AvRequest {
  format: string;
  kind: 'video' | 'audio';
  /** Of the frame that is shown. */
  atMs: number;
  tools: MediaTools;
  signal: AbortSignal;
}

/** A frame of a video, or the wave form of a sound; undefined where ffmpeg cannot draw it. */
export function avPicture(bytes: Readable, request: AvRequest): Promise<Picture | undefined> {
  return withAvSource(bytes, request.format, request.signal, async (input, folder) => {
    const image = join(folder, 'picture.png');
    const seek = ['-ss', String(request.atMs / 1000)];
    const args =
      request.kind === 'video'
        ? [
            ...seek,
            ...input,
            '-an',
            '-frames:v',
            '1',
            '-vf',
            'scale=480:480:force_original_aspect_ratio=decrease',
          ]
        : [
            '-t',
            String(WAVE_SECONDS),
            ...input,
            '-filter_complex',
            'aformat=channel_layouts=mono,showwavespic=s=480x180:scale=sqrt:colors=#7b8794',
            '-frames:v',
            '1',
          ];
    const made = await ffmpeg([...args, '-f', 'image2', '-update', '1', image], request);
    return made ? await thumbnail(image) : undefined;
  });
}

/** Whether it did what the arguments say. */
export async function ffmpeg(
  args: readonly string[],
  { tools, signal }: Pick<AvRequest, 'tools' | 'signal'>,
): Promise<boolean> {
  const quiet = ['-v', 'error', '-nostdin', '-y'];
  const { code } = await runTool(tools.ffmpeg, [...quiet, ...args], { ...LIMITS, signal });
  return code === 0;
}

/** Calls `work` with ffmpeg's arguments for the bytes as an input, and a folder that is there until it ends. */
export async function withAvSource<T>(
  bytes: Readable,
  format: string,
  signal: AbortSignal,
  work: (input: string[], folder: string) => Promise<T>,
): Promise<T | undefined> {
  const demuxer = format === 'wav' ? 'wav' : formatInfo(format)?.demuxer;
  if (demuxer === undefined) {
    bytes.destroy();
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'sluice-report-'));
  try {
    const source = join(folder, 'source');
    await pipeline(bytes, createWriteStream(source), { signal });
    return await work([...confined(demuxer), '-i', `file:${source}`], folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

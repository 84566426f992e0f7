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
export async function avPicture(bytes: Readable, request: AvRequest): Promise<Picture | undefined> {
  const demuxer = request.format === 'wav' ? 'wav' : formatInfo(request.format)?.demuxer;
  if (demuxer === undefined) {
    bytes.destroy();
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'sluice-report-'));
  try {
    const [source, image] = [join(folder, 'source'), join(folder, 'picture.png')];
    await pipeline(bytes, createWriteStream(source), { signal: request.signal });
    const input = [...confined(demuxer), '-i', `file:${source}`];
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
    const quiet = ['-v', 'error', '-nostdin', '-y'];
    const target = ['-f', 'image2', '-update', '1', image];
    const { code } = await runTool(request.tools.ffmpeg, [...quiet, ...args, ...target], {
      ...LIMITS,
      signal: request.signal,
    });
    return code === 0 ? await thumbnail(image) : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

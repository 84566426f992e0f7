import { rm, stat } from 'node:fs/promises';
import type { MediaInfo } from '../../model/input.ts';
import { type FfmpegOptions, ffmpeg } from './ffmpeg.ts';
import { splitAudio, splitVideo } from './split-av.ts';
import type { Repaired, RepairStep, RepairTarget } from './steps.ts';

export interface AvRepair extends FfmpegOptions {
  source: string;
  kind: 'audio' | 'video';
  /** By content. */
  format: string;
  bytes: number;
  media: MediaInfo;
  allowed: readonly RepairStep[];
  target: RepairTarget;
  /** A path to which suffixes are put for what is written. What is left when it fails goes with its folder. */
  to: string;
}

/** Of a smaller sound: one channel at 16 kHz, what speech models take. */
const SPEECH = ['-ac', '1', '-ar', '16000'];
/** Room for the container and for a rate control that is not exact. */
const HEADROOM = 0.92;
const AUDIO_BITS = 96_000;
/** Fewer bits a second than this make a picture that nobody can label. */
const FEWEST_VIDEO_BITS = 100_000;
/** Longest edge of a video that is made smaller, in pixels. */
const SMALLER_EDGE = 1280;

/**
 * Brings a sound or video under the limits: WAV or MP4 where its format is not taken, fewer bits where it is too large,
 * and several files where even that is not enough, as far as each is allowed. Undefined when they cannot make it fit.
 * Throws what `ffmpeg` throws.
 */
export async function repairAv(repair: AvRepair): Promise<Repaired | undefined> {
  const { source, kind, format, bytes, allowed, target, to } = repair;
  const limit = target.maxBytes(kind);
  const supported = target.accepts(kind, format);
  if (!supported && !allowed.includes('transcode')) return undefined;
  const steps: RepairStep[] = supported ? [] : ['transcode'];
  const wanted = kind === 'audio' ? 'wav' : 'mp4';
  let current = { path: source, format, bytes };
  const borders = kind === 'video' && allowed.includes('split') ? KEY_FRAMES : [];
  const make = async (name: string, output: readonly string[]) => {
    const path = `${to}.${name}.${wanted}`;
    await ffmpeg(source, format, [...borders, ...output, `file:${path}`], repair);
    if (current.path !== source) await rm(current.path, { force: true });
    current = { path, format: wanted, bytes: (await stat(path)).size };
  };
  try {
    if (!supported) await make('whole', kind === 'audio' ? AS_WAV : AS_MP4);
    if (
      current.bytes > limit &&
      allowed.includes('reencode') &&
      !(supported && kind === 'audio' && allowed.includes('split'))
    ) {
      const smaller = kind === 'audio' ? [...AS_WAV, ...SPEECH] : fittingVideo(repair, limit);
      if (smaller !== undefined) {
        await make('smaller', smaller);
        steps.push(
          ...(allowed.includes('downscale') && kind === 'video'
            ? (['downscale', 'reencode'] as const)
            : (['reencode'] as const)),
        );
      }
    }
    if (current.bytes <= limit && steps.length > 0) return { steps, parts: [{ file: current.path }] };
    if (!allowed.includes('split')) return await givenUp();
    const split = kind === 'audio' ? splitAudio : splitVideo;
    const parts = await split({
      ...repair,
      source: current.path,
      format: current.format,
      bytes: current.bytes,
      limit,
    });
    if (current.path !== source) await rm(current.path, { force: true });
    return parts === undefined ? undefined : { steps: [...steps, 'split'], parts };
  } catch (error) {
    await givenUp();
    throw error;
  }

  async function givenUp(): Promise<undefined> {
    if (current.path !== source) await rm(current.path, { force: true });
  }
}

/** Every two seconds, so that it can be divided there. */
const KEY_FRAMES = ['-force_key_frames', 'expr:gte(t,n_forced*2)'];
export const AS_WAV = ['-vn', '-sn', '-dn', '-map', '0:a:0', '-c:a', 'pcm_s16le', '-f', 'wav'];
const asMp4 = (pixels: readonly string[]): string[] => [
  ...['-map', '0:v:0', '-map', '0:a:0?', '-sn', '-dn', '-c:v', 'libx264', '-preset', 'medium', '-crf', '20'],
  ...pixels,
  ...['-c:a', 'aac', '-b:a', '128k', '-movflags', '+faststart', '-f', 'mp4'],
];
/** Halved colour needs them. */
const EVEN_SIDES = 'pad=ceil(iw/2)*2:ceil(ih/2)*2';
const AS_MP4 = asMp4(['-pix_fmt', 'yuv420p', '-vf', EVEN_SIDES]);

/** MP4 in the same size: halved colour needs even sides, so an odd one keeps the colour of every pixel. */
export const asMp4OfSize = ({ width = 0, height = 0 }: MediaInfo): string[] =>
  asMp4(['-pix_fmt', width % 2 === 0 && height % 2 === 0 ? 'yuv420p' : 'yuv444p']);

/** MP4 at the bit rate that fills the limit; undefined where that would be too low to see anything. */
function fittingVideo({ media, allowed }: AvRepair, limit: number): string[] | undefined {
  const seconds = (media.durationMs ?? 0) / 1000;
  const bits = Math.floor((limit * 8 * HEADROOM) / seconds - AUDIO_BITS);
  if (!(bits >= FEWEST_VIDEO_BITS)) return undefined;
  const smaller = `scale='min(${SMALLER_EDGE},iw)':'min(${SMALLER_EDGE},ih)':force_original_aspect_ratio=decrease`;
  const filter = [...(allowed.includes('downscale') ? [smaller] : []), EVEN_SIDES].join();
  return [
    ...['-map', '0:v:0', '-map', '0:a:0?', '-sn', '-dn', '-c:v', 'libx264', '-preset', 'medium'],
    ...['-b:v', String(bits), '-maxrate', String(bits), '-bufsize', String(bits), '-pix_fmt', 'yuv420p'],
    ...['-vf', filter, '-c:a', 'aac', '-b:a', String(AUDIO_BITS)],
    ...['-movflags', '+faststart', '-f', 'mp4'],
  ];
}

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sampling, spacing, type VideoFrame, videoFrames } from '../../src/media/frames.ts';
import type { MediaTools } from '../../src/media/tools.ts';
import { errorOf, makeMedia, mediaFolder, npmTools, signal, systemTools } from './fixtures.ts';

/** When each frame of the irregular clip is shown, in milliseconds; frame n is a grey of 29 n. */
const SHOWN = [0, 300, 1700, 1750, 2900, 3000, 3001, 6500];
const FRAMES = 'nullsrc=s=64x48:r=10:d=0.8,format=yuv444p,geq=lum=16+25*N:cb=128:cr=128';
const TIMES = `setpts='${SHOWN.slice(0, -1).reduceRight((rest, time, n) => `if(eq(N,${n}),${time},${rest})`, `${SHOWN.at(-1)}`)}'`;

let folder: Awaited<ReturnType<typeof mediaFolder>>;
let system: MediaTools;
let npm: MediaTools;
beforeAll(async () => {
  [folder, system, npm] = await Promise.all([mediaFolder(), systemTools(), npmTools()]);
  const irregular = ['-f', 'lavfi', '-i', `${FRAMES},settb=1/1000,${TIMES}`];
  const lossless = ['-vsync', 'passthrough', '-enc_time_base', '1/1000', '-c:v', 'ffv1'];
  await run(['-v', 'error', '-y', ...irregular, ...lossless, at('irregular.mkv')]);
  await makeMedia(['-c:v', 'mpeg4', '-q:v', '2', '-c:a', 'aac', at('a.mp4')]);
  await run([
    '-v',
    'error',
    '-y',
    '-i',
    at('a.mp4'),
    '-c',
    'copy',
    '-metadata:s:v',
    'rotate=90',
    at('turned.mp4'),
  ]);
}, 180_000);
afterAll(() => folder.drop());

const at = (name: string): string => join(folder.path, name);
const run = (args: readonly string[]) => promisify(execFile)(system.ffmpeg.path, args);

async function framesOf(name: string, sampling: Sampling = {}, tools = system): Promise<VideoFrame[]> {
  const frames: VideoFrame[] = [];
  for await (const frame of videoFrames(at(name), sampling, tools, signal)) frames.push(frame);
  return frames;
}

/** Which frame of the irregular clip it is. */
const numberOf = ({ pixels }: VideoFrame): number => Math.round(pixels.data[0]! / 29);

describe('frames of a video', () => {
  it.each(['system', 'npm'])(
    'are those that are shown at the times asked for, with the %s ffmpeg',
    async (from) => {
      const tools = from === 'system' ? system : npm;
      const frames = await framesOf('irregular.mkv', {}, tools);
      const shownAt = (time: number) => SHOWN.findLastIndex((began) => began <= time);
      expect(frames.map(({ timeMs }) => timeMs)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000]);
      expect(frames.map(numberOf)).toEqual(frames.map(({ timeMs }) => shownAt(timeMs)));
      const dense = await framesOf('irregular.mkv', { sampleMs: 250 }, tools);
      expect(dense.map(numberOf)).toEqual(dense.map(({ timeMs }) => shownAt(timeMs)));
      expect(dense.map(({ timeMs }) => timeMs).slice(-2)).toEqual([6250, 6500]);
    },
  );

  it('are further apart where there would be too many', async () => {
    expect(spacing(6550, 1000, 7)).toBe(1000);
    expect(spacing(6550, 1000, 3)).toBe(2184);
    const frames = await framesOf('irregular.mkv', { maxFrames: 3 });
    expect(frames.map(({ timeMs }) => timeMs)).toEqual([0, 2184, 4368]);
    expect(frames.map(numberOf)).toEqual([0, 3, 6]);
  });

  it('are turned upright', async () => {
    const [[upright], [turned]] = await Promise.all([framesOf('a.mp4'), framesOf('turned.mp4')]);
    expect([upright!.pixels.width, upright!.pixels.height]).toEqual([176, 144]);
    expect([turned!.pixels.width, turned!.pixels.height]).toEqual([144, 176]);
    expect(turned!.pixels.data).toHaveLength(144 * 176 * 3);
  });

  it('are made smaller where their shorter side is over 1080', async () => {
    const large = ['-f', 'lavfi', '-i', 'testsrc=size=2400x1440:rate=1:duration=1'];
    await run(['-v', 'error', '-y', ...large, '-c:v', 'mpeg4', at('large.mp4')]);
    const frames = await framesOf('large.mp4');
    expect(frames.map(({ pixels: { width, height } }) => [width, height])).toEqual([[1800, 1080]]);
  });

  it('stop the decoder when no more are taken, and when the run is stopped', async () => {
    for await (const { timeMs } of videoFrames(at('a.mp4'), { sampleMs: 100 }, system, signal)) {
      expect(timeMs).toBe(0);
      break;
    }
    const stop = new AbortController();
    const frames = videoFrames(at('a.mp4'), { sampleMs: 100 }, system, stop.signal);
    await frames.next();
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(frames.next()).rejects.toBe(reason);
  });

  it('are unreadable in what is broken, holds sound alone, or is no video', async () => {
    await makeMedia(['-vn', '-c:a', 'aac', at('sound.m4a')]);
    await writeFile(at('text.mp4'), 'no video at all');
    for (const name of ['sound.m4a', 'text.mp4', 'missing.mp4']) {
      await errorOf(framesOf(name), 'EMBED_UNREADABLE');
    }
    const noise = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=10:duration=1', '-c:v', 'ffv1'];
    // Every packet is noise, behind headers that are whole.
    await run(['-v', 'error', '-y', ...noise, '-bsf:v', 'noise=amount=1', at('noise.mkv')]);
    const error = await errorOf(framesOf('noise.mkv'), 'EMBED_UNREADABLE');
    expect(error.message).toContain('the video cannot be decoded');
  });
});

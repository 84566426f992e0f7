import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { middlePcm, pcmChunks } from '../../src/media/pcm.ts';
import type { MediaTools } from '../../src/media/tools.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';
import { npmTools, systemTools } from './fixtures.ts';

const never = new AbortController().signal;
let tools: MediaTools;
let npm: MediaTools;

beforeAll(async () => {
  [tools, npm] = await Promise.all([systemTools(), npmTools()]);
});

/** What ffmpeg makes of sources that it computes itself. */
async function made(name: string, args: readonly string[]): Promise<string> {
  const path = join(await tempFolder(), name);
  await promisify(execFile)(tools.ffmpeg.path, ['-v', 'error', ...args, '-y', path]);
  return path;
}

const tone = (expression: string, seconds: number, rate = 16_000): string[] => [
  '-f',
  'lavfi',
  '-i',
  `aevalsrc=${expression}:s=${rate}:d=${seconds}`,
];

async function all(
  source: Parameters<typeof pcmChunks>[0],
  rate = 16_000,
  decoders = tools,
): Promise<number[]> {
  const samples: number[] = [];
  for await (const chunk of pcmChunks(source, rate, decoders, never)) samples.push(...chunk);
  return samples;
}

const loudest = (samples: ArrayLike<number>): number =>
  Array.from(samples).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

describe('pcmChunks', () => {
  it('gives the samples of a WAV of the same rate exactly', async () => {
    const file = wav(100, { sampleRate: 16_000 });
    const expected = Array.from({ length: 1600 }, (_, i) => file.readInt16LE(44 + i * 2) / 32_768);
    expect(await all(file)).toEqual(expected);
  });

  it('reads a path and bytes alike, and leaves no file behind', async () => {
    const path = await made('tone.m4a', tone('0.5*sin(2*PI*440*t)', 1));
    const folder = await tempFolder();
    vi.stubEnv('TMPDIR', folder);
    vi.stubEnv('TEMP', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    const fromBytes = await all(await readFile(path));
    expect(fromBytes).toEqual(await all({ path }));
    expect(fromBytes.length).toBeGreaterThan(15_000);
    expect(await readdir(folder)).toEqual([]);
  });

  it('changes the rate and keeps the duration', async () => {
    const samples = await all(wav(500, { sampleRate: 8000 }), 48_000);
    expect(samples.length).toBeGreaterThan(23_900);
    expect(samples.length).toBeLessThan(24_100);
  });

  it.each(['system', 'npm'])(
    'takes the mean of two channels, not a louder mix, with the %s ffmpeg',
    async (from) => {
      const path = await made('stereo.wav', [
        ...tone('0.8*sin(2*PI*440*t)|0.4*sin(2*PI*440*t)', 1),
        '-c:a',
        'pcm_s16le',
      ]);
      const samples = await all({ path }, 16_000, from === 'npm' ? npm : tools);
      expect(samples).toHaveLength(16_000);
      expect(loudest(samples)).toBeCloseTo(0.6, 3);
    },
  );

  it('mixes more channels within full scale', async () => {
    const channels = Array.from({ length: 6 }, () => '0.9*sin(2*PI*440*t)').join('|');
    const path = await made('surround.wav', [...tone(`${channels}:c=5.1`, 1), '-c:a', 'pcm_s16le']);
    const most = loudest(await all({ path }));
    expect(most).toBeGreaterThan(0.3);
    expect(most).toBeLessThanOrEqual(0.901);
  });

  it('reads the sound of a video', async () => {
    const path = await made('film.mp4', [
      ...['-f', 'lavfi', '-i', 'testsrc=s=64x64:r=10:d=1'],
      ...[...tone('0.5*sin(2*PI*440*t)', 1), '-shortest'],
    ]);
    expect((await all({ path })).length).toBeGreaterThan(14_000);
  });

  it('rejects a video without sound', async () => {
    const path = await made('silent.mp4', ['-f', 'lavfi', '-i', 'testsrc=s=64x64:r=10:d=1']);
    await expect(all({ path })).rejects.toMatchObject({
      code: 'EMBED_UNREADABLE',
      message: 'the sound cannot be decoded: it holds no sound',
    });
  });

  it.each([
    ['no sound', Buffer.from('a text'), /TEXT is no sound/],
    ['nothing', Buffer.alloc(0), /EMPTY is no sound/],
    ['no sample', wav(0), /no sample of sound/],
    ['noise under a magic number', Buffer.from(`fLaC${'\u0001'.repeat(200)}`), /cannot be decoded: .+/],
  ])('rejects %s', async (_, bytes, message) => {
    await expect(all(bytes)).rejects.toMatchObject({
      name: 'RejectedItemError',
      code: 'EMBED_UNREADABLE',
      message: expect.stringMatching(message),
    });
  });

  it('rejects a file that is gone', async () => {
    await expect(all({ path: join(await tempFolder(), 'gone.wav') })).rejects.toMatchObject({
      code: 'EMBED_UNREADABLE',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('opens nothing that a playlist names', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'secret.wav'), wav(100));
    const playlist = join(folder, 'list.mp3');
    await writeFile(playlist, `#EXTM3U\n#EXTINF:1,\n${join(folder, 'secret.wav')}\n`);
    await expect(all({ path: playlist })).rejects.toMatchObject({ code: 'EMBED_UNREADABLE' });
  });

  it('ends with the signal’s reason', async () => {
    const stop = new AbortController();
    const chunks = pcmChunks(wav(60_000), 48_000, tools, stop.signal);
    await chunks.next();
    stop.abort(new Error('stopped'));
    await expect(async () => {
      for await (const _ of chunks);
    }).rejects.toThrow('stopped');
  });
});

describe('middlePcm', () => {
  it('gives all of a sound that is short enough', async () => {
    const pcm = await middlePcm(wav(100, { sampleRate: 16_000 }), { rate: 16_000, most: 1600 }, tools, never);
    expect(pcm).toHaveLength(1600);
  });

  it('gives the middle of a longer one', async () => {
    const file = wav(3000, { sampleRate: 16_000 });
    const pcm = await middlePcm(file, { rate: 16_000, most: 1001 }, tools, never);
    const from = Math.floor((48_000 - 1001) / 2);
    const expected = Array.from({ length: 1001 }, (_, i) => file.readInt16LE(44 + (from + i) * 2) / 32_768);
    expect(Array.from(pcm)).toEqual(expected);
  });
});

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeAv } from '../../src/media/av.ts';
import { ffprobe } from '../../src/media/ffprobe.ts';
import { measureDuration } from '../../src/media/measure.ts';
import { SNIFF_BYTES, sniff } from '../../src/media/sniff.ts';
import type { MediaTools } from '../../src/media/tools.ts';
import { checkMedia, resolveProfile } from '../../src/validation/index.ts';
import { errorOf, makeMedia, mediaFolder, npmTools, signal, systemTools } from './fixtures.ts';

const MPEG4 = ['-c:v', 'mpeg4', '-c:a', 'aac'];
const VP8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libvorbis'];
const COVER = [
  '-map',
  '1',
  '-map',
  '0:v',
  '-frames:v',
  '1',
  '-c:v',
  'mjpeg',
  '-disposition:v',
  'attached_pic',
];

/** Files of ffmpeg, by name. Streamed ones are written without seeking back, so their headers lack the duration. */
const FILES: Record<string, readonly string[]> = {
  'a.mp4': MPEG4,
  'front.mp4': [...MPEG4, '-movflags', 'faststart'],
  'a.mov': MPEG4,
  'a.avi': ['-c:v', 'mpeg4', '-c:a', 'mp3'],
  'a.wmv': ['-c:v', 'wmv2', '-c:a', 'wmav2'],
  'a.3gp': [...MPEG4, '-ar', '8000', '-ac', '1'],
  'a.mkv': MPEG4,
  'a.webm': VP8,
  'streamed.webm': [...VP8, '-f', 'webm', '-live', '1'],
  'streamed.mkv': [...MPEG4, '-f', 'matroska', '-live', '1'],
  'a.mpg': ['-r', '25', '-c:v', 'mpeg2video', '-c:a', 'mp2'],
  'a.ts': ['-r', '25', '-c:v', 'mpeg2video', '-c:a', 'mp2'],
  'a.flv': ['-c:v', 'flv1', '-c:a', 'mp3'],
  'sound.mp4': ['-vn', '-c:a', 'aac'],
  'sound.avi': ['-vn', '-c:a', 'mp3'],
  'sound.wma': ['-vn', '-c:a', 'wmav2'],
  'cover.m4a': [...COVER, '-c:a', 'aac', '-f', 'ipod'],
  'a.mp3': ['-vn', '-c:a', 'mp3'],
  'a.flac': ['-vn', '-c:a', 'flac'],
  'a.ogg': ['-vn', '-c:a', 'libvorbis'],
  'a.aac': ['-vn', '-c:a', 'aac'],
};

let folder: Awaited<ReturnType<typeof mediaFolder>>;
const tools: Record<string, MediaTools> = {};
const at = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await mediaFolder();
  [tools['system'], tools['npm']] = await Promise.all([systemTools(), npmTools()]);
  const queue = Object.entries(FILES);
  const work = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop())
      await makeMedia([...next[1], at(next[0])]);
  };
  await Promise.all([work(), work()]);
});
afterAll(() => folder.drop());

async function probe(name: string, from = 'npm') {
  const head = (await readFile(at(name))).subarray(0, SNIFF_BYTES);
  const { format } = await sniff(head);
  return probeAv(at(name), format, { tools: tools[from]!, timeoutMs: 30_000, signal });
}

async function cut(name: string, share: number): Promise<string> {
  const file = await readFile(at(name));
  const end = share < 0 ? file.length + share : Math.floor(file.length * share);
  await writeFile(at(`cut-${name}`), file.subarray(0, end));
  return `cut-${name}`;
}

describe.each(['system', 'npm'])('with ffprobe from %s', (from) => {
  it.each([
    ['a.mp4', 'mp4', 'video', 'mpeg4'],
    ['a.mov', 'mov', 'video', 'mpeg4'],
    ['a.avi', 'avi', 'video', 'mpeg4'],
    ['a.wmv', 'wmv', 'video', 'wmv2'],
    ['a.3gp', '3gp', 'video', 'mpeg4'],
    ['a.mkv', 'mkv', 'video', 'mpeg4'],
    ['a.webm', 'webm', 'video', 'vp8'],
    ['streamed.webm', 'webm', 'video', 'vp8'],
    ['streamed.mkv', 'mkv', 'video', 'mpeg4'],
    ['a.mpg', 'mpeg', 'video', 'mpeg2video'],
    ['a.ts', 'mpegts', 'video', 'mpeg2video'],
    ['a.flv', 'flv', 'video', 'flv1'],
    ['sound.mp4', 'm4a', 'audio', 'aac'],
    ['sound.wma', 'wma', 'audio', 'wmav2'],
    ['cover.m4a', 'm4a', 'audio', 'aac'],
    ['a.mp3', 'mp3', 'audio', 'mp3'],
    ['a.flac', 'flac', 'audio', 'flac'],
    ['a.ogg', 'ogg', 'audio', 'vorbis'],
    ['a.aac', 'aac', 'audio', 'aac'],
  ])('%s is %s %s of codec %s', async (name, format, kind, codec) => {
    const found = await probe(name, from);
    expect(found).toMatchObject({ kind, media: { format, codec } });
    expect(found.media.sampleRate).toBeGreaterThan(0);
    expect(found.media.channels).toBe(1);
    expect(Math.abs(found.media.durationMs! - 2000)).toBeLessThan(300);
    if (kind === 'video') expect(found.media).toMatchObject({ width: 176, height: 144 });
    else expect(found.media.width).toBeUndefined();
  });

  it('applies the rotation to the size', async () => {
    const { ffmpeg } = await npmTools();
    const turn = ['-c', 'copy', '-metadata:s:v', 'rotate=90', at('rotated.mp4')];
    await promisify(execFile)(ffmpeg.path, ['-v', 'error', '-y', '-i', at('a.mp4'), ...turn]);
    expect((await probe('rotated.mp4', from)).media).toMatchObject({ width: 144, height: 176 });
  });
});

describe('under the profiles', () => {
  it.each(['a.mp4', 'a.mov', 'a.avi', 'a.wmv', 'a.3gp'])('%s passes both', async (name) => {
    const found = { ...(await probe(name)), bytes: 1, viaUrl: false };
    for (const profile of ['clarifai', 'open']) checkMedia(found, resolveProfile(profile));
  });

  it.each(['a.mkv', 'a.webm', 'sound.mp4', 'a.mp3', 'a.flac'])('%s passes open alone', async (name) => {
    const found = { ...(await probe(name)), bytes: 1, viaUrl: false };
    checkMedia(found, resolveProfile('open'));
    expect(() => checkMedia(found, resolveProfile('clarifai'))).toThrow(/of profile clarifai/);
  });
});

describe('a truncated file', () => {
  it.each(['a.mp4', 'front.mp4', 'a.mov', 'a.3gp', 'a.avi', 'a.wmv', 'a.mkv', 'a.webm', 'a.flac'])(
    'is rejected: %s at half its length',
    async (name) => {
      const error = await errorOf(probe(await cut(name, 0.5)), 'ALL_INPUT_INVALID_BYTES');
      expect(error.message).toMatch(/truncated/);
    },
  );

  it.each(['front.mp4', 'a.wmv', 'a.webm'])('is rejected: %s without its last 2 bytes', async (name) => {
    await errorOf(probe(await cut(name, -2)), 'ALL_INPUT_INVALID_BYTES');
  });

  it('is played as far as it goes where nothing claims more', async () => {
    const { media } = await probe(await cut('streamed.webm', 0.5));
    expect(media.durationMs).toBeLessThan(1_700);
  });
});

describe('an AVI whose writer could not seek', () => {
  it('is measured, as its header counts 2^30 frames', async () => {
    const file = await readFile(at('a.avi'));
    file.writeUInt32LE(0xffffffff, 4);
    file.writeUInt32LE(2 ** 30, file.indexOf('avih') + 8 + 16);
    file.writeUInt32LE(2 ** 30, file.indexOf('strh') + 8 + 32);
    await writeFile(at('open.avi'), file);
    const { media } = await probe('open.avi');
    expect(media.frames).toBeUndefined();
    expect(Math.abs(media.durationMs! - 2000)).toBeLessThan(300);
  });
});

describe('what is no video', () => {
  it('is named when a container of pictures holds sound alone and has no name for that', async () => {
    const error = await errorOf(probe('sound.avi'), 'INPUT_UNSUPPORTED_FORMAT');
    expect(error.message).toBe('AVI holds no video stream');
  });

  it('is rejected when only the signature is right', async () => {
    await writeFile(
      at('fake.mp4'),
      Buffer.concat([Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1'), Buffer.alloc(500)]),
    );
    const error = await errorOf(probe('fake.mp4'), 'ALL_INPUT_INVALID_BYTES');
    expect(error.message).not.toContain(folder.path);
  });
});

describe('limits of time', () => {
  it.runIf(process.platform !== 'win32')('kill programs that wait for ever', async () => {
    // Nobody writes to this pipe, so opening it never returns.
    await promisify(execFile)('mkfifo', [at('pipe')]);
    const options = { tools: tools['npm']!, timeoutMs: 400, signal };
    const error = await errorOf(ffprobe(at('pipe'), 'mp4', 'mov', options), 'MEDIA_PROBE_FAILED');
    expect(error).toMatchObject({ name: 'RetryableError', limit: 400 });
    await errorOf(measureDuration(at('pipe'), 'mov', options), 'MEDIA_PROBE_FAILED');
    const abort = { ...options, timeoutMs: 30_000, signal: AbortSignal.timeout(200) };
    await expect(measureDuration(at('pipe'), 'mov', abort)).rejects.toThrow(/timeout/);
  });

  it('give the reason of an abort', async () => {
    const abort = new AbortController();
    const probing = probeAv(at('streamed.webm'), 'webm', {
      tools: tools['npm']!,
      timeoutMs: 30_000,
      signal: abort.signal,
    });
    abort.abort(new Error('stopped by the user'));
    await expect(probing).rejects.toThrow('stopped by the user');
  });
});

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bufferSource } from '../../src/media/byte-source.ts';
import { probeWav } from '../../src/media/wav.ts';
import { wav } from '../support/wav.ts';
import { errorOf, makeMedia, mediaFolder, systemTools } from './fixtures.ts';

const probe = (file: Buffer) => probeWav(bufferSource(file));

describe('a lying WAV', () => {
  it('is rejected when its data claims more bytes than there are', async () => {
    const error = await errorOf(probe(wav(500, { claim: 1_000_000 })), 'ALL_INPUT_INVALID_BYTES');
    expect(error).toMatchObject({ measured: 8000, limit: 1_000_000 });
    expect(error.message).toBe('WAV data is truncated: it claims 1000000 bytes and has 8000');
  });

  it.each([0, 0xffffffff, 0x7ffff000])('is measured when its writer left the size at %i', async (claim) => {
    expect(await probe(wav(500, { claim }))).toMatchObject({ durationMs: 500 });
  });

  it('is rejected when its byte rate is not that of its samples', async () => {
    const file = wav(500);
    file.writeUInt32LE(1, 28);
    const error = await errorOf(probe(file), 'ALL_INPUT_INVALID_BYTES');
    expect(error.message).toBe('WAV claims 1 bytes/s but its samples make 16000');
  });

  it.each([
    ['has no channels', 22],
    ['has no sample rate', 24],
  ])('is rejected when it %s', async (_, offset) => {
    const file = wav(500);
    file.fill(0, offset, offset + (offset === 24 ? 4 : 2));
    await errorOf(probe(file), 'ALL_INPUT_INVALID_BYTES');
  });

  it.each([12, 30, 43])('is rejected when it ends at byte %i', async (end) => {
    await errorOf(probe(wav(500).subarray(0, end)), 'ALL_INPUT_INVALID_BYTES');
  });

  it('is rejected when it holds no samples', async () => {
    await errorOf(probe(wav(0)), 'ALL_INPUT_INVALID_BYTES');
  });
});

describe('a WAV of ffmpeg', () => {
  const codecs = [
    ['pcm_u8', []],
    ['pcm_s16le', []],
    ['pcm_s24le', []],
    ['pcm_f32le', []],
    ['pcm_f64le', []],
    ['pcm_alaw', []],
    ['pcm_mulaw', []],
    ['adpcm_ima_wav', []],
    ['pcm_s16le', ['-rf64', 'always']],
  ] as const;
  let folder: Awaited<ReturnType<typeof mediaFolder>>;
  beforeAll(async () => {
    folder = await mediaFolder();
  });
  afterAll(() => folder.drop());

  it.each(codecs)('with %s %j is read as ffprobe reads it', async (codec, args) => {
    const path = join(folder.path, `${codec}.wav`);
    await makeMedia(['-ac', '2', '-c:a', codec, ...args, path], 'sound');
    const { ffprobe } = await systemTools();
    const { stdout } = await promisify(execFile)(ffprobe.path, [
      ...['-v', 'error', '-of', 'json', path],
      ...['-show_entries', 'format=duration:stream=codec_name,channels,sample_rate'],
    ]);
    const { streams, format } = JSON.parse(stdout);
    expect(await probe(await readFile(path))).toMatchObject({
      codec: streams[0].codec_name,
      channels: streams[0].channels,
      sampleRate: Number(streams[0].sample_rate),
      durationMs: Math.round(Number(format.duration) * 1000),
    });
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import { expect } from 'vitest';
import type { ImageOptions } from '../../src/media/image.ts';
import { findTools, type MediaTools } from '../../src/media/tools.ts';
import type { Code } from '../../src/model/codes.ts';
import type { SluiceError } from '../../src/model/errors.ts';

export const signal = new AbortController().signal;

export const imageOptions = (options: Partial<ImageOptions> = {}): ImageOptions => ({
  check: 'decode',
  maxPixels: 85e6,
  timeoutMs: 30_000,
  signal,
  ...options,
});

/** A picture with detail in every row, so that a cut anywhere loses some of it. */
export const picture = (width = 320, height = 240): Sharp =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: 'teal',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  });

/** System tools, and those from npm as an empty PATH gives them. */
export const systemTools = (): Promise<MediaTools> => findTools({ path: process.env['PATH'] ?? '' });
export const npmTools = (): Promise<MediaTools> => findTools({ path: '' });

/** A folder for the files of one test file; the caller removes it with `drop`. */
export async function mediaFolder(): Promise<{ path: string; drop: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-media-'));
  return { path, drop: () => rm(path, { recursive: true, force: true }) };
}

const TEST_PICTURE = ['-f', 'lavfi', '-i', 'testsrc=size=176x144:rate=10:duration=2'];
const TEST_SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100:duration=2'];

/** Runs ffmpeg on two seconds of test picture and tone; `args` say which of them and into what. */
export async function makeMedia(args: readonly string[], inputs: 'both' | 'sound' = 'both'): Promise<void> {
  const { ffmpeg } = await systemTools();
  const sources = inputs === 'both' ? [...TEST_PICTURE, ...TEST_SOUND] : TEST_SOUND;
  await promisify(execFile)(ffmpeg.path, ['-v', 'error', '-y', ...sources, ...args]);
}

/** The error that a promise rejects with, checked for its code. */
export async function errorOf(promise: Promise<unknown>, code: Code): Promise<SluiceError> {
  const error = await promise.then(
    (value) => expect.fail(`resolved with ${JSON.stringify(value)}`),
    (thrown: SluiceError) => thrown,
  );
  expect(error).toMatchObject({ code });
  return error;
}

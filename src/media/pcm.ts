import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFailure } from '../io/disk-errors.ts';
import type { Encoded } from '../model/embedding.ts';
import { RejectedItemError, RetryableError } from '../model/errors.ts';
import { confined } from './ffprobe.ts';
import { formatInfo } from './formats.ts';
import { headOf } from './head-of.ts';
import { sniff } from './sniff.ts';
import { streamTool } from './stream-tool.ts';
import type { MediaTools } from './tools.ts';

/** Before its first sample, ffmpeg may have to read past hours of pictures. */
const STALL_MS = 10 * 60_000;
const SAMPLE_BYTES = 4;

/**
 * The sound of a file, or the first one of a video: one channel, float32 with full scale at ±1, at `rate` samples a
 * second. It comes as it is decoded, so a file of any length takes the memory of one chunk; leaving early ends the
 * decoder. Two channels become their mean, more the mean with the weights of ffmpeg's mix, never louder than full scale.
 *
 * Throws RejectedItemError EMBED_UNREADABLE (no sound, not a sample of it, or not decodable), RetryableError
 * EMBED_FAILED, FatalError MEDIA_TOOL_MISSING, the signal's reason.
 */
export async function* pcmChunks(
  source: Encoded,
  rate: number,
  tools: MediaTools,
  signal: AbortSignal,
): AsyncGenerator<Float32Array, void> {
  await using file = await fileOf(source);
  const { format, kind } = await sniff(await headOf(file.path, unreadable));
  if (kind !== 'audio' && kind !== 'video') throw unreadable(`${format.toUpperCase()} is no sound`);
  const args = [
    ...['-hide_banner', '-nostats', '-v', 'error', '-nostdin', '-threads', '1'],
    ...[...confined(formatInfo(format)?.demuxer ?? format), '-i', `file:${file.path}`],
    ...['-map', '0:a:0', '-vn', '-sn', '-dn', '-af', filters(rate), '-f', 'f32le', 'pipe:1'],
  ];
  const output = streamTool(tools.ffmpeg, args, { stallMs: STALL_MS, signal });
  let rest: Buffer = Buffer.alloc(0);
  let empty = true;
  try {
    let next = await output.next();
    for (; next.done !== true; next = await output.next()) {
      const bytes = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
      const whole = bytes.length - (bytes.length % SAMPLE_BYTES);
      rest = bytes.subarray(whole);
      if (whole === 0) continue;
      empty = false;
      yield samplesOf(bytes.subarray(0, whole));
    }
    const { code, stderr, stalled } = next.value;
    const reason = stderr.trim().split('\n').at(-1)?.replace(`file:${file.path}: `, '') ?? '';
    if (stalled) throw failed(`ffmpeg decoded nothing for ${STALL_MS} ms`);
    if (code === null) throw failed(`ffmpeg was ended: ${reason}`);
    if (code !== 0) throw unreadable(/matches no streams/.test(stderr) ? 'it holds no sound' : reason);
    if (empty) throw unreadable('it holds no sample of sound');
  } finally {
    await output.return({ code: null, stderr: '', stalled: false });
  }
}

/**
 * All samples of a sound, or the middle `most` of them; never holds more than those. What is longer is decoded twice,
 * for only its end tells where the middle is. Throws as `pcmChunks`.
 */
export async function middlePcm(
  source: Encoded,
  { rate, most }: { rate: number; most: number },
  tools: MediaTools,
  signal: AbortSignal,
): Promise<Float32Array> {
  const { pcm, length } = await cut(pcmChunks(source, rate, tools, signal), 0, most);
  if (length <= most) return pcm;
  const from = Math.floor((length - most) / 2);
  return (await cut(pcmChunks(source, rate, tools, signal), from, most, from + most)).pcm;
}

/** At most `most` samples from one on, and how many there are up to `until`. */
async function cut(
  chunks: AsyncGenerator<Float32Array, void>,
  from: number,
  most: number,
  until = Number.POSITIVE_INFINITY,
): Promise<{ pcm: Float32Array; length: number }> {
  const parts: Float32Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, from - length), Math.max(0, from + most - length));
    if (part.length > 0) parts.push(part);
    length += chunk.length;
    if (length >= until) break;
  }
  const pcm = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    pcm.set(part, at);
    at += part.length;
  }
  return { pcm, length };
}

/** Without `rematrix_maxval` a mix in floating point is louder than its channels. */
const filters = (rate: number): string =>
  `aresample=rematrix_maxval=1,aformat=sample_fmts=flt:sample_rates=${rate}:channel_layouts=mono`;

/** A copy, for bytes of a pipe lie anywhere in memory. */
function samplesOf(bytes: Buffer): Float32Array {
  const samples = new Float32Array(bytes.length / SAMPLE_BYTES);
  new Uint8Array(samples.buffer).set(bytes);
  return samples;
}

interface OnDisk extends AsyncDisposable {
  path: string;
}

/** Some formats keep at their end what is needed at the beginning, so bytes in memory get a file of their own. */
async function fileOf(source: Encoded): Promise<OnDisk> {
  if (!Buffer.isBuffer(source)) return { path: source.path, [Symbol.asyncDispose]: async () => {} };
  const base = tmpdir();
  try {
    const folder = await mkdtemp(join(base, 'sluice-sound-'));
    const path = join(folder, 'sound');
    await writeFile(path, source);
    return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  } catch (error) {
    throw writeFailure(error, base);
  }
}

const unreadable = (why: string, cause?: unknown): RejectedItemError =>
  new RejectedItemError('EMBED_UNREADABLE', `the sound cannot be decoded: ${why}`, { cause });

const failed = (why: string): RetryableError =>
  new RetryableError('EMBED_FAILED', `the sound could not be decoded: ${why}`);

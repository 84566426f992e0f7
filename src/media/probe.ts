import { open } from 'node:fs/promises';
import type { Code } from '../model/codes.ts';
import type { Payload } from '../model/contracts.ts';
import { RejectedItemError } from '../model/errors.ts';
import type { MediaInfo } from '../model/input.ts';
import type { Kind } from '../model/kind.ts';
import { probeAv } from './av.ts';
import { bufferSource, fileSource } from './byte-source.ts';
import { formatInfo } from './formats.ts';
import { probeImage } from './image.ts';
import { invalidBytes } from './invalid.ts';
import type { Sniffed } from './sniff.ts';
import { checkText } from './text.ts';
import type { MediaTools } from './tools.ts';
import { probeWav } from './wav.ts';

export type { MediaTools } from './tools.ts';

export interface ProbeOptions {
  check: 'header' | 'decode';
  /** Largest width × height of an image. */
  maxPixels: number;
  /** Asked for only when an item needs ffprobe, so that a folder of images needs none installed. */
  tools(): Promise<MediaTools>;
  /** Longest time of one decode or process, in milliseconds. */
  timeoutMs?: number;
  signal: AbortSignal;
}

export interface Probed {
  /** By content: a video container that holds sound alone is audio, under the name that `media.format` gives. */
  kind: Kind;
  media: MediaInfo;
  warnings: Code[];
}

const TIMEOUT_MS = 60_000;

/** Whether a format is probed as a file, because ffprobe must seek in it; everything else is probed in memory. */
export const needsFile = (format: string): boolean => formatInfo(format)?.demuxer !== undefined;

/**
 * Finds out what an item is and that its bytes are what they claim.
 *
 * Throws RejectedItemError ALL_INPUT_INVALID_BYTES, INPUT_OVER_LIMIT (pixels) or INPUT_UNSUPPORTED_FORMAT;
 * RetryableError MEDIA_PROBE_FAILED; FatalError MEDIA_TOOL_MISSING; the signal's reason.
 */
export async function probe(
  { format, kind }: Sniffed,
  payload: Exclude<Payload, { unchanged: true }>,
  options: ProbeOptions,
): Promise<Probed> {
  options.signal.throwIfAborted();
  const { check, maxPixels, signal, timeoutMs = TIMEOUT_MS } = options;
  if (format === 'empty') throw invalidBytes('the file is empty');
  if (kind === undefined) throw new RejectedItemError('INPUT_UNSUPPORTED_FORMAT', `${format} is no input`);
  if (format === 'wav') return { kind, media: await wavInfo(payload), warnings: [] };
  if (kind === 'text') return { kind, media: checkText(inMemory(payload)), warnings: [] };
  if (kind === 'image') {
    return {
      kind,
      ...(await probeImage(inMemory(payload), format, { check, maxPixels, timeoutMs, signal })),
    };
  }
  const tools = await options.tools();
  return { ...(await probeAv(onDisk(payload), format, { tools, timeoutMs, signal })), warnings: [] };
}

async function wavInfo(payload: { buffer: Buffer } | { spool: string }): Promise<MediaInfo> {
  if ('buffer' in payload) return probeWav(bufferSource(payload.buffer));
  const file = await open(payload.spool);
  try {
    return await probeWav(await fileSource(file));
  } finally {
    await file.close();
  }
}

function inMemory(payload: { buffer: Buffer } | { spool: string }): Buffer {
  if ('buffer' in payload) return payload.buffer;
  throw new TypeError('images and texts are probed in memory');
}

function onDisk(payload: { buffer: Buffer } | { spool: string }): string {
  if ('spool' in payload) return payload.spool;
  throw new TypeError('video and audio are probed as files');
}

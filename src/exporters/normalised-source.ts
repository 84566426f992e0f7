import { createHash, hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, writeFailure } from '../io/disk-errors.ts';
import { formatInfo } from '../media/formats.ts';
import { AS_WAV, asMp4OfSize } from '../media/repair/av.ts';
import { ffmpeg } from '../media/repair/ffmpeg.ts';
import { convertImage } from '../media/repair/image.ts';
import { findTools, type MediaTools } from '../media/tools.ts';
import type { ConceptDefinition } from '../model/annotation.ts';
import type { Context } from '../model/contracts.ts';
import type { DatasetVersion } from '../model/dataset.ts';
import { RejectedItemError, RetryableError } from '../model/errors.ts';
import type { Converted, ExportSource, MediaSource } from '../model/export.ts';
import type { Input, MediaInfo } from '../model/input.ts';
import type { NormalFormat } from './normal-formats.ts';
import { assertWhole, readMedia } from './read-media.ts';

/**
 * A source whose media are converted when they are asked for. Its inputs have the format that their media will have, in
 * the same size, so that names and annotations are right from the start; hash and size are known with the media only
 * (`MediaSource.converted`). Media in a wanted format already are untouched.
 */
export class NormalisedSource implements ExportSource {
  readonly #source: ExportSource;
  readonly #wanted: readonly NormalFormat[];
  readonly #folder: string;
  readonly #ctx: Context;
  /** As they are in the version, of those that are to be converted. */
  readonly #originals = new WeakMap<Input, Input>();
  #tools: Promise<MediaTools> | undefined;

  /** `folder`: where files are made that are under way. */
  constructor(source: ExportSource, wanted: readonly NormalFormat[], folder: string, ctx: Context) {
    this.#source = source;
    this.#wanted = wanted;
    this.#folder = folder;
    this.#ctx = ctx;
  }

  get version(): DatasetVersion {
    return this.#source.version;
  }

  get concepts(): readonly ConceptDefinition[] {
    return this.#source.concepts;
  }

  async *inputs(options?: { after?: string }): AsyncGenerator<Input, void, void> {
    for await (const input of this.#source.inputs(options)) {
      const format = this.#formatFor(input);
      if (format === undefined) {
        yield input;
        continue;
      }
      const converted = { ...input, media: mediaOf(input.media, format) };
      this.#originals.set(converted, input);
      yield converted;
    }
  }

  /** Throws RejectedItemError INPUT_NOT_FOUND, ALL_INPUT_INVALID_BYTES or REPAIR_FAILED, FatalError MEDIA_TOOL_MISSING. */
  async media(input: Input): Promise<MediaSource> {
    const original = this.#originals.get(input);
    if (original === undefined) return this.#source.media(input);
    const media = await this.#source.media(original);
    try {
      return await this.#converted(original, media, input.media.format as NormalFormat);
    } catch (error) {
      this.#ctx.signal.throwIfAborted();
      if (!(error instanceof RetryableError)) throw error;
      throw new RejectedItemError(error.code, error.message, { cause: error });
    }
  }

  /** The first wanted format of the kind; undefined for what stays as it is. */
  #formatFor({ kind, media }: Input): NormalFormat | undefined {
    const ofKind = this.#wanted.filter((format) => formatInfo(format)?.kind === kind);
    return ofKind.some((format) => format === media.format) ? undefined : ofKind[0];
  }

  async #converted(original: Input, media: MediaSource, format: NormalFormat): Promise<MediaSource> {
    const { sha256, bytes } = original;
    const repair = { originalSha256: sha256, originalBytes: bytes };
    if (format === 'jpeg' || format === 'png') {
      const buffer = await convertImage(await readMedia(media), original.media.format, format);
      const converted: Converted = {
        sha256: hash('sha256', buffer, 'hex'),
        bytes: buffer.length,
        repair: { steps: ['reencode'], ...repair },
        release: async () => {},
      };
      return { buffer, converted };
    }
    const path = join(this.#folder, `${randomUUID()}.${format}`);
    const release = () => rm(path, { force: true });
    try {
      await this.#transcode(original.media, media, format, path);
      const made = { sha256: await sha256Of(path), bytes: (await stat(path)).size };
      const converted: Converted = { ...made, repair: { steps: ['transcode'], ...repair }, release };
      return { path, bytes: made.bytes, converted };
    } catch (error) {
      await release();
      throw errnoOf(error) === undefined ? error : writeFailure(error, path);
    }
  }

  async #transcode(info: MediaInfo, media: MediaSource, format: 'wav' | 'mp4', to: string): Promise<void> {
    const { signal, searchPath = '' } = this.#ctx;
    this.#tools ??= findTools({ path: searchPath });
    const tools = await this.#tools;
    const output = [...(format === 'wav' ? AS_WAV : asMp4OfSize(info)), `file:${to}`];
    if ('path' in media) {
      await assertWhole(media);
      await ffmpeg(media.path, info.format, output, { tools, signal });
      return;
    }
    const from = `${to}.original`;
    try {
      await writeFile(from, media.buffer);
      await ffmpeg(from, info.format, output, { tools, signal });
    } finally {
      await rm(from, { force: true });
    }
  }
}

/** What is known of media before they are converted. */
function mediaOf(media: MediaInfo, format: NormalFormat): MediaInfo {
  if (format === 'wav' || format === 'mp4')
    return { ...media, format, codec: format === 'wav' ? 'pcm_s16le' : 'h264' };
  const { width, height } = media;
  return {
    format,
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
    orientation: 1,
  };
}

async function sha256Of(path: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(path), digest);
  return digest.digest('hex');
}

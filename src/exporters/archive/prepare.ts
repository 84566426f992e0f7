import { readFile, stat } from 'node:fs/promises';
import { encodeInput } from '../../formats/clarifai-proto/encode.ts';
import { inputMessage, type MediaPlace } from '../../formats/clarifai-proto/input-message.ts';
import { inputJson } from '../../formats/clarifai-proto/json.ts';
import { errnoOf } from '../../io/disk-errors.ts';
import { RejectedItemError, type SluiceError } from '../../model/errors.ts';
import type { ExportSource, MediaSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import type { Outcome } from '../../model/outcome.ts';
import { failedOutcome, inputOutcome } from '../input-outcome.ts';
import type { ArchiveKind, ArchiveOptions } from './options.ts';
import type { PreparedInput } from './round.ts';

/** The input as it is to be written, or its outcome where it cannot be. Only FatalError is thrown. */
export async function prepareInput(
  input: Input,
  source: ExportSource,
  options: ArchiveOptions,
  kind: ArchiveKind,
): Promise<PreparedInput | Outcome> {
  try {
    const full = await withText(input, source);
    const media = full.kind === 'text' && options.media === 'embed' ? undefined : await mediaOf(full, source);
    const vectors = options.includeEmbeddings ? ((await source.embeddings?.(input)) ?? []) : [];
    const place = placeOf(full, options, media);
    const { message, losses } = await inputMessage(full, place, vectors, kind.flavour);
    const pieces = kind.name === 'json' ? inputJson(message, input.kind) : encodeInput(message);
    const bytes = pieces.reduce((sum, piece) => sum + ('outside' in piece ? piece.outside : piece.length), 0);
    if (bytes > kind.maxInputBytes) return tooLarge(input, bytes, kind);
    return {
      pieces,
      ...(media === undefined ? {} : { media }),
      bytes,
      split: input.split,
      annotations: input.annotations.length,
      losses,
    };
  } catch (error) {
    return failedOutcome(input, error);
  }
}

/** A text whose characters are not with its row is one whose bytes are a blob. */
async function withText(input: Input, source: ExportSource): Promise<Input> {
  if (input.kind !== 'text' || input.text !== undefined) return input;
  const media = await source.media(input);
  const bytes = 'buffer' in media ? media.buffer : await readFile(media.path);
  return { ...input, text: bytes.toString() };
}

/** Looked at before it is promised a place in an entry: one file that is gone must not stop the others. */
async function mediaOf(input: Input, source: ExportSource): Promise<MediaSource> {
  const media = await source.media(input);
  if ('buffer' in media) return media;
  const missing = (what: string, cause?: unknown): SluiceError =>
    new RejectedItemError('INPUT_NOT_FOUND', `the bytes of ${input.id} ${what}`, { cause });
  const { size } = await stat(media.path).catch((error: unknown) => {
    throw missing(`cannot be read (${errnoOf(error) ?? 'unknown error'})`, error);
  });
  if (size !== media.bytes) throw missing(`are ${size} where ${media.bytes} were stored`);
  return media;
}

function placeOf(
  { kind, sha256 }: Input,
  { hostedPrefix }: ArchiveOptions,
  media: MediaSource | undefined,
): MediaPlace {
  if (hostedPrefix !== undefined) {
    const prefix = hostedPrefix.replace(/\/+$/, '');
    return { hosted: { prefix, suffix: `${sha256.slice(0, 2)}/${sha256}` } };
  }
  if (kind === 'text' || media === undefined) return {};
  return { outside: { outside: 'buffer' in media ? media.buffer.length : media.bytes } };
}

const tooLarge = (input: Input, measured: number, archive: ArchiveKind): Outcome =>
  inputOutcome(input, 'EXPORT_UNSUPPORTED', {
    message: `${input.id} takes ${measured} bytes as a message; one of a ${archive.name} archive has at most ${archive.maxInputBytes}`,
    measured,
    limit: archive.maxInputBytes,
  });

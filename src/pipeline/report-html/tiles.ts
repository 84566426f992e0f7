import type { Readable } from 'node:stream';
import PQueue from 'p-queue';
import type { MediaTools } from '../../media/tools.ts';
import type { Annotation } from '../../model/annotation.ts';
import type { Context } from '../../model/contracts.ts';
import { asError } from '../../model/errors.ts';
import type { Input } from '../../model/input.ts';
import type { LocalReader } from '../../stores/index.ts';
import { avPicture } from './av-picture.ts';
import { ClassColours } from './colours.ts';
import type { Example } from './digest.ts';
import { maskPicture } from './mask-picture.ts';
import { type Picture, thumbnail } from './pictures.ts';

/** An input of the gallery. */
export interface Tile {
  input: Input;
  /** The image, a frame of the video, or the wave form of the sound. */
  picture?: Picture;
  /** Annotations whose regions belong over the picture: of a video, those of the frame that is shown. */
  drawn: readonly Annotation[];
  masks?: Picture;
  /** The beginning of a text. */
  excerpt?: string;
}

export interface TileSources {
  reader: LocalReader;
  /** Videos and sounds have no pictures without. */
  tools?: (() => Promise<MediaTools>) | undefined;
}

/** Larger items are shown without a picture, in bytes. */
const MAX_BYTES = 64_000_000;
const EXCERPT_BYTES = 4_000;
const CONCURRENCY = 4;

/** The chosen inputs as the store has them now; those that are gone are left out. Throws the signal's reason. */
export async function makeTiles(
  examples: readonly Example[],
  sources: TileSources,
  ctx: Context,
): Promise<{ tiles: Tile[]; colours: ClassColours }> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const inputs = await queue.addAll(
    examples.map(
      ({ inputId }) =>
        () =>
          inputId === undefined ? undefined : sources.reader.getInput(inputId),
    ),
  );
  const found = inputs.filter((input) => input !== undefined);
  const colours = new ClassColours(found.flatMap(({ annotations }) => annotations));
  const tiles = await queue.addAll(found.map((input) => () => makeTile(input, sources, colours, ctx)));
  return { tiles, colours };
}

/** `atMs`: of the frame of a video that is shown, where it is not that of its regions. */
export async function makeTile(
  input: Input,
  sources: TileSources,
  colours: ClassColours,
  ctx: Context,
  atMs?: number,
): Promise<Tile> {
  ctx.signal.throwIfAborted();
  const shown: Tile = { input, drawn: drawnOf(input) };
  try {
    if (input.kind === 'text') return { ...shown, excerpt: input.text ?? (await beginning(input, sources)) };
    if (input.bytes > MAX_BYTES) return shown;
    const picture = await pictureOf(input, atMs ?? shownAt(shown), sources, ctx);
    const masks = picture && (await maskPicture(shown.drawn, picture, colours));
    return { ...shown, ...(picture && { picture }), ...(masks && { masks }) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    // A tile without its picture still says what the item is.
    ctx.logger.debug({ error: asError(error), input: input.id }, 'no picture for the report');
    return shown;
  }
}

async function pictureOf(
  input: Input,
  atMs: number,
  { reader, tools }: TileSources,
  { signal }: Context,
): Promise<Picture | undefined> {
  const { id, kind, media } = input;
  if (kind === 'image') return thumbnail(await allOf(await reader.openBytes(id)));
  if (tools === undefined || (kind !== 'video' && kind !== 'audio')) return undefined;
  const request = { format: media.format, kind, atMs, tools: await tools(), signal };
  return avPicture(await reader.openBytes(id), request);
}

const shownAt = ({ input: { media }, drawn }: Tile): number =>
  drawn[0]?.frame?.timeMs ?? (media.durationMs ?? 0) / 3;

/** Regions of a video belong to frames; the frame of the first one is shown, with all that is on it. */
function drawnOf({ kind, annotations }: Input): Annotation[] {
  const regions = annotations.filter(({ region }) => region !== undefined);
  if (kind !== 'video') return regions;
  const at = regions.find(({ frame }) => frame !== undefined)?.frame?.timeMs;
  return regions.filter(({ frame }) => frame !== undefined && frame.timeMs === at);
}

async function allOf(bytes: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of bytes) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Of a text that is too long to be in its row. */
async function beginning({ id }: Input, { reader }: TileSources): Promise<string> {
  for await (const part of await reader.openBytes(id)) {
    return Buffer.from(part as Buffer)
      .subarray(0, EXCERPT_BYTES)
      .toString();
  }
  return '';
}

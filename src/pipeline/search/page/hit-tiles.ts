import PQueue from 'p-queue';
import type { MediaTools } from '../../../media/tools.ts';
import type { Context } from '../../../model/contracts.ts';
import { asError } from '../../../model/errors.ts';
import type { Input } from '../../../model/input.ts';
import type { LocalReader } from '../../../stores/index.ts';
import { ClassColours } from '../../report-html/colours.ts';
import { makeTile, type Tile } from '../../report-html/tiles.ts';
import type { SearchHit } from '../result.ts';
import { audioPreview } from './audio-preview.ts';

/** A hit as the page shows it. */
export interface HitTile {
  hit: SearchHit;
  tile: Tile;
  /** A data URI. */
  sound?: string;
}

export interface HitSources {
  reader: LocalReader;
  tools: () => Promise<MediaTools>;
}

const CONCURRENCY = 4;
/** Larger sounds get no player, in bytes. */
const MAX_SOUND_BYTES = 64_000_000;

/** Inputs that are gone meanwhile are left out. Throws the signal's reason. */
export async function makeHitTiles(
  hits: readonly SearchHit[],
  sources: HitSources,
  ctx: Context,
): Promise<{ tiles: HitTile[]; colours: ClassColours }> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const found = await queue.addAll(
    hits.map((hit) => async () => {
      const input = await sources.reader.getInput(hit.id);
      return input && { hit, input: shownOf(input, hit) };
    }),
  );
  const shown = found.filter((each) => each !== undefined);
  const colours = new ClassColours(shown.flatMap(({ input }) => input.annotations));
  const tiles = await queue.addAll(
    shown.map(({ hit, input }) => async () => {
      const tile = await makeTile(input, sources, colours, ctx, hit.timeMs);
      const sound = input.kind === 'audio' ? await soundOf(input, sources, ctx) : undefined;
      return { hit, tile, ...(sound === undefined ? {} : { sound }) };
    }),
  );
  return { tiles, colours };
}

/** Of a region that box only; of an input none, for it was found as a whole. */
const shownOf = (input: Input, { annotation }: SearchHit): Input => ({
  ...input,
  annotations: input.annotations.filter(({ id }) => id === annotation?.id),
});

async function soundOf(
  { id, bytes, media: { format } }: Input,
  { reader, tools }: HitSources,
  { signal, logger }: Context,
): Promise<string | undefined> {
  if (bytes > MAX_SOUND_BYTES) return undefined;
  try {
    return await audioPreview(await reader.openBytes(id), { format, tools: await tools(), signal });
  } catch (error) {
    signal.throwIfAborted();
    logger.debug({ error: asError(error), input: id }, 'no preview for the page');
    return undefined;
  }
}

import { loadSharp } from '../../media/native.ts';
import type { Context } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';
import type { ExportSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import { Sample } from '../report-html/sample.ts';

/** Pixels of a tile's side, and between tiles. */
const TILE = 192;
const GAP = 8;
const COLUMNS = 4;
const TILES = 8;
/** Inputs that are looked at: a card must not cost another reading of the whole version. */
const LOOKED_AT = 2_000;
/** Larger images get no tile. */
const MAX_PIXELS = 120e6;
const MAX_SECONDS = 10;

/**
 * One picture of a few images of a version as a JPEG; undefined where none can be drawn. One file, because it is no part
 * of the data; the same version gives the same picture.
 */
export async function sampleSheet(source: ExportSource, { signal }: Context): Promise<Buffer | undefined> {
  const tiles: Buffer[] = [];
  for (const input of await chosen(source)) {
    signal.throwIfAborted();
    const tile = await tileOf(source, input);
    if (tile !== undefined) tiles.push(tile);
  }
  if (tiles.length === 0) return undefined;
  const columns = Math.min(COLUMNS, tiles.length);
  const rows = Math.ceil(tiles.length / columns);
  const side = (count: number) => count * (TILE + GAP) - GAP;
  const sharp = await loadSharp();
  return sharp({ create: { width: side(columns), height: side(rows), channels: 3, background: '#ffffff' } })
    .composite(
      tiles.map((input, i) => ({
        input,
        left: (i % columns) * (TILE + GAP),
        top: Math.floor(i / columns) * (TILE + GAP),
      })),
    )
    .jpeg({ quality: 80 })
    .toBuffer();
}

async function chosen(source: ExportSource): Promise<Input[]> {
  if ((source.version.inputsByKind.image ?? 0) === 0) return [];
  const sample = new Sample<Input>(TILES);
  let seen = 0;
  for await (const input of source.inputs()) {
    if (input.kind === 'image') sample.offer(input.id, () => input);
    if (++seen === LOOKED_AT) break;
  }
  return sample.inOrder;
}

async function tileOf(source: ExportSource, input: Input): Promise<Buffer | undefined> {
  const sharp = await loadSharp();
  try {
    const media = await source.media(input);
    return await sharp('path' in media ? media.path : media.buffer, {
      failOn: 'none',
      limitInputPixels: MAX_PIXELS,
    })
      .autoOrient()
      .resize(TILE, TILE, { fit: 'cover' })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .timeout({ seconds: MAX_SECONDS })
      .png()
      .toBuffer();
  } catch (error) {
    if (error instanceof FatalError) throw error;
    // A file that is gone or cannot be decoded has its outcome; the picture only lacks it.
    return undefined;
  }
}

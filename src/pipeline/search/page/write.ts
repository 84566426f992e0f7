import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../../../io/atomic.ts';
import { writeFailure } from '../../../io/disk-errors.ts';
import { findTools, type MediaTools } from '../../../media/tools.ts';
import { openReader } from '../../../stores/index.ts';
import { contextOf, environment, type RunEnvironment } from '../../environment.ts';
import { PictureBudget } from '../../report-html/picture-budget.ts';
import { type Picture, thumbnail } from '../../report-html/pictures.ts';
import type { SearchQuery } from '../request.ts';
import type { SearchResult } from '../result.ts';
import { makeHitTiles } from './hit-tiles.ts';
import { renderSearch } from './render.ts';

/** More would make the page heavy, and nobody looks at them. */
const SHOWN = 200;
/** Of all embedded sounds together, in characters. */
const MAX_SOUND_CHARS = 1_600_000;

export interface PageRequest {
  store: string;
  query: SearchQuery;
  /** A file of its own in the system's temporary folder unless given. */
  file?: string | undefined;
}

/** Writes the hits of a search as one HTML file that loads nothing, and gives its absolute path. */
export async function writeSearchPage(
  result: SearchResult,
  { store, query, file }: PageRequest,
  given: Partial<RunEnvironment> = {},
): Promise<string> {
  const env = environment(given);
  const ctx = contextOf(env);
  let found: Promise<MediaTools> | undefined;
  const tools = () => (found ??= findTools({ path: env.searchPath }));
  const reader = await openReader(store);
  try {
    const made = await makeHitTiles(result.hits.slice(0, SHOWN), { reader, tools }, ctx);
    const pictures = new PictureBudget();
    let sounds = MAX_SOUND_CHARS;
    const tiles = made.tiles.map(({ hit, tile, sound }) => {
      const fits = sound !== undefined && sound.length <= sounds;
      if (fits) sounds -= sound.length;
      return { hit, tile: pictures.tile(tile), ...(fits ? { sound } : {}) };
    });
    const page = renderSearch({ result, tiles, colours: made.colours, query: await pictureOf(query) });
    const path = resolve(file ?? join(await mkdtemp(join(tmpdir(), 'sluice-search-')), 'search.html'));
    try {
      await writeFileAtomic(path, page);
    } catch (error) {
      throw writeFailure(error, path);
    }
    return path;
  } finally {
    reader.close();
  }
}

const pictureOf = async (query: SearchQuery): Promise<Picture | undefined> =>
  'image' in query && query.image !== undefined ? thumbnail(query.image) : undefined;

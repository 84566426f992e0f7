import type { Picture } from './pictures.ts';
import type { Tile } from './tiles.ts';

/** Of all data URIs together, in characters: the page stays easy to send. */
const MAX_CHARS = 2_200_000;

/** Gives room to pictures in the order of the page; when it is used up, the rest go without. */
export class PictureBudget {
  #left = MAX_CHARS;

  tile(tile: Tile): Tile {
    const { picture, masks, ...rest } = tile;
    if (picture === undefined || !this.#fits(picture)) return rest;
    return { ...rest, picture, ...(masks !== undefined && this.#fits(masks) ? { masks } : {}) };
  }

  /** In the order of their uris. */
  pictures(pictures: ReadonlyMap<string, Picture>): Map<string, Picture> {
    const ordered = [...pictures].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(ordered.filter(([, picture]) => this.#fits(picture)));
  }

  #fits({ uri }: Picture): boolean {
    if (uri.length > this.#left) return false;
    this.#left -= uri.length;
    return true;
  }
}

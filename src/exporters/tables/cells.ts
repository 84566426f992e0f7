import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatInfo } from '../../media/formats.ts';
import { RejectedItemError } from '../../model/errors.ts';
import type { ExportSource } from '../../model/export.ts';
import type { Input } from '../../model/input.ts';
import { entryKey } from '../entry-key.ts';
import { copyMedia, isCopied } from '../media-copy.ts';
import { readMedia, sizeOfMedia } from '../read-media.ts';
import { hasFile, type MediaMode } from './columns.ts';
import type { MediaCell } from './rows.ts';

/** Beside the tables, with `media: files`. */
export const MEDIA_FOLDER = 'media';
/** Most bytes in a cell: what the platform takes as a video. Readers hold a cell in memory as a whole. */
const MAX_CELL_BYTES = 300_000_000;

/** Makes the media cells of the rows of a table in `folder`. */
export class MediaCells {
  readonly #source: ExportSource;
  readonly #folder: string;
  readonly #mode: MediaMode;

  private constructor(source: ExportSource, folder: string, mode: MediaMode) {
    this.#source = source;
    this.#folder = join(folder, MEDIA_FOLDER);
    this.#mode = mode;
  }

  static async create(source: ExportSource, folder: string, mode: MediaMode): Promise<MediaCells> {
    const cells = new MediaCells(source, folder, mode);
    if (mode === 'files') await mkdir(cells.#folder, { recursive: true });
    return cells;
  }

  /** Undefined where the row has no media. Throws RejectedItemError INPUT_NOT_FOUND or EXPORT_UNSUPPORTED. */
  async of(input: Input): Promise<MediaCell | undefined> {
    if (this.#mode === 'none' || !hasFile(input.kind)) return undefined;
    const name = nameOf(input);
    const source = await this.#source.media(input);
    if (this.#mode === 'files') {
      await copyMedia(source, join(this.#folder, name));
      return { bytes: null, path: `${MEDIA_FOLDER}/${name}` };
    }
    const size = sizeOfMedia(source);
    if (size > MAX_CELL_BYTES) {
      const message = `a cell holds at most ${MAX_CELL_BYTES} bytes, it has ${size}; files beside the table may have more`;
      throw new RejectedItemError('EXPORT_UNSUPPORTED', message, { measured: size, limit: MAX_CELL_BYTES });
    }
    return { bytes: await readMedia(source), path: name };
  }

  /** Makes good what a power cut took of the file of an input that an earlier attempt exported. */
  async restore(input: Input): Promise<void> {
    if (this.#mode !== 'files' || !hasFile(input.kind)) return;
    const to = join(this.#folder, nameOf(input));
    if (await isCopied(to, input.bytes)) return;
    await copyMedia(await this.#source.media(input), to);
  }
}

function nameOf({ id, media }: Input): string {
  const extension = formatInfo(media.format)?.extensions[0];
  return extension === undefined ? entryKey(id) : `${entryKey(id)}.${extension}`;
}

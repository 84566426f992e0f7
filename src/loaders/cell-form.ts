import type { ManifestInput } from './manifest-input.ts';

/** What the cells of an input column are. */
export type CellForm = 'raw' | 'url' | 'file';

/** Cells that are looked at to tell their form. */
export const SAMPLE_CELLS = 20;

const URL_CELL = /^https?:\/\/\S+$/i;
const PATH_CELL = /^[^\r\n\0]{1,1024}$/;
const HAS_EXTENSION = /\.[a-z0-9]{2,5}$/i;

/** How the form is known: as a phrase to show. */
export interface TypeOfCells {
  form: CellForm;
  because: string;
}

/**
 * What the first cells, trimmed and not empty, show: URLs when every cell is one; files when every cell may be a path
 * and one of them is there, or all end like file names; else texts.
 */
export async function formOfCells(
  cells: readonly string[],
  resolveFile: ManifestInput['resolveFile'],
): Promise<TypeOfCells> {
  const because = `as the first ${cells.length === 1 ? 'row shows' : `${cells.length} rows show`}`;
  if (cells.length === 0) return { form: 'raw', because: 'no row shows otherwise' };
  if (cells.every((cell) => URL_CELL.test(cell))) return { form: 'url', because };
  if (!cells.every((cell) => PATH_CELL.test(cell) && !URL_CELL.test(cell))) return { form: 'raw', because };
  if (cells.every((cell) => HAS_EXTENSION.test(cell))) return { form: 'file', because };
  const files = await Promise.all(cells.map((cell) => resolveFile(cell)));
  return { form: files.some((file) => !('code' in file)) ? 'file' : 'raw', because };
}

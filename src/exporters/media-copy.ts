import { access, constants, copyFile, rm, stat, writeFile } from 'node:fs/promises';
import { errnoOf, writeFailure } from '../io/disk-errors.ts';
import type { KeyTable } from '../io/key-table.ts';
import { percentDecoded } from '../io/redact.ts';
import { extensionDisagrees, formatInfo } from '../media/formats.ts';
import { asError, RejectedItemError } from '../model/errors.ts';
import type { MediaSource } from '../model/export.ts';
import { shortHash } from '../model/ids.ts';
import type { Input } from '../model/input.ts';

/** Of UTF-8, so that a suffix and an extension still fit the 255 of every common file system. */
const MAX_STEM_BYTES = 180;
/** What Windows takes for a device, whatever the extension is. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no file name may have
const FORBIDDEN = /[\x00-\x1f\x7f<>:"/\\|?*]/g;

/**
 * The name that a file of an export gets: the last part of the input's uri, made safe for Linux, macOS and Windows, with
 * the extension of its real format. A row of a table has no name of its own and goes by its id.
 *
 * Within `folder` no two names differ by letter case, Unicode form or extension alone, for many readers know an image by
 * its name without it: the first in the order of the export gets the plain name, each later one a suffix, 80 bits of a
 * hash of its id. `taken` remembers them for one export, in flat memory.
 */
export function mediaName(input: Pick<Input, 'id' | 'uri' | 'media'>, taken: KeyTable, folder = ''): string {
  const { stem, extension } = partsOf(ownName(input), input.media.format);
  return claim(folder, stem, input.id, taken) + extension;
}

/** A name that is safe as a folder's or a part of a file's, such as that of a split; unique as above. */
export function safeName(name: string, taken: KeyTable, folder = ''): string {
  return claim(folder, safeStem(name), name, taken);
}

function claim(folder: string, stem: string, id: string, taken: KeyTable): string {
  let name = stem;
  for (let attempt = 0; !taken.set(`${folder}/${folded(name)}`); attempt++)
    name = `${stem}-${shortHash(attempt === 0 ? id : `${id}\n${attempt}`)}`;
  return name;
}

/** What no file system tells apart is one. */
const folded = (name: string): string => name.normalize('NFKC').toUpperCase().toLowerCase();

/** The name that the input had where it came from; `x.csv#L12` is none. */
function ownName({ id, uri }: Pick<Input, 'id' | 'uri'>): string {
  if (/#L\d+(?:#\d+)?$/.test(uri)) return id;
  const path = uri.replace(/#\d+$/, '').slice(uri.lastIndexOf('!/') === -1 ? 0 : uri.lastIndexOf('!/') + 2);
  const name = path.slice(path.lastIndexOf('/') + 1);
  return path.startsWith('./') ? percentDecoded(name) : name;
}

function partsOf(name: string, format: string): { stem: string; extension: string } {
  const usual = formatInfo(format)?.extensions[0];
  const dot = name.lastIndexOf('.');
  const claimed = dot > 0 ? name.slice(dot + 1).toLowerCase() : '';
  const isRight = formatInfo(format)?.extensions.includes(claimed) === true;
  if (isRight) return { stem: safeStem(name.slice(0, dot)), extension: name.slice(dot) };
  const stem = extensionDisagrees(name, format) && dot > 0 ? name.slice(0, dot) : name;
  return { stem: safeStem(stem), extension: usual === undefined ? '' : `.${usual}` };
}

function safeStem(name: string): string {
  let stem = name.toWellFormed().normalize('NFC').replace(FORBIDDEN, '_');
  while (Buffer.byteLength(stem) > MAX_STEM_BYTES) stem = [...stem].slice(0, -1).join('');
  // Leading dots hide a file; Windows drops dots and spaces at the end.
  stem = stem.replace(/^[.\s]+/, '_').replace(/[.\s]+$/, '_');
  if (stem === '') return '_';
  return DEVICE.test(stem.split('.')[0]!.trim()) ? `_${stem}` : stem;
}

/**
 * Copies the bytes of an input into a file of an export, as a copy-on-write clone where the file system has that; a file
 * that is there is replaced. Not synced: whoever goes on after a power cut compares sizes (`isCopied`).
 *
 * What was converted for it goes. Throws RejectedItemError INPUT_NOT_FOUND when the bytes are gone or cut off, FatalError
 * STORE_FULL or STORE_WRITE_FAILED when the file cannot be written.
 */
export async function copyMedia(source: MediaSource, to: string): Promise<void> {
  try {
    await copyTo(source, to);
  } finally {
    await source.converted?.release();
  }
}

async function copyTo(source: MediaSource, to: string): Promise<void> {
  if ('buffer' in source) {
    await writeFile(to, source.buffer).catch((error: unknown) => {
      throw writeFailure(error, to);
    });
    return;
  }
  const { path, bytes } = source;
  try {
    await copyFile(path, to, constants.COPYFILE_FICLONE).catch(async (error: unknown) => {
      // A copy has the permissions of its source: an earlier one may be read-only.
      if (!['EACCES', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
      await rm(to, { force: true });
      await copyFile(path, to, constants.COPYFILE_FICLONE);
    });
  } catch (error) {
    await rm(to, { force: true });
    const unreadable = await access(path, constants.R_OK).then(() => undefined, asError);
    if (unreadable === undefined) throw writeFailure(error, to);
    throw new RejectedItemError('INPUT_NOT_FOUND', `its bytes cannot be read: ${unreadable.message}`, {
      cause: error,
    });
  }
  const { size } = await stat(to);
  if (size === bytes) return;
  await rm(to, { force: true });
  throw new RejectedItemError('INPUT_NOT_FOUND', 'its bytes are not all there', {
    measured: size,
    limit: bytes,
  });
}

/** Whether a file has as many bytes as it is to have. */
export async function isCopied(path: string, bytes: number): Promise<boolean> {
  try {
    return (await stat(path)).size === bytes;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

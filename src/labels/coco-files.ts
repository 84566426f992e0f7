import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { errnoOf } from '../io/disk-errors.ts';
import { rawUri, toRaw } from '../io/raw-path.ts';
import { FatalError } from '../model/errors.ts';

/** What the tools of COCO put before the split in the name of a file. */
const TASK = /^(?:instances|person_keypoints|stuff|captions|labels|image_info|panoptic)_(.+)$/;
const ROBOFLOW = '_annotations.coco.json';

/** A COCO file that is to be read. */
export interface CocoPlace {
  path: string;
  /** As messages and references show it: relative to the source, where it lies inside. */
  name: string;
  /** Of the file as an item of the source; undefined outside it. */
  uri: string | undefined;
  split: string | undefined;
  /** Folders that names of images may be relative to, the likeliest first; '' for the source itself. */
  prefixes: string[];
}

/** The files of that name, in the folder of the source. */
export function namedFiles(base: string, files: readonly string[], images: string | undefined): CocoPlace[] {
  return files.map((file) => placeOf(base, resolve(base, file), images));
}

/**
 * The files that look like COCO: `annotations/*.json`, and `_annotations.coco.json` in the folder itself or in its
 * subfolders, one for each split, as Roboflow has it. Throws FatalError SOURCE_NOT_FOUND when there are none.
 */
export async function detectedFiles(base: string, images: string | undefined): Promise<CocoPlace[]> {
  const paths: string[] = [];
  for (const name of await names(join(base, 'annotations'))) {
    if (name.endsWith('.json')) paths.push(join(base, 'annotations', name));
  }
  for (const folder of ['', ...(await names(base))]) {
    const path = join(base, folder, ROBOFLOW);
    if (await isFile(path)) paths.push(path);
  }
  if (paths.length === 0) {
    throw new FatalError(
      'SOURCE_NOT_FOUND',
      `no COCO file was found in ${base}, neither annotations/*.json nor ${ROBOFLOW}: name it with the option file`,
    );
  }
  return paths.sort().map((path) => placeOf(base, path, images));
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw new FatalError('SOURCE_NOT_FOUND', `the folder ${folder} cannot be read`, { cause: error });
  }
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );

function placeOf(base: string, path: string, images: string | undefined): CocoPlace {
  const inside = relative(base, path);
  const isInside = !isAbsolute(inside) && inside !== '..' && !inside.startsWith(`..${sep}`);
  const split = splitOf(inside);
  return {
    path,
    name: isInside ? inside.replaceAll(sep, '/') : path,
    uri: isInside ? rawUri(toRaw(inside)) : undefined,
    split,
    prefixes:
      images === undefined ? likelyFolders(isInside ? dirname(inside) : '', split) : [slashed(images)],
  };
}

/** `instances_train.json` is of the split `train`, as is what Roboflow puts into the folder `train`. */
function splitOf(path: string): string | undefined {
  if (basename(path) === ROBOFLOW) return dirname(path) === '.' ? undefined : basename(dirname(path));
  return TASK.exec(basename(path, extname(path)))?.[1];
}

/** Where the images of a COCO file in this folder of the source commonly are. */
function likelyFolders(folder: string, split: string | undefined): string[] {
  const here = slashed(folder);
  const root = basename(here) === 'annotations' ? slashed(dirname(here)) : here;
  const within = (name: string): string => slashed(join(root, name));
  const ofSplit = split === undefined ? [] : [within(`images/${split}`), within(split)];
  return [...new Set([...ofSplit, within('images'), within('data'), root, ''])];
}

/** A relative folder as uris have it: without `.`, `..` or a slash at its end. */
function slashed(folder: string): string {
  return folder
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .join('/')
    .normalize('NFC');
}

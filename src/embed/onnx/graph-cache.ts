import { hash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { constants, copyFile, link, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { externalFiles } from '../../formats/onnx/read.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';
import { FatalError } from '../../model/errors.ts';

/**
 * Path of a graph that is made once and kept: `<cacheDir>/graphs/<hash of key>/model.onnx`. It is there whole or not at
 * all, whoever makes it at the same time. `key`: all that the graph depends on, hashes of files and the revision of the
 * code that makes it. `original`: path of the file that it was made of, whose files of weights are linked in.
 *
 * Throws what `make` throws, or FatalError MODEL_NOT_FOUND for a file of weights, STORE_FULL, STORE_WRITE_FAILED.
 */
export async function cachedGraph(
  cacheDir: string,
  key: object,
  make: () => Promise<Uint8Array>,
  original?: string,
): Promise<string> {
  const folder = join(cacheDir, 'graphs', hash('sha256', JSON.stringify(key), 'hex').slice(0, 32));
  const path = join(folder, 'model.onnx');
  if (existsSync(path)) return path;
  const bytes = await make();
  const part = `${folder}.${randomUUID()}.part`;
  try {
    await mkdir(part, { recursive: true });
    if (original !== undefined) await linkWeights(bytes, original, part);
    await writeFileAtomic(join(part, basename(path)), bytes);
    await rename(part, folder);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    // Another process was first, with the same graph.
    if (!existsSync(path)) throw writeFailure(error, folder);
  }
  return path;
}

async function linkWeights(bytes: Uint8Array, original: string, folder: string): Promise<void> {
  for (const file of externalFiles(bytes, original)) {
    const source = resolve(dirname(original), file);
    if (relative(dirname(original), source).startsWith('..')) {
      throw new FatalError('MODEL_INVALID', `${original} wants weights from outside its folder: ${file}`);
    }
    const target = join(folder, file);
    await mkdir(dirname(target), { recursive: true });
    try {
      await linkFile(source, target);
    } catch (cause) {
      if (errnoOf(cause) !== 'ENOENT') throw cause;
      throw new FatalError('MODEL_NOT_FOUND', `the weights of ${original} are missing: ${source}`, { cause });
    }
  }
}

/** A second name where the file system allows that, else a copy: the engine refuses symbolic links out of the folder. */
async function linkFile(source: string, target: string): Promise<void> {
  const file = await realpath(source);
  try {
    await link(file, target);
  } catch {
    await copyFile(file, target, constants.COPYFILE_FICLONE);
  }
}

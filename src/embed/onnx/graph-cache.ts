import { hash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { constants, copyFile, link, mkdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { externalFiles } from '../../formats/onnx/read.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';
import { sha256Of } from '../../io/sha256.ts';
import { FatalError } from '../../model/errors.ts';

/** Beside a graph: the hash of its bytes. */
const SUM = 'model.sha256';

/**
 * Path of a graph that is made once and kept: `<cacheDir>/graphs/<hash of key>/model.onnx`. It is there whole or not at
 * all, whoever makes it at the same time; one that was damaged since is made again. `key`: all that the graph depends on, hashes of files and the revision of the
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
  if (await isWhole(path)) return path;
  const bytes = await make();
  const part = `${folder}.${randomUUID()}.part`;
  const damaged = `${folder}.${randomUUID()}.part`;
  try {
    await mkdir(part, { recursive: true });
    if (existsSync(folder) && !(await isWhole(path))) await rename(folder, damaged);
    if (original !== undefined) await linkWeights(bytes, original, part);
    await writeFileAtomic(join(part, SUM), hash('sha256', bytes, 'hex'));
    await writeFileAtomic(join(part, basename(path)), bytes);
    await rename(part, folder);
  } catch (error) {
    // Where the cache is no folder, this fails as well, and says less.
    await rm(part, { recursive: true, force: true }).catch(() => undefined);
    // Another process was first, with the same graph.
    if (!existsSync(path)) throw writeFailure(error, folder);
  } finally {
    await rm(damaged, { recursive: true, force: true }).catch(() => undefined);
  }
  return path;
}

/** An engine that loads damaged weights gives wrong vectors, and does not know. */
async function isWhole(graph: string): Promise<boolean> {
  try {
    const sum = await readFile(join(dirname(graph), SUM), 'utf8');
    return sum === (await sha256Of(graph, new AbortController().signal));
  } catch {
    return false;
  }
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

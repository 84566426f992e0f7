import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeFileAtomic } from '../../../io/atomic.ts';
import { errnoOf } from '../../../io/disk-errors.ts';
import type { ConceptDefinition } from '../../../model/annotation.ts';
import type { DatasetVersion } from '../../../model/dataset.ts';
import { FatalError } from '../../../model/errors.ts';
import { deriveId } from '../../../model/ids.ts';
import { compareUtf8 } from '../id-order.ts';
import type { ChunkRef } from './chunks.ts';

const TYPE = 'dataset-version';
const EXTENSION = '.json';

/** What a version is: the file that makes it exist, written after all of its chunks. */
export interface Manifest {
  version: DatasetVersion;
  /** In the order in which they were first declared; those that no label source declared follow by id. */
  concepts: ConceptDefinition[];
  /** In the order of ids. */
  chunks: ChunkRef[];
}

/** Names may hold anything and differ in case alone; file names may not. The hash keeps them apart, also from `chunks`. */
const fileName = (name: string): string => deriveId(name, name);

const datasetFolder = (versions: string, dataset: string): string => join(versions, fileName(dataset));

const manifestPath = (versions: string, dataset: string, id: string): string =>
  join(datasetFolder(versions, dataset), `${fileName(id)}${EXTENSION}`);

/** For the holder of the store's lock. Durable when it returns. */
export async function writeManifest(versions: string, manifest: Manifest): Promise<void> {
  const { dataset, id } = manifest.version;
  const path = manifestPath(versions, dataset, id);
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, `${JSON.stringify({ schema: 1, type: TYPE, ...manifest })}\n`);
  await syncFolder(versions);
}

/** Undefined where the dataset has no such version. Throws FatalError STORE_CORRUPT. */
export async function readManifest(
  versions: string,
  dataset: string,
  id: string,
): Promise<Manifest | undefined> {
  return readManifestFile(manifestPath(versions, dataset, id));
}

/** Returns whether there was one. For the holder of the store's lock; its chunks go with the next `collectGarbage`. */
export async function removeManifest(versions: string, dataset: string, id: string): Promise<boolean> {
  const path = manifestPath(versions, dataset, id);
  try {
    await rm(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
}

/** The versions of a dataset, the oldest first. */
export async function listVersions(versions: string, dataset: string): Promise<DatasetVersion[]> {
  const found: DatasetVersion[] = [];
  for (const path of await manifestsIn(datasetFolder(versions, dataset))) {
    const manifest = await readManifestFile(path);
    if (manifest !== undefined) found.push(manifest.version);
  }
  return found.sort((a, b) => compareUtf8(a.createdAt, b.createdAt) || compareUtf8(a.id, b.id));
}

/** The manifests of all datasets, by path. */
export async function* allManifests(versions: string): AsyncGenerator<string> {
  for (const folder of await entriesOf(versions)) yield* await manifestsIn(join(versions, folder));
}

/** Those that a killed process did not finish; they name nothing. */
export async function* unfinishedManifests(versions: string): AsyncGenerator<string> {
  for (const folder of await entriesOf(versions)) {
    yield* await manifestsIn(join(versions, folder), `${EXTENSION}.part`);
  }
}

async function manifestsIn(folder: string, extension = EXTENSION): Promise<string[]> {
  const names = await entriesOf(folder);
  return names.filter((name) => name.endsWith(extension)).map((name) => join(folder, name));
}

/** Nothing where there is no such folder. */
async function entriesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

/** Undefined where there is no such file. Throws FatalError STORE_CORRUPT for one that is no manifest. */
export async function readManifestFile(path: string): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { schema, type, ...manifest } = JSON.parse(text) as Manifest & { schema: number; type: string };
    if (schema === 1 && type === TYPE) return manifest;
  } catch (cause) {
    throw new FatalError('STORE_CORRUPT', `${path} cannot be read`, { cause });
  }
  throw new FatalError('STORE_CORRUPT', `${path} does not describe a dataset version`);
}

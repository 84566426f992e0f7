import { dirname } from 'node:path';
import { joinPlace } from '../../../io/place.ts';
import type { ConceptDefinition } from '../../../model/annotation.ts';
import type { DatasetVersion } from '../../../model/dataset.ts';
import { FatalError } from '../../../model/errors.ts';
import { deriveId } from '../../../model/ids.ts';
import { compareUtf8 } from '../id-order.ts';
import type { StorePaths } from '../layout.ts';
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

const datasetFolder = (versions: string, dataset: string): string => joinPlace(versions, fileName(dataset));

const manifestPath = (versions: string, dataset: string, id: string): string =>
  joinPlace(datasetFolder(versions, dataset), `${fileName(id)}${EXTENSION}`);

/** For the holder of the store's lock. Durable when it returns. */
export async function writeManifest({ files, versions }: StorePaths, manifest: Manifest): Promise<void> {
  const { dataset, id } = manifest.version;
  const path = manifestPath(versions, dataset, id);
  await files.write(path, `${JSON.stringify({ schema: 1, type: TYPE, ...manifest })}\n`);
  await files.sync([versions]);
}

/** Undefined where the dataset has no such version. Throws FatalError STORE_CORRUPT. */
export async function readManifest(
  paths: StorePaths,
  dataset: string,
  id: string,
): Promise<Manifest | undefined> {
  return readManifestFile(paths, manifestPath(paths.versions, dataset, id));
}

/** Returns whether there was one. For the holder of the store's lock; its chunks go with the next `collectGarbage`. */
export async function removeManifest(
  { files, versions }: StorePaths,
  dataset: string,
  id: string,
): Promise<boolean> {
  const path = manifestPath(versions, dataset, id);
  if ((await files.sizeOf(path)) === undefined) return false;
  await files.remove(path);
  await files.sync([dirname(path)]);
  return true;
}

/** The versions of a dataset, the oldest first. */
export async function listVersions(paths: StorePaths, dataset: string): Promise<DatasetVersion[]> {
  const found: DatasetVersion[] = [];
  for (const path of await manifestsIn(paths, datasetFolder(paths.versions, dataset))) {
    const manifest = await readManifestFile(paths, path);
    if (manifest !== undefined) found.push(manifest.version);
  }
  return found.sort((a, b) => compareUtf8(a.createdAt, b.createdAt) || compareUtf8(a.id, b.id));
}

/** The manifests of all datasets, by path. */
export async function* allManifests(paths: StorePaths): AsyncGenerator<string> {
  const { files, versions } = paths;
  for (const folder of await files.names(versions)) {
    yield* await manifestsIn(paths, joinPlace(versions, folder));
  }
}

/** Those that a killed process did not finish; they name nothing. */
export async function* unfinishedManifests(paths: StorePaths): AsyncGenerator<string> {
  const { files, versions } = paths;
  for (const folder of await files.names(versions)) {
    yield* await manifestsIn(paths, joinPlace(versions, folder), `${EXTENSION}.part`);
  }
}

async function manifestsIn({ files }: StorePaths, folder: string, extension = EXTENSION): Promise<string[]> {
  const names = await files.names(folder);
  return names.filter((name) => name.endsWith(extension)).map((name) => joinPlace(folder, name));
}

/** Undefined where there is no such file. Throws FatalError STORE_CORRUPT for one that is no manifest. */
export async function readManifestFile({ files }: StorePaths, path: string): Promise<Manifest | undefined> {
  const text = (await files.read(path))?.toString();
  if (text === undefined) return undefined;
  try {
    const { schema, type, ...manifest } = JSON.parse(text) as Manifest & { schema: number; type: string };
    if (schema === 1 && type === TYPE) return manifest;
  } catch (cause) {
    throw new FatalError('STORE_CORRUPT', `${path} cannot be read`, { cause });
  }
  throw new FatalError('STORE_CORRUPT', `${path} does not describe a dataset version`);
}

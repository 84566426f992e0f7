import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';
import { joinPlace, resolvePlace } from '../../io/place.ts';
import { isS3 } from '../../io/s3/address.ts';
import type { Clock } from '../../model/contracts.ts';
import { FatalError, SluiceError } from '../../model/errors.ts';
import { openFiles } from './files/open.ts';
import type { StoreFiles } from './files/store-files.ts';

/**
 * Raised when an older version could no longer read what is written, or would remove what it does not know. The folder
 * `index` did not raise it: older versions neither read nor remove it, and what they change leaves vectors stale, which
 * the next re-index finds.
 */
const SCHEMA_VERSION = 3;
const MARKER = 'sluice-store.json';

/**
 * The parts of a store: of a folder all on one file system, so that files move between them by rename, or of a bucket,
 * `s3://bucket/prefix/…`.
 */
export interface StorePaths {
  root: string;
  files: StoreFiles;
  /** LanceDB tables. */
  db: string;
  /** Original bytes, `<first 2 hex digits>/<sha256>`. */
  blobs: string;
  /** One folder per run: manifest, ledger, report. */
  runs: string;
  /** One folder per run that is writing: spooled payloads and blobs that are not committed yet. A bucket has none. */
  tmp: string;
  /** Manifests of dataset versions, and the chunks that they share. */
  versions: string;
  /** Vectors, and the state of the index; see `vectors/index-paths.ts`. */
  index: string;
  lock: string;
}

const pathsOf = (root: string, files: StoreFiles): StorePaths => ({
  root,
  files,
  db: joinPlace(root, 'db'),
  blobs: joinPlace(root, 'blobs'),
  runs: joinPlace(root, 'runs'),
  tmp: joinPlace(root, 'tmp'),
  versions: joinPlace(root, 'versions'),
  index: joinPlace(root, 'index'),
  lock: joinPlace(root, 'lock'),
});

/** Of a bucket without the `/` that people end it with. */
const rootOf = (place: string): string => (isS3(place) ? resolvePlace(place) : place);

/** Throws FatalError STORE_NOT_FOUND, STORE_SCHEMA_NEWER or STORE_CORRUPT, and what `StoreFiles` throws. */
export async function findStore(place: string): Promise<StorePaths> {
  const root = rootOf(place);
  const files = await openFiles(root);
  if (!(await isStore(root, files))) {
    throw new FatalError('STORE_NOT_FOUND', `there is no store at ${root}; sluice ingest makes one`);
  }
  return pathsOf(root, files);
}

/**
 * Opens the store at `root`, or makes one where there is nothing or an empty folder.
 *
 * Throws FatalError CONFIG_INVALID for a folder that holds something else, STORE_SCHEMA_NEWER, STORE_CORRUPT,
 * STORE_FULL or STORE_WRITE_FAILED, what `StoreFiles` throws, and the signal's reason.
 */
export async function makeStore(place: string, clock: Clock, signal?: AbortSignal): Promise<StorePaths> {
  const root = rootOf(place);
  const files = await openFiles(root);
  // A server that throttles or does not answer is waited for, but not against somebody's will.
  const letGo = () => files.close();
  signal?.addEventListener('abort', letGo, { once: true });
  try {
    return await make(root, files, clock);
  } catch (error) {
    files.close();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', letGo);
  }
}

async function make(root: string, files: StoreFiles, clock: Clock): Promise<StorePaths> {
  const paths = pathsOf(root, files);
  if (!(await isStore(root, files))) {
    const entries = isS3(root) ? await files.names(root) : await entriesOf(root);
    const foreign = entries.filter((name) => !name.startsWith(MARKER));
    // A store made by another process since the first look is one of ours after all.
    if (foreign.length > 0 && !(await isStore(root, files))) {
      throw new FatalError(
        'CONFIG_INVALID',
        `${root} is not a store and not empty (it holds ${foreign[0]}); name another ${isS3(root) ? 'prefix' : 'folder'} for the store`,
      );
    }
    if (isS3(root)) await createMarker(root, files, clock);
    else await writeMarker(root, clock);
  }
  await files.makeFolders([paths.db, paths.blobs, paths.runs, paths.tmp, paths.lock]);
  return paths;
}

/**
 * Says that a store of an older schema has the newest one from now on, before anything of it is written, so that older
 * versions leave it alone. For the holder of the store's lock.
 */
export async function raiseSchema({ root, files }: StorePaths): Promise<void> {
  const path = joinPlace(root, MARKER);
  const marker = JSON.parse(String(await files.read(path))) as { schema: number };
  if (marker.schema >= SCHEMA_VERSION) return;
  await files.write(path, `${JSON.stringify({ ...marker, schema: SCHEMA_VERSION })}\n`);
}

async function isStore(root: string, files: StoreFiles): Promise<boolean> {
  const path = joinPlace(root, MARKER);
  let text: string | undefined;
  try {
    text = (await files.read(path))?.toString();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    if (errnoOf(error) === 'ENOTDIR') return false;
    throw new FatalError('STORE_CORRUPT', `${path} cannot be read`, { cause: error });
  }
  if (text === undefined) return false;
  const schema = schemaOf(text);
  if (schema === undefined) throw new FatalError('STORE_CORRUPT', `${path} does not describe a store`);
  if (schema > SCHEMA_VERSION) {
    throw new FatalError(
      'STORE_SCHEMA_NEWER',
      `the store at ${root} has schema ${schema}; this version knows ${SCHEMA_VERSION}`,
      { measured: schema, limit: SCHEMA_VERSION },
    );
  }
  return true;
}

function schemaOf(text: string): number | undefined {
  try {
    const { schema, type } = JSON.parse(text) as { schema?: unknown; type?: unknown };
    return type === 'store' && typeof schema === 'number' ? schema : undefined;
  } catch {
    return undefined;
  }
}

async function entriesOf(root: string): Promise<string[]> {
  try {
    return await readdir(root);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    if (errnoOf(error) === 'ENOTDIR') {
      throw new FatalError('CONFIG_INVALID', `${root} is a file; a store is a folder`, { cause: error });
    }
    throw writeFailure(error, root);
  }
}

const newMarker = (clock: Clock): string => {
  const created = new Date(clock.now()).toISOString();
  return `${JSON.stringify({ schema: SCHEMA_VERSION, type: 'store', created })}\n`;
};

/** Several processes may make the same store at once; the first one's marker stays. Everything rests on that. */
async function createMarker(root: string, files: StoreFiles, clock: Clock): Promise<void> {
  const path = joinPlace(root, MARKER);
  await files.create(path, newMarker(clock));
  if (!(await files.create(path, newMarker(clock)))) return;
  throw new FatalError(
    'CONFIG_INVALID',
    `the server of ${root} does not heed conditional writes (If-None-Match), without which two runs could write to one store; use another server, or a store in a folder`,
  );
}

/** Several processes may make the same store at once; each writes a file of its own and the last rename stays. */
async function writeMarker(root: string, clock: Clock): Promise<void> {
  const path = joinPlace(root, MARKER);
  const part = `${path}.${randomUUID()}.part`;
  try {
    await mkdir(root, { recursive: true });
    await writeFile(part, newMarker(clock));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw writeFailure(error, path);
  }
}

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';
import type { Clock } from '../../model/contracts.ts';
import { FatalError } from '../../model/errors.ts';

/**
 * Raised when an older version could no longer read what is written, or would remove what it does not know. The folder
 * `index` did not raise it: older versions neither read nor remove it, and what they change leaves vectors stale, which
 * the next re-index finds.
 */
const SCHEMA_VERSION = 3;
const MARKER = 'sluice-store.json';

/** The parts of a store's folder. All lie on one file system, so that files move between them by rename. */
export interface StorePaths {
  root: string;
  /** LanceDB tables. */
  db: string;
  /** Original bytes, `<first 2 hex digits>/<sha256>`. */
  blobs: string;
  /** One folder per run: manifest, ledger, report. */
  runs: string;
  /** One folder per run that is writing: spooled payloads and blobs that are not committed yet. */
  tmp: string;
  /** Manifests of dataset versions, and the chunks that they share. */
  versions: string;
  /** Vectors, and the state of the index; see `vectors/index-paths.ts`. */
  index: string;
  lock: string;
}

const pathsOf = (root: string): StorePaths => ({
  root,
  db: join(root, 'db'),
  blobs: join(root, 'blobs'),
  runs: join(root, 'runs'),
  tmp: join(root, 'tmp'),
  versions: join(root, 'versions'),
  index: join(root, 'index'),
  lock: join(root, 'lock'),
});

/** Throws FatalError STORE_NOT_FOUND, STORE_SCHEMA_NEWER or STORE_CORRUPT. */
export async function findStore(root: string): Promise<StorePaths> {
  if (!(await isStore(root))) {
    throw new FatalError('STORE_NOT_FOUND', `there is no store at ${root}; sluice ingest makes one`);
  }
  return pathsOf(root);
}

/**
 * Opens the store at `root`, or makes one where there is nothing or an empty folder.
 *
 * Throws FatalError CONFIG_INVALID for a folder that holds something else, STORE_SCHEMA_NEWER, STORE_CORRUPT,
 * STORE_FULL or STORE_WRITE_FAILED.
 */
export async function makeStore(root: string, clock: Clock): Promise<StorePaths> {
  const paths = pathsOf(root);
  if (!(await isStore(root))) {
    const foreign = (await entriesOf(root)).filter((name) => !name.startsWith(MARKER));
    // A store made by another process since the first look is one of ours after all.
    if (foreign.length > 0 && !(await isStore(root))) {
      throw new FatalError(
        'CONFIG_INVALID',
        `${root} is not a store and not empty (it holds ${foreign[0]}); name another folder for the store`,
      );
    }
    await writeMarker(root, clock);
  }
  try {
    for (const folder of [paths.db, paths.blobs, paths.runs, paths.tmp, paths.lock]) {
      await mkdir(folder, { recursive: true });
    }
  } catch (error) {
    throw writeFailure(error, root);
  }
  return paths;
}

/**
 * Says that a store of an older schema has the newest one from now on, before anything of it is written, so that older
 * versions leave it alone. For the holder of the store's lock.
 */
export async function raiseSchema(root: string): Promise<void> {
  const path = join(root, MARKER);
  const marker = JSON.parse(await readFile(path, 'utf8')) as { schema: number };
  if (marker.schema >= SCHEMA_VERSION) return;
  await writeFileAtomic(path, `${JSON.stringify({ ...marker, schema: SCHEMA_VERSION })}\n`);
}

async function isStore(root: string): Promise<boolean> {
  const path = join(root, MARKER);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return false;
    throw new FatalError('STORE_CORRUPT', `${path} cannot be read`, { cause: error });
  }
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

/** Several processes may make the same store at once; each writes a file of its own and the last rename stays. */
async function writeMarker(root: string, clock: Clock): Promise<void> {
  const path = join(root, MARKER);
  const part = `${path}.${randomUUID()}.part`;
  const created = new Date(clock.now()).toISOString();
  try {
    await mkdir(root, { recursive: true });
    await writeFile(part, `${JSON.stringify({ schema: SCHEMA_VERSION, type: 'store', created })}\n`);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw writeFailure(error, path);
  }
}

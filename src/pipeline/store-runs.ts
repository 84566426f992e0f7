import { hash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolvePlace } from '../io/place.ts';
import { isS3 } from '../io/s3/address.ts';
import { type BucketFiles, bucketEndpoint, openBucket, openReader } from '../stores/index.ts';
import type { RunEnvironment } from './environment.ts';
import { listRunIds, RunFolder } from './run-folder.ts';
import { isRunId } from './run-id.ts';
import { RunMirror } from './run-mirror.ts';

/** Folder of this machine for what belongs to a store: the store itself, or of one in a bucket a folder of the cache. */
export async function localFolderOf(
  store: string,
  { cacheDir }: Pick<RunEnvironment, 'cacheDir'>,
): Promise<string> {
  const root = resolvePlace(store);
  if (!isS3(root)) return root;
  // Two servers may have buckets of one name.
  const key = `${(await bucketEndpoint()) ?? ''}\n${root}`;
  return join(cacheDir, 'stores', hash('sha256', key).slice(0, 32));
}

/** The runs of a store. Those of a store in a bucket have their working copies in a folder of the cache. */
export class StoreRuns {
  readonly #root: string;
  readonly #dir: string;
  readonly #bucket: BucketFiles | undefined;
  readonly #env: Pick<RunEnvironment, 'clock'>;

  private constructor(
    root: string,
    dir: string,
    bucket: BucketFiles | undefined,
    env: Pick<RunEnvironment, 'clock'>,
  ) {
    this.#root = root;
    this.#dir = dir;
    this.#bucket = bucket;
    this.#env = env;
  }

  /** Asks nothing yet. */
  static async of(store: string, env: Pick<RunEnvironment, 'clock' | 'cacheDir'>): Promise<StoreRuns> {
    const root = resolvePlace(store);
    const bucket = isS3(root) ? await openBucket(root) : undefined;
    return new StoreRuns(root, join(await localFolderOf(root, env), 'runs'), bucket, env);
  }

  folder(runId: string): RunFolder {
    return this.#folderIn(this.#dir, runId);
  }

  /** Oldest first. Throws FatalError STORE_NOT_FOUND. */
  async ids(): Promise<string[]> {
    if (this.#bucket === undefined) return listRunIds(this.#dir);
    const names = await this.#bucket.names(`${this.#root}/runs`);
    // A prefix without runs may be no store at all.
    if (names.length === 0) (await openReader(this.#root)).close();
    return names.filter(isRunId).sort();
  }

  /**
   * The run's folder as `work` may read it; of a bucket a temporary copy, for the working copy belongs to a run that
   * may be under way.
   */
  async reading<T>(runId: string, work: (folder: RunFolder) => Promise<T>): Promise<T> {
    if (this.#bucket === undefined) return work(this.folder(runId));
    const dir = await mkdtemp(join(tmpdir(), 'sluice-run-'));
    try {
      const folder = this.#folderIn(dir, runId);
      await folder.fetch();
      return await work(folder);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  #folderIn(dir: string, runId: string): RunFolder {
    const bucket = this.#bucket;
    const mirror = bucket && new RunMirror(this.#root, runId, bucket, this.#env.clock);
    return new RunFolder(dir, runId, mirror);
  }
}

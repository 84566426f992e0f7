import { resolvePlace } from '../io/place.ts';
import { isS3 } from '../io/s3/address.ts';
import type { Sink } from '../model/contracts.ts';
import { openWriter } from '../stores/index.ts';
import type { RunConfig } from './config.ts';
import { contextOf, type RunEnvironment } from './environment.ts';
import { RunIndex } from './indexing/run-index.ts';
import { localFolderOf, StoreRuns } from './store-runs.ts';

/** Where a run writes. */
export interface Target {
  /** Folder of the local store, or `s3://bucket/prefix`; also where the runs live. */
  store: string;
  /** Wait for another run to let go of the store, instead of STORE_LOCKED. */
  wait?: boolean;
  /** Another sink than the store's own, for items; the run's folder is still made in the store. */
  sink?: Sink;
}

/** Where the items of a run go, opened. */
export interface OpenTarget {
  sink: Sink;
  runs: StoreRuns;
  /** Of a store whose base workflow has models. */
  index?: RunIndex;
  close(): Promise<void>;
}

/**
 * Opens the sink of a run, and the store's index; the caller closes it. `resumed`: rows of the run may be there already.
 *
 * Throws FatalError STORE_LOCKED, STORE_FULL, STORE_SCHEMA_NEWER, and for models that cannot be opened.
 */
export async function openTarget(
  target: Target,
  runId: string,
  config: RunConfig,
  env: RunEnvironment,
  { resumed = false } = {},
): Promise<OpenTarget> {
  const store = resolvePlace(target.store);
  const runs = await StoreRuns.of(store, env);
  if (target.sink !== undefined) {
    const { sink } = target;
    return { sink, runs, close: () => sink.close() };
  }
  const { dataset, onExisting, onDuplicate, onAnnotations, media, index: indexes, device } = config.options;
  const sink = await openWriter(
    store,
    {
      ...{ runId, dataset, onExisting, onDuplicate, onAnnotations, media, wait: target.wait ?? false },
      ...(isS3(store) ? { localDir: await localFolderOf(store, env) } : {}),
    },
    contextOf(env),
  );
  try {
    const index = indexes ? await RunIndex.open(store, { runId, resumed, devices: device }, env) : undefined;
    if (index === undefined) return { sink, runs, close: () => sink.close() };
    const close = async () => {
      try {
        await sink.close();
      } finally {
        await index.close();
      }
    };
    return { sink: index.over(sink), runs, index, close };
  } catch (error) {
    await sink.close();
    throw error;
  }
}

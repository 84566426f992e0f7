import { join, resolve } from 'node:path';
import type { Sink } from '../model/contracts.ts';
import { openWriter } from '../stores/index.ts';
import type { RunConfig } from './config.ts';
import { contextOf, type RunEnvironment } from './environment.ts';

/** Where a run writes. */
export interface Target {
  /** Folder of the local store; also where the runs live. */
  store: string;
  /** Wait for another run to let go of the store, instead of STORE_LOCKED. */
  wait?: boolean;
  /** Another sink than the store's own, for items; the run's folder is still made in the store. */
  sink?: Sink;
}

/** Opens the sink of a run; the caller closes it. Throws FatalError STORE_LOCKED, STORE_FULL, STORE_SCHEMA_NEWER. */
export async function openTarget(
  target: Target,
  runId: string,
  config: RunConfig,
  env: RunEnvironment,
): Promise<{ sink: Sink; runsDir: string }> {
  const store = resolve(target.store);
  const runsDir = join(store, 'runs');
  if (target.sink !== undefined) return { sink: target.sink, runsDir };
  const { dataset, onExisting, onDuplicate, onAnnotations, media } = config.options;
  const sink = await openWriter(
    store,
    { runId, dataset, onExisting, onDuplicate, onAnnotations, media, wait: target.wait ?? false },
    contextOf(env),
  );
  return { sink, runsDir };
}

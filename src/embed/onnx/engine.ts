import type { Context } from '../../model/contracts.ts';
import type { DeviceReport } from '../../model/embedding.ts';
import type { EngineOptions } from '../tower.ts';
import { abortable } from './abortable.ts';
import { copyOf } from './copy.ts';
import { Pool } from './pool.ts';
import type { Feeds } from './preparation.ts';
import type { GraphValue, OpenSession } from './session.ts';
import { openWorkerSession } from './worker-session.ts';

/** A graph that is loaded. Several calls may be under way at once. */
export interface Engine {
  readonly device: DeviceReport;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /**
   * The arrays stay the caller's. Throws the engine's error, FatalError ENGINE_LOST, or the signal's reason; a call that
   * is under way is not stopped by it.
   */
  run(feeds: Feeds, signal: AbortSignal): Promise<Feeds>;
  close(): Promise<void>;
}

/**
 * Loads a graph on the first of the devices that works.
 *
 * Throws FatalError MODEL_INVALID, DEVICE_UNAVAILABLE.
 */
export async function openEngine(
  graphPath: string,
  options: EngineOptions,
  ctx: Context,
  openSession: OpenSession = openWorkerSession,
): Promise<Engine> {
  const tune = () => Promise.resolve(options.deviceBatch ?? 1);
  const pool = await Pool.open(graphPath, options, ctx, { openSession, tune });
  return {
    get device() {
      return pool.device;
    },
    inputs: pool.inputs,
    outputs: pool.outputs,
    run: (feeds, signal) =>
      abortable(
        pool.run(() => copiesOf(feeds)),
        signal,
      ),
    close: () => pool.close(),
  };
}

/** A session's thread takes the arrays, which may be needed again. */
const copiesOf = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, feed]) => [name, { ...feed, data: copyOf(feed.data) }]),
  );

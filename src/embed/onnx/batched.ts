import type { Context } from '../../model/contracts.ts';
import type { EngineOptions, OpenTower } from '../tower.ts';
import { measureBatch, Remembered } from './calibration.ts';
import { coresOf } from './devices.ts';
import { Pool } from './pool.ts';
import type { Preparation } from './preparation.ts';
import { vectorsOf } from './rows.ts';
import { Scheduler } from './scheduler.ts';
import type { OpenSession } from './session.ts';
import type { Sessions } from './sessions.ts';
import { openWorkerSession } from './worker-session.ts';

/** Items that are prepared at once, for each core: some wait for files while others are decoded. */
const PREPARED_PER_CORE = 2;

/**
 * Loads a graph, finds how many items a call should have, and embeds items with it.
 *
 * Throws FatalError MODEL_INVALID, DEVICE_UNAVAILABLE.
 */
export async function openBatched<P>(
  graphPath: string,
  preparation: Preparation<P>,
  options: EngineOptions,
  ctx: Context,
  openSession: OpenSession = openWorkerSession,
): Promise<OpenTower> {
  const sampled = preparation.sample();
  const sample = (items: number) => preparation.collate(Array.from({ length: items }, () => sampled));
  const sampleRows = preparation.rows?.(sampled) ?? 1;
  let remembered: Remembered | undefined;

  async function tune(sessions: Sessions): Promise<number> {
    // Whether the device can compute at all, and what is wanted.
    const outputs = await sessions.run(() => sample(1), [preparation.output]);
    vectorsOf(outputs[preparation.output], preparation.output, [sampleRows]);
    if (options.deviceBatch !== undefined) return Math.max(1, Math.trunc(options.deviceBatch));
    remembered = await Remembered.at(options.cacheDir, graphPath, sessions, sample, ctx);
    const known = await remembered.read();
    if (known !== undefined) return known;
    const measured = await measureBatch(sessions, sample, preparation.output, ctx);
    await remembered.write(measured);
    return measured;
  }

  const pool = await Pool.open(graphPath, options, ctx, { openSession, tune });
  const scheduler = new Scheduler(preparation, {
    device: () => pool.device,
    run: (make) => pool.run(make, [preparation.output]),
    tooMany(items) {
      pool.lowerDeviceBatch(items);
      ctx.logger.warn(
        { items },
        `the device has too little memory: calls have at most ${items} items from now on`,
      );
      void remembered?.write(pool.device.deviceBatch);
    },
    preparing: coresOf(options.cores) * PREPARED_PER_CORE,
    sampleRows,
  });
  return {
    get device() {
      return pool.device;
    },
    embed: (items, role, signal) => scheduler.embed(items, role, signal),
    async close() {
      scheduler.close();
      await pool.close();
      await preparation.close?.();
    },
  };
}

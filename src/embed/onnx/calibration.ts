import { hash } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../io/atomic.ts';
import type { Context } from '../../model/contracts.ts';
import type { Device } from '../../model/embedding.ts';
import { asError } from '../../model/errors.ts';
import { faultOf } from './faults.ts';
import type { Feeds } from './preparation.ts';
import type { Sessions } from './sessions.ts';

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

/** More items in a call gain nothing there: on a CPU caches are full long before. */
const LARGEST: Record<Device, number> = { cuda: 128, webgpu: 128, cpu: 32 };
/** A number of items is measured for so long, unless it takes more than so many rounds, … */
const WINDOW_MS = 40;
const MOST_ROUNDS = 20;
/** … and then again, until so much time went by: the best counts, since other programs only ever slow it down. */
const MEASURE_MS = 120;
const MOST_WINDOWS = 3;
/** No further number is tried after so long. */
const BUDGET_MS = 10_000;
/** A larger number must be so much faster; it costs memory. */
const GAIN = 1.05;
/** So many numbers that gain nothing end the search. */
const PATIENCE = 2;

/** One call's inputs of so many items of usual size. */
export type SampleFeeds = (items: number) => Feeds;

/** How many items a call should have: powers of two, as long as more items a second are computed. Throws the engine's error. */
export async function measureBatch(
  sessions: Sessions,
  sample: SampleFeeds,
  output: string,
  ctx: Context,
): Promise<number> {
  const { clock } = ctx;
  const wide = sessions.layout.sessions;
  const round = (items: number) =>
    Promise.all(Array.from({ length: wide }, () => sessions.run(() => sample(items), [output])));
  const began = clock.now();
  let best = { items: 1, rate: 0 };
  let fruitless = 0;
  for (let items = 1; items <= LARGEST[sessions.device] && fruitless < PATIENCE; items *= 2) {
    try {
      // The first call of a size reserves memory, and compiles kernels.
      await round(items);
      const start = clock.now();
      let rate = 0;
      let windows = 0;
      do {
        rate = Math.max(rate, await measureRate(() => round(items), wide * items, ctx));
        windows++;
      } while (clock.now() - start < MEASURE_MS && windows < MOST_WINDOWS);
      if (rate > best.rate * GAIN) {
        best = { items, rate };
        fruitless = 0;
      } else {
        fruitless++;
      }
    } catch (error) {
      if (items === 1 || faultOf(error) !== 'memory') throw error;
      break;
    }
    if (clock.now() - began > BUDGET_MS) break;
  }
  return best.items;
}

/** Items in a millisecond. */
async function measureRate(
  round: () => Promise<unknown>,
  items: number,
  { clock, signal }: Context,
): Promise<number> {
  const start = clock.now();
  let rounds = 0;
  do {
    signal.throwIfAborted();
    await round();
    rounds++;
  } while (clock.now() - start < WINDOW_MS && rounds < MOST_ROUNDS);
  return (rounds * items) / Math.max(1, clock.now() - start);
}

/** What was measured of a graph on a device of this machine, in a file of its own. */
export class Remembered {
  readonly #path: string;
  readonly #ctx: Context;

  private constructor(path: string, ctx: Context) {
    this.#path = path;
    this.#ctx = ctx;
  }

  static async at(
    cacheDir: string,
    graph: string,
    { device, layout }: Pick<Sessions, 'device' | 'layout'>,
    sample: SampleFeeds,
    ctx: Context,
  ): Promise<Remembered> {
    const shapes = Object.entries(sample(1)).map(([name, { type, dims }]) => [name, type, dims]);
    const key = [version, await graphKey(graph), device, layout, cpus()[0]?.model, shapes];
    const name = hash('sha256', JSON.stringify(key), 'hex').slice(0, 16);
    return new Remembered(join(cacheDir, 'device-batch', `${name}.json`), ctx);
  }

  async read(): Promise<number | undefined> {
    try {
      const { deviceBatch } = JSON.parse(await readFile(this.#path, 'utf8')) as { deviceBatch?: unknown };
      return Number.isInteger(deviceBatch) && Number(deviceBatch) > 0 ? Number(deviceBatch) : undefined;
    } catch {
      return undefined;
    }
  }

  /** What cannot be written is measured again. */
  async write(deviceBatch: number): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFileAtomic(this.#path, JSON.stringify({ deviceBatch }));
    } catch (error) {
      this.#ctx.logger.debug({ error: asError(error).message }, `cannot write ${this.#path}`);
    }
  }
}

/** Tells graphs apart; a mistake would cost speed only, so weights are not read. */
async function graphKey(path: string): Promise<unknown> {
  const { size } = await stat(path);
  await using file = await open(path);
  const head = Buffer.alloc(Math.min(size, 2 ** 20));
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  return [size, hash('sha256', head.subarray(0, bytesRead), 'hex')];
}

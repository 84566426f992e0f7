/**
 * JPEG files to vectors, against what the two halves take alone: (a) decoding and resizing with sharp, (b) sessions that
 * are fed with tensors which are ready, each at its own best on all cores. Doing both on the same cores cannot be faster
 * than 1 / (1/a + 1/b); the target is 0.9 of it. With a Python that has open_clip, also against its own way.
 *
 *     npm run bench -- embed-images [model = default] [count = 600] [rounds = 3] [python]
 *
 * The model of open_clip with random weights, as a folder:
 *     python3 -m venv .cache/python/bench-embed && .cache/python/bench-embed/bin/pip install -r bench/requirements-embed.txt
 *     .cache/python/bench-embed/bin/python bench/support/open_clip_images.py export .cache/open-clip
 *     npm run bench -- embed-images .cache/open-clip 300 3 .cache/python/bench-embed/bin/python
 *
 * Times are taken inside a process of its own, once the model is loaded; all files are in the page cache.
 */
import { execFileSync, type StdioOptions } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTowers, openEmbedder, type Tower } from '../src/embed/index.ts';
import { openEngine } from '../src/embed/onnx/engine.ts';
import type { Feeds } from '../src/embed/onnx/preparation.ts';
import { systemClock } from '../src/io/clock.ts';
import { type Framing, framedPixels } from '../src/media/pixels.ts';
import type { Context } from '../src/model/contracts.ts';
import { SluiceError } from '../src/model/errors.ts';
import { filesBelow, makeImages } from './support/images.ts';
import { machine, measure, median } from './support/measure.ts';

type Job = 'decode' | 'session' | 'sluice';
/** How many at once, and libuv's threads or the images of a call. */
type Setting = readonly [atOnce: number, other: number];

const SELF = fileURLToPath(import.meta.url);
const PYTHON = fileURLToPath(new URL('support/open_clip_images.py', import.meta.url));
const TARGET = 0.9;
const PYTHON_TARGET = 1.2;
const CORES = availableParallelism();
/** What src/cli/main.ts chooses. */
const POOL = Math.max(4, CORES * 2);
const SIZE = { width: 1024, height: 768 };
const REQUEST = 128;
const DECODING: readonly Setting[] = [CORES, CORES * 2].flatMap(
  (pool) =>
    [
      [pool, pool],
      [pool * 2, pool],
    ] as const,
);
/** Images of a call. */
const CALLS: readonly Setting[] = [1, 2, 4, 8, 16].map((images) => [CORES * 2, images]);

const ctx: Context = {
  logger: { debug() {}, info() {}, warn() {}, error: console.error },
  signal: new AbortController().signal,
  clock: systemClock,
};

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'run') {
  const [job, model, folder, atOnce, other] = rest as [Job, string, string, string, string];
  process.stdout.write(String(await run(job, model, folder, [Number(atOnce), Number(other)])));
} else {
  await compare(mode ?? 'default', Number(rest[0] ?? 600), Number(rest[1] ?? 3), rest[2]);
}

async function compare(model: string, count: number, rounds: number, python?: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-embed-'));
  try {
    console.log(machine('sharp', 'onnxruntime-node'));
    await makeImages(join(folder, 'images'), count, SIZE);
    console.log(`${count} JPEGs of ${SIZE.width} × ${SIZE.height}, model ${model}`);
    // Converts and calibrates.
    const setting: Setting = [2, REQUEST];
    await timed('sluice', model, folder, setting);
    const [decoding, calls] = [
      await best('decode', model, folder, DECODING),
      await best('session', model, folder, CALLS),
    ];
    const rates: Record<Job, number[]> = { decode: [], session: [], sluice: [] };
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      rates.decode.push(await timed('decode', model, folder, decoding));
      rates.session.push(await timed('session', model, folder, calls));
      rates.sluice.push(await timed('sluice', model, folder, setting));
      if (python !== undefined) theirs.push(openClip(python, join(folder, 'images')));
      const last = [rates.decode, rates.session, rates.sluice, theirs].map((of) => of.at(-1)?.toFixed(1));
      console.log(
        `round ${round + 1}: (a) ${last[0]}, (b) ${last[1]}, sluice ${last[2]}, open_clip ${last[3]}`,
      );
    }
    const [a, b, ours] = [median(rates.decode), median(rates.session), median(rates.sluice)];
    const ratio = ours * (1 / a + 1 / b);
    console.log(`(a) sharp, ${decoding[0]} at once, ${decoding[1]} threads: ${a.toFixed(1)} images/s`);
    console.log(`(b) sessions, ${calls[1]} images a call: ${b.toFixed(1)} images/s`);
    console.log(
      `sluice: ${ours.toFixed(1)} images/s, ${ratio.toFixed(2)} of 1/(1/a + 1/b), ${verdict(ratio, TARGET)}`,
    );
    if (python === undefined) return;
    const times = ours / median(theirs);
    console.log(
      `open_clip: ${median(theirs).toFixed(1)} images/s; sluice ${times.toFixed(2)} ×, ${verdict(times, PYTHON_TARGET)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function verdict(value: number, target: number): string {
  return `${value >= target ? 'meets' : 'MISSES'} ${target}`;
}

/** Images a second. */
async function timed(job: Job, model: string, folder: string, [atOnce, other]: Setting): Promise<number> {
  const pool = job === 'decode' ? other : POOL;
  const args = [SELF, 'run', job, model, folder, String(atOnce), String(other)];
  return Number((await measure(args, { UV_THREADPOOL_SIZE: String(pool) })).stdout);
}

async function best(job: Job, model: string, folder: string, settings: readonly Setting[]): Promise<Setting> {
  const rates: number[] = [];
  for (const setting of settings) rates.push(await timed(job, model, folder, setting));
  return settings[rates.indexOf(Math.max(...rates))]!;
}

function openClip(python: string, images: string): number {
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  return Number(execFileSync(python, [PYTHON, 'time', images], { encoding: 'utf8', stdio }));
}

async function run(job: Job, model: string, folder: string, setting: Setting): Promise<number> {
  const cacheDir = join(folder, 'cache');
  const tower = (await findTowers({ model }, { cacheDir }, ctx)).find(
    ({ modality }) => modality === 'image',
  )!;
  const files = filesBelow(join(folder, 'images'));
  if (job === 'decode') return decode(tower, files, setting);
  return job === 'session'
    ? session(tower, cacheDir, files.length, setting)
    : sluice(tower, cacheDir, files, setting);
}

async function decode(tower: Tower, files: string[], [atOnce]: Setting): Promise<number> {
  const framing = tower.preprocessing as unknown as Framing;
  return rate(files.length, atOnce, 1, (first) =>
    framedPixels({ path: files[first]! }, framing, { signal: ctx.signal }),
  );
}

/** With the graph that Sluice made of the model. */
async function session(
  tower: Tower,
  cacheDir: string,
  count: number,
  [atOnce, images]: Setting,
): Promise<number> {
  const [graph] = readdirSync(join(cacheDir, 'graphs'));
  const { resize, crop } = tower.preprocessing as unknown as Framing;
  const { width, height } = crop ?? (resize as { width: number; height: number });
  const engine = await openEngine(
    join(cacheDir, 'graphs', graph!, 'model.onnx'),
    { devices: ['cpu'], cacheDir },
    ctx,
  );
  const data = new Uint8Array(images * height * width * 3).map((_, index) => index % 251);
  const feeds: Feeds = {
    [engine.inputs[0]!.name]: { type: 'uint8', dims: [images, height, width, 3], data },
  };
  await engine.run(feeds, ctx.signal);
  const result = await rate(count, atOnce, images, () => engine.run(feeds, ctx.signal));
  await engine.close();
  return result;
}

async function sluice(
  tower: Tower,
  cacheDir: string,
  files: string[],
  [atOnce, items]: Setting,
): Promise<number> {
  const embedder = await openEmbedder(tower, { devices: ['cpu'], cacheDir }, ctx);
  const result = await rate(files.length, atOnce, items, async (first) => {
    const images = files.slice(first, first + items).map((path) => ({ image: { path } }));
    for (const vector of await embedder.embed(images, 'document', ctx.signal))
      if (vector instanceof SluiceError) throw vector;
  });
  await embedder.close();
  return result;
}

/** Items a second, `step` of them at a time, in so many lanes. */
async function rate(
  count: number,
  lanes: number,
  step: number,
  work: (first: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const began = performance.now();
  const lane = async () => {
    while (next < count) {
      const first = next;
      next += step;
      await work(first);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return count / ((performance.now() - began) / 1000);
}

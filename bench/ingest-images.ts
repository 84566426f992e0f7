/**
 * Images into a null sink and into the local store, each against a bare loop that does the same reading, hashing and
 * image check (and, for the store, a plain write of the same bytes).
 *
 *     npm run bench -- ingest-images [count = 10000] [rounds = 3]
 *
 * The loop runs at its own best concurrency and thread pool, found first; Sluice runs as the command line does. The
 * loop's writes are not synced; the store syncs each blob, its folder and each commit before an item counts as ok.
 * Neither clones files. Times are taken inside a process of its own; all files are in the page cache.
 */
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { ingest } from '../src/index.ts';
import { probe } from '../src/media/probe.ts';
import { sniff } from '../src/media/sniff.ts';
import { nullSink } from '../src/stores/index.ts';
import { filesBelow, makeImages } from './support/images.ts';
import { machine, measure, median } from './support/measure.ts';

type Job = 'loop' | 'loop-write' | 'null' | 'store';
interface Timed {
  seconds: number;
  peakMb: number;
}

const SELF = fileURLToPath(import.meta.url);
const TARGET = 0.8;
const CORES = availableParallelism();
/** What src/cli/main.ts chooses. */
const POOL = Math.max(4, CORES * 2);
const HEAD_BYTES = 4096;

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'run') {
  const [job, folder, concurrency] = rest as [Job, string, string];
  const began = performance.now();
  if (job === 'loop' || job === 'loop-write') await loop(folder, Number(concurrency), job === 'loop-write');
  else await sluice(folder, job);
  process.stdout.write(String((performance.now() - began) / 1000));
} else {
  await compare(Number(mode ?? 10_000), Number(rest[0] ?? 3));
}

async function compare(count: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-images-'));
  try {
    console.log(machine('sharp', '@lancedb/lancedb'));
    await makeImages(imagesIn(folder), count);
    console.log(`${count} JPEGs of about 100 kB`);
    for (const [job, reference] of [
      ['null', 'loop'],
      ['store', 'loop-write'],
    ] as const) {
      const best = await bestOf(reference, folder);
      const loops: Timed[] = [];
      const ours: Timed[] = [];
      for (let round = 0; round < rounds; round++) {
        loops.push(await timed(reference, folder, best));
        ours.push(await timed(job, folder, { concurrency: 0, pool: POOL }));
      }
      const ratio = secondsOf(loops) / secondsOf(ours);
      console.log(`${reference}, ${best.concurrency} at once, ${best.pool} threads: ${shown(loops, count)}`);
      console.log(
        `sluice, ${job} sink: ${shown(ours, count)}, ${ratio.toFixed(2)} × ${reference}, ` +
          `${ratio >= TARGET ? 'meets' : 'MISSES'} ${TARGET}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function secondsOf(runs: Timed[]): number {
  return median(runs.map(({ seconds }) => seconds));
}

function shown(runs: Timed[], count: number): string {
  const peak = Math.max(...runs.map(({ peakMb }) => peakMb));
  return `${(count / secondsOf(runs)).toFixed(0)} items/s, ${peak.toFixed(0)} MB peak`;
}

/** Seconds as the process took them without its start; memory from outside. */
async function timed(
  job: Job,
  folder: string,
  { concurrency, pool }: { concurrency: number; pool: number },
): Promise<Timed> {
  rmSync(storeIn(folder), { recursive: true, force: true });
  const env = { UV_THREADPOOL_SIZE: String(pool) };
  const { stdout, peakMb } = await measure([SELF, 'run', job, folder, String(concurrency)], env);
  return { seconds: Number(stdout), peakMb };
}

async function bestOf(
  reference: Job,
  folder: string,
): Promise<{ concurrency: number; pool: number; seconds: number }> {
  let best = { concurrency: 1, pool: POOL, seconds: Number.POSITIVE_INFINITY };
  for (const [concurrency, pool] of [
    [CORES, CORES],
    [CORES * 2, CORES],
    [CORES * 2, CORES * 2],
    [CORES * 4, CORES * 2],
  ] as const) {
    const { seconds } = await timed(reference, folder, { concurrency, pool });
    if (seconds < best.seconds) best = { concurrency, pool, seconds };
  }
  return best;
}

async function loop(folder: string, concurrency: number, write: boolean): Promise<void> {
  const files = filesBelow(imagesIn(folder));
  const store = storeIn(folder);
  if (write) mkdirSync(store);
  let next = 0;
  const signal = new AbortController().signal;
  const tools = () => Promise.reject(new Error('images need no ffprobe'));
  const lane = async () => {
    while (next < files.length) {
      const buffer = await readFile(files[next++]!);
      const sha256 = hash('sha256', buffer, 'hex');
      const sniffed = await sniff(buffer.subarray(0, HEAD_BYTES));
      await probe(sniffed, { buffer }, { check: 'decode', maxPixels: 85e6, tools, signal });
      if (write) await writeFile(join(store, sha256), buffer);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

async function sluice(folder: string, job: 'null' | 'store'): Promise<void> {
  capYoungGeneration();
  const store = storeIn(folder);
  const sink = job === 'null' ? { sink: nullSink(join(store, 'tmp')) } : {};
  const report = await ingest({ source: imagesIn(folder), store, ...sink });
  if (report.exitCode !== 0) throw new Error(JSON.stringify(report));
}

function imagesIn(folder: string): string {
  return join(folder, 'images');
}

function storeIn(folder: string): string {
  return join(folder, 'store');
}

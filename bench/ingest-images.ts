/**
 * Images into a null sink and into the local store, each against a bare loop that does the same reading, hashing and
 * image check (and, for the store, a plain write of the same bytes), at the loop's own best concurrency.
 *
 *   npm run bench -- ingest-images [count]
 */
import { hash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ingest } from '../src/index.ts';
import { probe } from '../src/media/probe.ts';
import { sniff } from '../src/media/sniff.ts';
import { nullSink } from '../src/stores/index.ts';
import { filesBelow, makeImages } from './support/images.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const WORK = join(tmpdir(), 'sluice-bench');
const IMAGES = join(WORK, 'images');
const STORE = join(WORK, 'store');
const ROUNDS = 3;

const [mode, argument] = process.argv.slice(2);
if (mode === 'loop' || mode === 'loop-write') await loop(Number(argument), mode === 'loop-write');
else if (mode === 'null' || mode === 'store') await sluice(mode);
else await compare(Number(mode ?? 10_000));

async function compare(count: number): Promise<void> {
  await makeImages(WORK, count);
  console.log(`${count} JPEGs of about 100 kB · ${machine()}`);
  for (const [name, reference] of [
    ['null', 'loop'],
    ['store', 'loop-write'],
  ] as const) {
    const concurrency = await bestConcurrency(reference);
    const loops: number[] = [];
    const ours: number[] = [];
    let peak = 0;
    let loopPeak = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const a = await timed([SELF, reference, String(concurrency)]);
      const b = await timed([SELF, name]);
      loops.push(a.seconds);
      ours.push(b.seconds);
      peak = Math.max(peak, b.peakMb);
      loopPeak = Math.max(loopPeak, a.peakMb);
    }
    const ratio = median(loops) / median(ours);
    console.log(
      `${name.padEnd(5)} sluice ${(count / median(ours)).toFixed(0)} items/s, ${peak.toFixed(0)} MB peak · ` +
        `${reference} ×${concurrency} ${(count / median(loops)).toFixed(0)} items/s, ${loopPeak.toFixed(0)} MB peak · ` +
        `ratio ${ratio.toFixed(2)} (want ≥ 0.8)`,
    );
  }
  rmSync(STORE, { recursive: true, force: true });
}

/** Seconds as the child took them, without starting Node and loading code; memory from outside. */
async function timed(argv: string[]): Promise<{ seconds: number; peakMb: number }> {
  rmSync(STORE, { recursive: true, force: true });
  const { stdout, peakMb } = await measure(argv, { UV_THREADPOOL_SIZE: String(availableParallelism() * 2) });
  return { seconds: Number(stdout), peakMb };
}

async function bestConcurrency(reference: string): Promise<number> {
  let best = { concurrency: 1, seconds: Number.POSITIVE_INFINITY };
  for (const concurrency of [
    availableParallelism(),
    availableParallelism() * 2,
    availableParallelism() * 4,
  ]) {
    const { seconds } = await timed([SELF, reference, String(concurrency)]);
    if (seconds < best.seconds) best = { concurrency, seconds };
  }
  return best.concurrency;
}

async function loop(concurrency: number, write: boolean): Promise<void> {
  const files = filesBelow(IMAGES);
  if (write) mkdirSync(STORE, { recursive: true });
  const began = performance.now();
  let next = 0;
  const signal = new AbortController().signal;
  const tools = () => Promise.reject(new Error('images need no ffprobe'));
  const lane = async () => {
    while (next < files.length) {
      const buffer = await readFile(files[next++]!);
      const sha256 = hash('sha256', buffer, 'hex');
      await probe(
        await sniff(buffer.subarray(0, 4096)),
        { buffer },
        { check: 'decode', maxPixels: 85e6, tools, signal },
      );
      if (write) await writeFile(join(STORE, sha256), buffer);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  process.stdout.write(String((performance.now() - began) / 1000));
}

async function sluice(target: 'null' | 'store'): Promise<void> {
  const began = performance.now();
  const sink = target === 'null' ? { sink: nullSink(join(STORE, 'tmp')) } : {};
  const report = await ingest({ source: IMAGES, store: STORE, ...sink });
  if (report.exitCode !== 0) throw new Error(JSON.stringify(report));
  process.stdout.write(String((performance.now() - began) / 1000));
}

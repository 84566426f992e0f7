/**
 * Reading a ZIP: the loader's listing and every entry's bytes, CRC checked, against `unzip -p > /dev/null`.
 *
 *     node bench/zip.ts [megabytes = 300] [rounds = 5]
 *
 * The archive is made by `zip` from pictures and videos (noise, which Deflate cannot shrink, as in real ones) and
 * texts. `unzip` checks the CRC as well; it has one thread. The first round warms the page cache and is not counted.
 */
import { execFileSync, execSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/io/clock.ts';
import { zip } from '../src/loaders/zip.ts';
import { type Context, isOutcome, type Listed } from '../src/model/contracts.ts';
import { machine, median } from './support/measure.ts';

const TARGET = 0.7;
/** Lest chance make the noise look like an archive. */
const JPEG_START = Buffer.from('ffd8ffe0', 'hex');
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ctx: Context = { logger: silent, signal: new AbortController().signal, clock: systemClock };

const megabytes = Number(process.argv[2] ?? 300);
const rounds = Number(process.argv[3] ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-zip-'));
try {
  const file = makeArchive(folder, megabytes * 1e6);
  console.log(machine());
  const unzip: number[] = [];
  const ours = new Map<number, number[]>([1, 4, 8].map((concurrency) => [concurrency, []]));
  for (let round = 0; round <= rounds; round++) {
    const reference = seconds(() => execSync(`unzip -p ${JSON.stringify(file)} > /dev/null`));
    if (round > 0) unzip.push(await reference);
    for (const [concurrency, times] of ours) {
      const time = await seconds(() => readAll(file, concurrency));
      if (round > 0) times.push(time);
    }
  }
  console.log(`unzip -p > /dev/null: ${median(unzip).toFixed(2)} s`);
  for (const [concurrency, times] of ours) {
    const ratio = median(unzip) / median(times);
    const verdict = ratio >= TARGET ? 'meets' : 'MISSES';
    console.log(
      `${concurrency} at once: ${median(times).toFixed(2)} s, ${ratio.toFixed(2)} × unzip, ${verdict} ${TARGET}`,
    );
  }
  console.log(`peak resident memory: ${Math.round((process.resourceUsage().maxRSS * 1024) / 1e6)} MB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Four fifths pictures of about 100 kB and videos of 5 MB, one fifth texts of 1 to 30 kB. */
function makeArchive(root: string, bytes: number): string {
  const words = Array.from({ length: 5000 }, () => randomBytes(4).toString('base64url'));
  const write = (name: string, content: Buffer | string) => writeFileSync(join(root, 'files', name), content);
  for (const kind of ['images', 'videos', 'texts']) mkdirSync(join(root, 'files', kind), { recursive: true });
  for (let i = 0, left = bytes * 0.6; left > 0; i++, left -= 100_000) {
    write(`images/${i}.jpg`, Buffer.concat([JPEG_START, randomBytes(50_000 + ((i * 7919) % 100_000))]));
  }
  for (let i = 0, left = bytes * 0.2; left > 0; i++, left -= 5e6)
    write(`videos/${i}.mp4`, Buffer.concat([JPEG_START, randomBytes(5e6)]));
  for (let i = 0, left = bytes * 0.2; left > 0; i++, left -= 15_500) {
    const text = Array.from({ length: 150 + ((i * 104_729) % 4350) }, (_, k) => words[(k * k + i) % 5000]);
    write(`texts/${i}.txt`, text.join(' '));
  }
  const file = join(root, 'mixed.zip');
  execFileSync('zip', ['-q', '-r', file, 'files'], { cwd: root });
  console.log(`${Math.round(statSync(file).size / 1e6)} MB archive`);
  return file;
}

async function seconds(run: () => unknown): Promise<number> {
  const began = performance.now();
  await run();
  return (performance.now() - began) / 1000;
}

async function readAll(file: string, concurrency: number): Promise<void> {
  const loader = await zip.open(file, zip.options.parse({}));
  const listing = loader.list(ctx);
  const readers = Array.from({ length: concurrency }, async () => {
    for (let next = await listing.next(); !next.done; next = await listing.next()) await readItem(next.value);
  });
  await Promise.all(readers);
}

async function readItem(listed: Listed): Promise<void> {
  if (isOutcome(listed)) throw new Error(`${listed.uri}: ${listed.message}`);
  let bytes = 0;
  for await (const chunk of await listed.open!(ctx.signal)) bytes += (chunk as Buffer).length;
  if (bytes !== listed.size) throw new Error(`${listed.uri}: ${bytes} of ${listed.size} bytes`);
}

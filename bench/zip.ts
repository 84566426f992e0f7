/**
 * Reading a ZIP: the loader's listing and every entry's bytes, CRC checked, against `unzip -p > /dev/null`.
 *
 *     npm run bench -- zip [megabytes = 300] [tiny entries = 70000] [rounds = 5]
 *
 * One archive is made by `zip` from pictures and videos (noise, which Deflate cannot shrink, as in real ones) and
 * texts, another from many texts of a few bytes. `unzip` checks the CRC as well; it has one thread. The first round
 * warms the page cache and is not counted.
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
const tinyEntries = Number(process.argv[3] ?? 70_000);
const rounds = Number(process.argv[4] ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-zip-'));
try {
  console.log(`${machine()}, ${unzipVersion()}`);
  await compare(
    zipOf(folder, 'mixed', (root) => writeMixed(root, megabytes * 1e6)),
    TARGET,
  );
  await compare(
    zipOf(folder, 'tiny', (root) => writeTiny(root, tinyEntries)),
    undefined,
  );
  console.log(`peak resident memory: ${Math.round((process.resourceUsage().maxRSS * 1024) / 1e6)} MB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function compare(file: string, target: number | undefined): Promise<void> {
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
    const verdict = target === undefined ? '' : `, ${ratio >= target ? 'meets' : 'MISSES'} ${target}`;
    console.log(
      `${concurrency} at once: ${median(times).toFixed(2)} s, ${ratio.toFixed(2)} × unzip${verdict}`,
    );
  }
}

/** Such as `UnZip 6.00`. */
function unzipVersion(): string {
  return execFileSync('unzip', ['-v'], { encoding: 'utf8' }).split(' of ')[0]!;
}

/** Packs what `write` puts into a folder. */
function zipOf(parent: string, name: string, write: (root: string) => void): string {
  const root = join(parent, name);
  mkdirSync(root);
  write(root);
  const file = `${root}.zip`;
  execFileSync('zip', ['-q', '-r', file, name], { cwd: parent });
  rmSync(root, { recursive: true });
  console.log(`${name}: ${(statSync(file).size / 1e6).toFixed(0)} MB archive`);
  return file;
}

/** Texts of five bytes, a thousand in a folder. */
function writeTiny(root: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const folder = join(root, String(Math.floor(i / 1000)));
    if (i % 1000 === 0) mkdirSync(folder);
    writeFileSync(join(folder, `${i}.txt`), String(i % 100_000).padStart(5, '0'));
  }
}

/** Four fifths pictures of about 100 kB and videos of 5 MB, one fifth texts of 1 to 30 kB. */
function writeMixed(root: string, bytes: number): void {
  const words = Array.from({ length: 5000 }, () => randomBytes(4).toString('base64url'));
  const write = (name: string, content: Buffer | string) => writeFileSync(join(root, name), content);
  for (const kind of ['images', 'videos', 'texts']) mkdirSync(join(root, kind));
  for (let i = 0, left = bytes * 0.6; left > 0; i++, left -= 100_000) {
    write(`images/${i}.jpg`, Buffer.concat([JPEG_START, randomBytes(50_000 + ((i * 7919) % 100_000))]));
  }
  for (let i = 0, left = bytes * 0.2; left > 0; i++, left -= 5e6)
    write(`videos/${i}.mp4`, Buffer.concat([JPEG_START, randomBytes(5e6)]));
  for (let i = 0, left = bytes * 0.2; left > 0; i++, left -= 15_500) {
    const text = Array.from({ length: 150 + ((i * 104_729) % 4350) }, (_, k) => words[(k * k + i) % 5000]);
    write(`texts/${i}.txt`, text.join(' '));
  }
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

/**
 * A CSV of texts: the whole run into a null sink, the loader's listing, and its cutting and splitting alone, against
 * fast-csv's parsing alone.
 *
 *     npm run bench -- csv [megabytes = 200] [rounds = 3]
 *
 * The rows are those of the SDK: an id, a text of 10 to 30 words, quoted labels, JSON metadata. "derived" leaves the
 * id out, so that the loader makes one of each row's text. Every run is a process of its own; times are taken inside.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'fast-csv';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { RecordCutter } from '../src/formats/csv/cutter.ts';
import { RowReader } from '../src/formats/csv/row-reader.ts';
import { ingest } from '../src/index.ts';
import { systemClock } from '../src/io/clock.ts';
import { csv } from '../src/loaders/csv.ts';
import { nullSink } from '../src/stores/index.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const TARGETS: Record<string, number> = { run: 0.5, loader: 0.7 };
/** With which fast-csv is fastest. */
const CHUNK_BYTES = 256 * 1024;
const SUBJECTS = ['run', 'loader', 'rows'] as const;

const [mode, argument] = process.argv.slice(2);
if (mode === 'fast-csv') await timed(() => fastCsv(argument!));
else if (mode === 'loader') await timed(() => loader(argument!));
else if (mode === 'run') await timed(() => run(argument!));
else if (mode === 'rows') await timed(() => rows(argument!));
else await compare(Number(mode ?? 200), Number(argument ?? 3));

async function compare(megabytes: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-csv-'));
  try {
    console.log(machine('fast-csv'));
    for (const ids of ['given', 'derived'] as const) {
      const file = join(folder, `${ids}.csv`);
      const count = await writeRows(file, megabytes * 1e6, ids === 'given');
      console.log(`ids ${ids}: ${count} rows, ${Math.round(statSync(file).size / 1e6)} MB`);
      const times = new Map<string, number[]>(['fast-csv', ...SUBJECTS].map((name) => [name, []]));
      const peaks = new Map<string, number>();
      for (let round = 0; round < rounds; round++) {
        for (const [name, taken] of times) {
          const { stdout, peakMb } = await measure([SELF, name, file]);
          const [seconds, listed] = JSON.parse(stdout) as [number, number];
          if (listed !== count) throw new Error(`${name} gave ${listed} rows of ${count}`);
          taken.push(seconds);
          peaks.set(name, Math.max(peaks.get(name) ?? 0, peakMb));
        }
      }
      const reference = median(times.get('fast-csv')!);
      for (const [name, taken] of times) {
        const ratio = reference / median(taken);
        const target = TARGETS[name];
        const verdict = target === undefined ? '' : `, ${ratio >= target ? 'meets' : 'MISSES'} ${target}`;
        console.log(
          `  ${name.padEnd(8)} ${(count / median(taken) / 1000).toFixed(0)} k rows/s, ` +
            `${ratio.toFixed(2)} × fast-csv${verdict}, ${peaks.get(name)!.toFixed(0)} MB peak`,
        );
      }
      rmSync(file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed(work: () => Promise<number>): Promise<void> {
  capYoungGeneration();
  const began = performance.now();
  const count = await work();
  process.stdout.write(JSON.stringify([(performance.now() - began) / 1000, count]));
}

async function fastCsv(file: string): Promise<number> {
  let count = 0;
  const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES }).pipe(parse({ headers: false }));
  stream.on('data', () => count++);
  await once(stream, 'end');
  return count - 1;
}

/** Cutting, decoding and splitting, without what the loader makes of a row. */
async function rows(file: string): Promise<number> {
  const layout = { delimiter: ',', maxRecordBytes: 1_000_000 };
  const cutter = new RecordCutter(createReadStream(file), layout);
  const reader = new RowReader(cutter, {
    ...layout,
    encoding: { name: 'utf-8', how: 'default', markBytes: 0 },
  });
  let count = 0;
  for (let block = await reader.read(); block !== undefined; block = await reader.read())
    count += block.length;
  return count - 1;
}

async function loader(file: string): Promise<number> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const opened = await csv.open(file, csv.options.parse({}));
  const ctx = { logger, signal: new AbortController().signal, clock: systemClock };
  let count = 0;
  for await (const _ of opened.list(ctx)) count++;
  return count;
}

async function run(file: string): Promise<number> {
  const store = `${file}-store`;
  try {
    const { totals } = await ingest({ source: file, store, sink: nullSink(join(store, 'tmp')) });
    return totals.ok;
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}

/** Writes rows up to a size in bytes and gives their number. */
async function writeRows(file: string, bytes: number, withIds: boolean): Promise<number> {
  const words = 'the quick brown fox jumps over a lazy dog while it rains in the old town'.split(' ');
  const out = createWriteStream(file);
  out.write(`${withIds ? 'inputid,' : ''}input,concepts,metadata\n`);
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed % below;
  };
  let count = 0;
  for (let size = 0; size < bytes; ) {
    let block = '';
    for (let i = 0; i < 2000; i++) {
      count++;
      const prose = Array.from({ length: 10 + random(20) }, () => words[random(words.length)]).join(' ');
      const text = count % 3 === 0 ? `"${prose}, and so on ${count}"` : `${prose} ${count}`;
      const labels = count % 4 === 0 ? 'cat' : '"cat,dog"';
      block += `${withIds ? `row-${count},` : ''}${text},${labels},"{""source"": ""web"", ""page"": ${count % 97}}"\n`;
    }
    size += block.length;
    if (!out.write(block)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return count;
}

/**
 * Labels of a COCO file, against Datumaro's import of the same folder.
 *
 *     npm run python annotations && npm run bench -- coco-labels [boxes = 100000] [rounds = 5]
 *
 * "labels" is the label source with the check of what it gives, for every image into nothing; "parse" is JSON.parse of
 * the whole file, for comparison. "ingest" is a whole run over the folder into the null sink, images checked by their
 * header, where Datumaro opens no image at all: it lists, reads and hashes every file, and keeps its ledger and report.
 * Every run is a process of its own, the subjects take turns; times are taken inside, without the start of the
 * process. Memory is compared with ten times the boxes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { checkAnnotations } from '../src/annotations/check.ts';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { ingest } from '../src/index.ts';
import { systemClock } from '../src/io/clock.ts';
import { coco } from '../src/labels/coco.ts';
import { nullSink } from '../src/stores/index.ts';
import { BOXES_AN_IMAGE, HEIGHT, imageName, type Order, WIDTH, writeCoco } from './support/coco-folder.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const PYTHON = fileURLToPath(new URL('../.cache/python/annotations/bin/python', import.meta.url));
/** What src/cli/main.ts chooses. */
const POOL = Math.max(4, availableParallelism() * 2);
/** Of the labels alone; a whole run has none. */
const TARGET = 5;
const TARGET_MB = 48;

const DATUMARO = `
import json, resource, sys, time
from datumaro import Dataset
began, cpu = time.perf_counter(), time.process_time()
dataset = Dataset.import_from(sys.argv[1], "coco_instances")
boxes = sum(1 for item in dataset for a in item.annotations if a.type.name == "bbox")
seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps({"seconds": seconds, "cpu": cpu, "boxes": boxes, "peakMb": peak}))
`;

type Subject = 'labels' | 'ingest' | 'parse' | 'datumaro';

interface Timed {
  seconds: number;
  /** Of all threads, in seconds. */
  cpu: number;
  boxes: number;
}

interface Run extends Timed {
  peakMb: number;
}

const [mode, argument, rest] = process.argv.slice(2);
if (mode === 'labels') await timed(() => labels(argument!, Number(rest) / BOXES_AN_IMAGE));
else if (mode === 'ingest') await timed(() => wholeRun(argument!));
else if (mode === 'parse') await timed(async () => parse(argument!));
else await compare(Number(mode ?? 100_000), Number(argument ?? 5));

async function compare(boxes: number, rounds: number): Promise<void> {
  console.log(machine());
  for (const order of ['by image', 'scattered'] as const) {
    const peaks = await inFolder(boxes, order, ['labels', 'ingest', 'parse', 'datumaro'], rounds);
    const tenfold = await inFolder(boxes * 10, order, ['labels', 'ingest'], 1);
    for (const [subject, peak] of tenfold) {
      const grown = peak - peaks.get(subject)!;
      const verdict = grown <= TARGET_MB ? 'meets' : 'MISSES';
      console.log(
        `  ${subject}: ${boxes * 10} boxes take ${grown.toFixed(0)} MB more, ${verdict} ${TARGET_MB}`,
      );
    }
  }
}

/** Gives the peak memory of each subject, in MB. */
async function inFolder(
  boxes: number,
  order: Order,
  subjects: readonly Subject[],
  rounds: number,
): Promise<Map<Subject, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-coco-'));
  try {
    const file = await writeCoco(folder, boxes, order);
    console.log(`${boxes} boxes ${order}, ${Math.round(statSync(file).size / 1e6)} MB`);
    const runs = new Map<Subject, Run[]>(subjects.map((subject) => [subject, []]));
    for (let i = 0; i < rounds; i++) {
      for (const [subject, all] of runs) {
        const run = subject === 'datumaro' ? datumaro(folder) : await ours(subject, folder, boxes);
        if (run.boxes !== boxes) throw new Error(`${subject} found ${run.boxes} boxes of ${boxes}`);
        all.push(run);
      }
    }
    for (const [subject, all] of runs) console.log(`  ${shown(subject, all, runs.get('datumaro'))}`);
    return new Map([...runs].map(([subject, all]) => [subject, peakOf(all)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function shown(subject: Subject, runs: readonly Run[], reference: readonly Run[] | undefined): string {
  const of = (all: readonly Run[], field: 'seconds' | 'cpu') => median(all.map((run) => run[field]));
  const [seconds, cpu] = [of(runs, 'seconds'), of(runs, 'cpu')];
  const own = `${subject.padEnd(8)} ${seconds.toFixed(2)} s, ${cpu.toFixed(2)} s CPU, ${peakOf(runs).toFixed(0)} MB peak`;
  if (reference === undefined || subject === 'datumaro') return own;
  const ratio = of(reference, 'seconds') / seconds;
  const versus = `${ratio.toFixed(1)} × datumaro (${(of(reference, 'cpu') / cpu).toFixed(1)} × by CPU)`;
  const verdict = subject === 'labels' ? `, ${ratio >= TARGET ? 'meets' : 'MISSES'} ${TARGET}` : '';
  return `${own}, ${versus}${verdict}`;
}

function peakOf(runs: readonly Run[]): number {
  return Math.max(...runs.map(({ peakMb }) => peakMb));
}

async function ours(subject: Subject, folder: string, boxes: number): Promise<Run> {
  const env = { UV_THREADPOOL_SIZE: String(POOL) };
  const { stdout, peakMb } = await measure([SELF, subject, folder, String(boxes)], env);
  return { ...(JSON.parse(stdout) as Timed), peakMb };
}

function datumaro(folder: string): Run {
  const python = process.env['SLUICE_BENCH_PYTHON'] ?? PYTHON;
  if (!existsSync(python)) throw new Error('Datumaro is missing: npm run python annotations');
  const { stdout, stderr, status } = spawnSync(python, ['-c', DATUMARO, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Datumaro ended with ${status}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Run;
}

async function timed(work: () => Promise<number>): Promise<void> {
  capYoungGeneration();
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  const boxes = await work();
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  process.stdout.write(JSON.stringify({ seconds, cpu: (user + system) / 1e6, boxes }));
}

/** Every image's labels, checked as a run checks them. */
async function labels(folder: string, images: number): Promise<number> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const ctx = { logger, signal: new AbortController().signal, clock: systemClock };
  const source = coco.create(folder, coco.options.parse({}));
  await source.open(ctx);
  let found = 0;
  for (let i = 0; i < images; i++) {
    // As in a run, where items wait for their bytes; without it no timer of the process ever comes to its turn.
    if (i % 100 === 0) await setImmediate();
    const item = { id: `image-${i}`, uri: `images/train/${imageName(i)}` };
    const { annotations = [], labelledSize } = await (await source.match(item))!.load(ctx);
    const checked = checkAnnotations(annotations, {
      inputId: item.id,
      kind: 'image',
      media: { format: 'jpeg', width: WIDTH, height: HEIGHT },
      ...(labelledSize === undefined ? {} : { labelledSize }),
    });
    for (const { region } of checked.annotations) if (region?.box !== undefined) found++;
  }
  for await (const outcome of source.unmatched(ctx)) throw new Error(`left over: ${outcome.uri}`);
  await source.close();
  return found;
}

/** The whole folder, with every image's header checked and an outcome for each file. */
async function wholeRun(folder: string): Promise<number> {
  const store = mkdtempSync(join(tmpdir(), 'sluice-bench-coco-store-'));
  try {
    const report = await ingest({
      source: folder,
      store,
      sink: nullSink(join(store, 'tmp')),
      annotate: [{ type: 'coco' }],
      options: { check: 'header' },
    });
    if (report.exitCode !== 0) throw new Error(JSON.stringify(report));
    return report.annotations!.totals.ok;
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}

function parse(folder: string): number {
  const text = readFileSync(join(folder, 'annotations', 'instances_train.json'), 'utf8');
  return (JSON.parse(text) as { annotations: unknown[] }).annotations.length;
}

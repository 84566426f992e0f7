/**
 * COCO exports: boxes without media against Datumaro's export of the same data, and media against `cp -r`.
 *
 *     npm run python annotations && npm run bench -- export-coco [boxes = 100000] [images = 10000] [rounds = 3]
 *
 * Boxes are 50 an image, each with an outline of 8 points. Both sides have them in memory before their time begins:
 * Datumaro has imported them from our own export. Memory is taken with ten times the boxes, which come from gzipped JSON
 * Lines then, as a version has them. Media are JPEGs of about 100 kB in the page cache; neither side clones or syncs files. Every run is a process of
 * its own; times are taken inside, for `cp` around.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGunzip, createGzip } from 'node:zlib';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { coco } from '../src/exporters/coco.ts';
import { systemClock } from '../src/io/clock.ts';
import { cutLines } from '../src/io/lines.ts';
import type { DatasetVersion } from '../src/model/dataset.ts';
import type { ExportSource } from '../src/model/export.ts';
import type { Input } from '../src/model/input.ts';
import { missingPython, runPython } from '../test/support/python-environment.ts';
import { filesBelow, makeImages } from './support/images.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
/** What src/cli/main.ts chooses. */
const POOL = Math.max(4, availableParallelism() * 2);
const BOXES_AN_IMAGE = 50;
/** Of an outline. */
const POINTS = 8;
const CLASSES = 80;
const [WIDTH, HEIGHT] = [640, 480];
const MAX_LINE_BYTES = 10_000_000;
const BOXES_TARGET = 8;
const MEDIA_TARGET = 0.7;
const PEAK_MB = 400;

const DATUMARO = `
import resource, time
from datumaro import Dataset
dataset = Dataset.import_from(data['from'], 'coco_instances')
boxes = sum(1 for item in dataset for a in item.annotations if a.type.name == 'polygon')
began = time.perf_counter()
dataset.export(data['to'], 'coco_instances', save_media=False)
seconds = time.perf_counter() - began
result = [seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, boxes]
`;

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'run') {
  const [lines, to, media] = rest as [string, string, string];
  capYoungGeneration();
  const source = media === 'held' ? await held(lines) : sourceOf(() => inputsOf(lines));
  const began = performance.now();
  const written = await run(source, to, media === 'media');
  process.stdout.write(JSON.stringify([(performance.now() - began) / 1000, written]));
} else {
  await compare(Number(mode ?? 100_000), Number(rest[0] ?? 10_000), Number(rest[1] ?? 3));
}

async function compare(boxes: number, images: number, rounds: number): Promise<void> {
  const missing = missingPython('annotations');
  if (missing !== undefined) throw new Error(missing);
  console.log(machine());
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-export-'));
  try {
    await compareBoxes(folder, boxes, rounds);
    await compareMedia(folder, images, rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compareBoxes(folder: string, boxes: number, rounds: number): Promise<void> {
  const lines = await writeLines(join(folder, 'boxes.jsonl.gz'), boxes / BOXES_AN_IMAGE, BOXES_AN_IMAGE);
  const ours: number[] = [];
  const theirs: number[] = [];
  let [peak, theirPeak] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const out = join(folder, `ours-${round}`);
    const own = await timed(lines, out, 'held');
    if (own.written !== boxes) throw new Error(`${own.written} boxes were written, not ${boxes}`);
    const data = { from: out, to: join(folder, `theirs-${round}`) };
    const [seconds, peakMb, found] = await runPython<number[]>('annotations', DATUMARO, data);
    if (found !== boxes) throw new Error(`Datumaro read ${found} boxes, not ${boxes}`);
    ours.push(own.seconds);
    theirs.push(seconds!);
    [peak, theirPeak] = [Math.max(peak, own.peakMb), Math.max(theirPeak, peakMb!)];
  }
  const ratio = median(theirs) / median(ours);
  console.log(`${boxes} boxes with outlines on ${boxes / BOXES_AN_IMAGE} images, without media`);
  console.log(`  sluice   ${median(ours).toFixed(2)} s, ${peak.toFixed(0)} MB peak`);
  console.log(`  datumaro ${median(theirs).toFixed(2)} s, ${theirPeak.toFixed(0)} MB peak with its import`);
  console.log(`  ${ratio.toFixed(1)} × datumaro, ${verdict(ratio >= BOXES_TARGET, BOXES_TARGET)}`);
  const many = await writeLines(join(folder, 'many.jsonl.gz'), (boxes * 10) / BOXES_AN_IMAGE, BOXES_AN_IMAGE);
  const { seconds, peakMb } = await timed(many, join(folder, 'many'), 'labels');
  console.log(
    `  ${boxes * 10} boxes: ${seconds.toFixed(1)} s, ${peakMb.toFixed(0)} MB peak, ${verdict(peakMb < PEAK_MB, `${PEAK_MB} MB`)}`,
  );
}

async function compareMedia(folder: string, images: number, rounds: number): Promise<void> {
  const media = join(folder, 'media');
  mkdirSync(media);
  await makeImages(media, images);
  const files = filesBelow(media);
  const lines = await writeLines(join(folder, 'media.jsonl.gz'), images, 0, files);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const copy = join(folder, 'copy');
    const began = performance.now();
    const { status } = spawnSync('cp', ['-r', '--reflink=never', media, copy], { stdio: 'inherit' });
    theirs.push((performance.now() - began) / 1000);
    if (status !== 0) throw new Error(`cp ended with ${status}`);
    rmSync(copy, { recursive: true });
    const out = join(folder, 'out');
    ours.push((await timed(lines, out, 'media')).seconds);
    const copied = filesBelow(join(out, 'images')).length;
    if (copied !== images) throw new Error(`${copied} images were copied, not ${images}`);
    rmSync(out, { recursive: true });
  }
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const ratio = median(theirs) / median(ours);
  console.log(`${images} images, ${Math.round(bytes / 1e6)} MB`);
  console.log(`  sluice ${median(ours).toFixed(2)} s, cp -r ${median(theirs).toFixed(2)} s`);
  console.log(
    `  ${ratio.toFixed(2)} × cp -r --reflink=never, ${verdict(ratio >= MEDIA_TARGET, MEDIA_TARGET)}`,
  );
}

function verdict(met: boolean, target: number | string): string {
  return `${met ? 'meets' : 'MISSES'} ${target}`;
}

async function timed(
  lines: string,
  to: string,
  what: 'held' | 'labels' | 'media',
): Promise<{ seconds: number; written: number; peakMb: number }> {
  const { stdout, peakMb } = await measure([SELF, 'run', lines, to, what], {
    UV_THREADPOOL_SIZE: String(POOL),
  });
  const [seconds, written] = JSON.parse(stdout) as [number, number];
  return { seconds, written, peakMb };
}

/** Gives the annotations that were written. */
async function run(source: ExportSource, to: string, media: boolean): Promise<number> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const ctx = { logger, signal: new AbortController().signal, clock: systemClock };
  const target = { path: to, checkpoint: undefined, save: async () => {} };
  const writing = coco.write(source, target, coco.options.parse({ media: media ? 'files' : 'none' }), ctx);
  for (;;) {
    const { done, value } = await writing.next();
    if (done) return value.annotations.written;
    if (value.outcome !== 'ok') throw new Error(value.message);
  }
}

async function held(lines: string): Promise<ExportSource> {
  const inputs: Input[] = [];
  for await (const input of inputsOf(lines)) inputs.push(input);
  return sourceOf(async function* () {
    yield* inputs;
  });
}

function sourceOf(inputs: () => AsyncGenerator<Input, void, void>): ExportSource {
  const names = Array.from({ length: CLASSES }, (_, i) => `class ${i}`);
  return {
    version: {
      dataset: 'bench',
      id: 'v1',
      createdAt: '2026-01-01T00:00:00.000Z',
      contentHash: '',
      concepts: {},
    } as DatasetVersion,
    concepts: names.map((name, i) => ({ id: name, name, sourceId: i + 1 })),
    inputs,
    media: async ({ metadata, bytes }) => ({ path: String(metadata['file']), bytes }),
  };
}

async function* inputsOf(path: string): AsyncGenerator<Input, void, void> {
  const bytes = createReadStream(path).pipe(createGunzip());
  for await (const lines of cutLines(bytes, MAX_LINE_BYTES)) {
    for (const line of lines) yield JSON.parse(line.bytes.toString()) as Input;
  }
}

/** Writes a version of so many images; gives the path. */
async function writeLines(path: string, images: number, boxes: number, files?: string[]): Promise<string> {
  const gzip = createGzip({ level: 1 });
  const out = gzip.pipe(createWriteStream(path));
  for (let i = 0; i < images; i++) {
    const file = files?.[i];
    const input: Input = {
      id: `image-${String(i).padStart(9, '0')}`,
      kind: 'image',
      uri: file === undefined ? `${i}.jpg` : basename(file),
      sha256: '0'.repeat(64),
      bytes: file === undefined ? 0 : statSync(file).size,
      media: { format: 'jpeg', width: WIDTH, height: HEIGHT },
      concepts: [],
      metadata: file === undefined ? {} : { file },
      datasets: ['bench'],
      annotations: Array.from({ length: boxes }, (_, k) => annotation(i * boxes + k)),
    };
    if (!gzip.write(`${JSON.stringify(input)}\n`)) await once(gzip, 'drain');
  }
  gzip.end();
  await once(out, 'finish');
  return path;
}

function annotation(id: number): Input['annotations'][number] {
  const name = `class ${id % CLASSES}`;
  const [left, top] = [cents((id * 37.31) % 400), cents((id * 17.17) % 300)];
  const [width, height] = [20 + (id % 200), 20 + (id % 150)];
  const ring = Array.from({ length: POINTS }, (_, i): [number, number] => {
    const angle = (i / POINTS) * 2 * Math.PI;
    return [
      cents(left + (width / 2) * (1 + Math.cos(angle))) / WIDTH,
      cents(top + (height / 2) * (1 + Math.sin(angle))) / HEIGHT,
    ];
  });
  return {
    id: String(id),
    concepts: [{ id: name, name, value: 1 }],
    region: {
      box: {
        left: left / WIDTH,
        top: top / HEIGHT,
        right: (left + width) / WIDTH,
        bottom: (top + height) / HEIGHT,
      },
      polygon: [[ring]],
    },
    // What an import of a COCO file keeps.
    info: { coco: { id: id + 1, area: cents(width * height * Math.SQRT1_2), iscrowd: 0 } },
  };
}

function cents(value: number): number {
  return Math.round(value * 100) / 100;
}

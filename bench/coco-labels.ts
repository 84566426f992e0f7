/**
 * Labels of a COCO file, read for every image into nothing, against Datumaro's import of the same file.
 *
 *     npm run bench -- coco-labels [boxes = 100000] [rounds = 3]
 *
 * 50 boxes an image, each with an outline of 8 points, in the order of the images (as most tools write them) and
 * scattered over the file (as COCO itself is). No pixel is looked at on either side: the media do not exist. "labels"
 * is the label source with the check of what it gives; "parse" is JSON.parse of the whole file, for comparison. Every
 * run is a process of its own; times are taken inside. Memory is compared with ten times the boxes.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { checkAnnotations } from '../src/annotations/check.ts';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { systemClock } from '../src/io/clock.ts';
import { coco } from '../src/labels/coco.ts';
import { machine, measure, median } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const PYTHON = fileURLToPath(new URL('../.cache/python/annotations/bin/python', import.meta.url));
const BOXES_AN_IMAGE = 50;
const TARGET = 5;
const WIDTH = 640;
const HEIGHT = 480;

const DATUMARO = `
import sys, time
from datumaro import Dataset
began = time.perf_counter()
dataset = Dataset.import_from(sys.argv[1], "coco_instances")
boxes = sum(1 for item in dataset for a in item.annotations if a.type.name == "bbox")
print([time.perf_counter() - began, boxes])
`;

const [mode, argument, rest] = process.argv.slice(2);
if (mode === 'labels') await timed(() => labels(argument!, Number(rest)));
else if (mode === 'parse') await timed(async () => parse(argument!));
else await compare(Number(mode ?? 100_000), Number(argument ?? 3));

async function compare(boxes: number, rounds: number): Promise<void> {
  console.log(machine());
  for (const order of ['by image', 'scattered'] as const) {
    const peak = await round(boxes, rounds, order);
    const tenfold = await round(boxes * 10, 1, order, false);
    console.log(`  ${boxes * 10} boxes: + ${(tenfold - peak).toFixed(0)} MB peak`);
  }
}

async function round(
  boxes: number,
  rounds: number,
  order: 'by image' | 'scattered',
  versus = true,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-coco-'));
  try {
    const file = await writeCoco(folder, boxes, order === 'scattered');
    console.log(`${boxes} boxes ${order}, ${Math.round(statSync(file).size / 1e6)} MB`);
    const times: Record<string, number[]> = { labels: [], ...(versus ? { parse: [], datumaro: [] } : {}) };
    const peaks: Record<string, number> = {};
    for (let i = 0; i < rounds; i++) {
      for (const [name, taken] of Object.entries(times)) {
        const { seconds, found, peakMb } =
          name === 'datumaro' ? datumaro(folder) : await ours(name, folder, boxes);
        if (found !== boxes) throw new Error(`${name} found ${found} boxes of ${boxes}`);
        taken.push(seconds);
        peaks[name] = Math.max(peaks[name] ?? 0, peakMb);
      }
    }
    for (const [name, taken] of Object.entries(times)) {
      const peak = peaks[name]! > 0 ? `, ${peaks[name]!.toFixed(0)} MB peak` : '';
      console.log(`  ${name.padEnd(8)} ${median(taken).toFixed(2)} s${peak}`);
    }
    if (versus) {
      const ratio = median(times['datumaro']!) / median(times['labels']!);
      console.log(`  ${ratio.toFixed(1)} × datumaro, ${ratio >= TARGET ? 'meets' : 'MISSES'} ${TARGET}`);
    }
    return peaks['labels']!;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Round {
  seconds: number;
  found: number;
  peakMb: number;
}

async function ours(name: string, folder: string, boxes: number): Promise<Round> {
  const { stdout, peakMb } = await measure([SELF, name, folder, String(boxes / BOXES_AN_IMAGE)]);
  const [seconds, found] = JSON.parse(stdout) as [number, number];
  return { seconds, found, peakMb };
}

function datumaro(folder: string): Round {
  const python = process.env['SLUICE_BENCH_PYTHON'] ?? PYTHON;
  if (!existsSync(python)) throw new Error('Datumaro is missing: npm run python annotations');
  const { stdout, stderr, status } = spawnSync(python, ['-c', DATUMARO, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Datumaro ended with ${status}: ${stderr}`);
  const [seconds, found] = JSON.parse(stdout.trim().split('\n').at(-1)!) as [number, number];
  return { seconds, found, peakMb: 0 };
}

async function timed(work: () => Promise<number>): Promise<void> {
  capYoungGeneration();
  const began = performance.now();
  const found = await work();
  process.stdout.write(JSON.stringify([(performance.now() - began) / 1000, found]));
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
    const item = { id: `image-${i}`, uri: `images/train/${nameOf(i)}` };
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

function parse(folder: string): number {
  const text = readFileSync(join(folder, 'annotations', 'instances_train.json'), 'utf8');
  return (JSON.parse(text) as { annotations: unknown[] }).annotations.length;
}

function nameOf(i: number): string {
  return `${String(i).padStart(12, '0')}.jpg`;
}

/** Writes the file and gives its path. */
async function writeCoco(folder: string, boxes: number, scattered: boolean): Promise<string> {
  mkdirSync(join(folder, 'annotations'));
  mkdirSync(join(folder, 'images', 'train'), { recursive: true });
  const file = join(folder, 'annotations', 'instances_train.json');
  const out = createWriteStream(file);
  const images = boxes / BOXES_AN_IMAGE;
  const categories = Array.from({ length: 80 }, (_, i) => ({
    id: i + 1,
    name: `class ${i}`,
    supercategory: '',
  }));
  const list = Array.from({ length: images }, (_, i) => ({
    id: i + 1,
    width: WIDTH,
    height: HEIGHT,
    file_name: nameOf(i),
    license: 1,
    date_captured: '2013-11-14 17:02:52',
  }));
  out.write(`{"info": {}, "licenses": [], "images": ${JSON.stringify(list)}, "annotations": [\n`);
  for (let id = 1; id <= boxes; ) {
    let block = '';
    for (let i = 0; i < 1000 && id <= boxes; i++, id++) {
      const image = scattered ? ((id - 1) % images) + 1 : Math.ceil(id / BOXES_AN_IMAGE);
      block += `${JSON.stringify(annotation(id, image))}${id === boxes ? '' : ', '}`;
    }
    if (!out.write(block)) await once(out, 'drain');
  }
  out.end(`], "categories": ${JSON.stringify(categories)}}`);
  await once(out, 'finish');
  return file;
}

function annotation(id: number, image: number): object {
  const left = (id * 37.31) % 400;
  const top = (id * 17.17) % 300;
  const width = 20 + (id % 200);
  const height = 20 + (id % 150);
  const outline = Array.from({ length: 8 }, (_, i) => {
    const angle = (i / 8) * 2 * Math.PI;
    return [
      cents(left + (width / 2) * (1 + Math.cos(angle))),
      cents(top + (height / 2) * (1 + Math.sin(angle))),
    ];
  });
  return {
    segmentation: [outline.flat()],
    area: cents(width * height * 0.7),
    iscrowd: 0,
    image_id: image,
    bbox: [cents(left), cents(top), width, height],
    category_id: (id % 80) + 1,
    id,
  };
}

function cents(value: number): number {
  return Math.round(value * 100) / 100;
}

/**
 * Run-length encoding: masks to strings, strings to masks and polygons to strings, against pycocotools' C code on the
 * same masks.
 *
 *     npm run python annotations && npm run bench -- rle [rounds = 5]
 *
 * "columns" is the codec alone, on bitmaps in the order of its runs. "rows" is what a picture's mask takes: there
 * pycocotools is handed `np.asfortranarray`, and `np.ascontiguousarray` takes what it gives. Blobs are objects as in
 * COCO (a photo of 640 × 480, an object of a fifth of it in each direction); large ones fill a camera's photo; noise is
 * what run-length encoding is worst at.
 */
import { decodeMask, encodeMask, maskOfRuns } from '../src/annotations/mask.ts';
import { polygonRuns } from '../src/annotations/polygon-runs.ts';
import { decodeColumns, encodeColumns, formatRuns, parseRuns } from '../src/annotations/runs.ts';
import type { Mask, Polygon, Position } from '../src/model/annotation.ts';
import { missingPython, runPython } from '../test/support/python-environment.ts';
import { randomFrom } from '../test/support/random.ts';
import { machine, median } from './support/measure.ts';

/** Polygons have none. */
const TARGET = 0.5;
/** Pixels that each measurement goes through, about. */
const PIXELS = 200e6;
const TASKS = ['encode columns', 'decode columns', 'encode rows', 'decode rows', 'polygons'] as const;
type Task = (typeof TASKS)[number];
type Seconds = Record<Task, number>;

const THEIRS = `
import time
import numpy as np, pycocotools.mask as m
height, width = data['size']
flat = [[v for point in ring for v in point] for ring in data['rings']]
rles = [{'size': [height, width], 'counts': counts.encode()} for counts in data['counts']]
columns = [m.decode(rle) for rle in rles]
rows = [np.ascontiguousarray(mask) for mask in columns]
result = {}
def timed(name, work):
    began = time.perf_counter()
    for _ in range(data['repeats']): work()
    result[name] = time.perf_counter() - began
def each(f, items):
    for item in items: f(item)
timed('encode columns', lambda: each(m.encode, columns))
timed('decode columns', lambda: each(m.decode, rles))
timed('encode rows', lambda: each(lambda mask: m.encode(np.asfortranarray(mask)), rows))
timed('decode rows', lambda: each(lambda rle: np.ascontiguousarray(m.decode(rle)), rles))
timed('polygons', lambda: each(lambda ring: m.frPyObjects([ring], height, width), flat))
`;

interface Sample {
  name: string;
  width: number;
  height: number;
  masks: Mask[];
  rings: Position[][];
  repeats: number;
}

const rounds = Number(process.argv[2] ?? 5);
const missing = missingPython('annotations');
if (missing !== undefined) throw new Error(missing);
console.log(machine());
for (const sample of samples()) await compare(sample);

async function compare(sample: Sample): Promise<void> {
  const { name, width, height, masks, rings, repeats } = sample;
  const theirs: Seconds[] = [];
  const ours: Seconds[] = [];
  const counts = masks.map((mask) => mask.counts);
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const reference = await runPython<Seconds>('annotations', THEIRS, {
      size: [height, width],
      counts,
      rings,
      repeats,
    });
    const own = measureOurs(sample);
    if (round === 0) continue;
    theirs.push(reference);
    ours.push(own);
  }
  console.log(`${name}: ${masks.length} masks of ${width} × ${height}, ${counts.join('').length} characters`);
  for (const task of TASKS) {
    const [reference, own] = [theirs, ours].map((all) => median(all.map((seconds) => seconds[task])));
    const ratio = reference! / own!;
    const verdict = task === 'polygons' ? '' : `, ${ratio >= TARGET ? 'meets' : 'MISSES'} ${TARGET}`;
    const each = (seconds: number) => `${((seconds / repeats / masks.length) * 1e6).toFixed(0)} µs`;
    console.log(
      `  ${task.padEnd(14)} ${each(own!)} a mask, pycocotools ${each(reference!)}: ` +
        `${ratio.toFixed(2)} ×${verdict}`,
    );
  }
}

function measureOurs({ width, height, masks, rings, repeats }: Sample): Seconds {
  const columns = masks.map(({ counts }) => decodeColumns(parseRuns(counts), width * height));
  const rows = masks.map(decodeMask);
  const polygons: Polygon[] = rings.map((ring) => [[ring]]);
  const timed = <Item>(items: readonly Item[], work: (item: Item) => unknown): number => {
    const began = performance.now();
    for (let repeat = 0; repeat < repeats; repeat++) for (const item of items) work(item);
    return (performance.now() - began) / 1000;
  };
  return {
    'encode columns': timed(columns, (bitmap) => formatRuns(encodeColumns(bitmap))),
    'decode columns': timed(masks, ({ counts }) => decodeColumns(parseRuns(counts), width * height)),
    'encode rows': timed(rows, (bitmap) => encodeMask(bitmap, width, height)),
    'decode rows': timed(masks, decodeMask),
    polygons: timed(polygons, (polygon) => formatRuns(polygonRuns(polygon, height, width))),
  };
}

function samples(): Sample[] {
  const random = randomFrom(1);
  const blobs = (name: string, width: number, height: number, reach: number, count: number): Sample => {
    const rings = Array.from({ length: count }, () => blob(random, width, height, reach));
    const masks = rings.map((ring) => maskOfRuns(polygonRuns([[ring]], height, width), width, height));
    return sampleOf(name, width, height, masks, rings);
  };
  const noise = Array.from({ length: 20 }, () =>
    encodeMask(
      Uint8Array.from({ length: 640 * 480 }, () => (random() < 0.5 ? 1 : 0)),
      640,
      480,
    ),
  );
  const grains = noise.map(() => blob(random, 640, 480, 0.01));
  return [
    blobs('blobs', 640, 480, 0.1, 200),
    blobs('large', 4000, 3000, 0.4, 10),
    sampleOf('noise', 640, 480, noise, grains),
  ];
}

function sampleOf(name: string, width: number, height: number, masks: Mask[], rings: Position[][]): Sample {
  const repeats = Math.max(1, Math.round(PIXELS / (width * height * masks.length)));
  return { name, width, height, masks, rings, repeats };
}

/** An outline of 40 points around a place in the image, as far as `reach` of its sides. */
function blob(random: () => number, width: number, height: number, reach: number): Position[] {
  const [x, y] = [random() * width, random() * height];
  return Array.from({ length: 40 }, (_, i) => {
    const angle = (i / 40) * 2 * Math.PI;
    const radius = reach * (0.6 + 0.4 * random());
    return [x + Math.cos(angle) * radius * width, y + Math.sin(angle) * radius * height];
  });
}

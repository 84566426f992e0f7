/**
 * Exporting media-bound archives: `protobuf` and `json` of images of about 100 kB, against `zip -0 -r` of the same files.
 *
 *     npm run bench -- export-archive [images = 10000] [rounds = 3]
 *
 * The files lie as a store's blobs do. Both sides read from the page cache, which a first round that is not counted
 * warms, and write to the same disk; ours is also made durable, and `zip` is followed by `sync` of its file for that
 * reason. JSON holds a third more bytes, as base64, which the ratio does not allow for.
 */
import { execFileSync, execSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from '../src/exporters/json.ts';
import { protobuf } from '../src/exporters/protobuf.ts';
import { systemClock } from '../src/io/clock.ts';
import type { Context } from '../src/model/contracts.ts';
import type { DatasetVersion, VersionMetrics } from '../src/model/dataset.ts';
import type { ExportSource } from '../src/model/export.ts';
import type { Input } from '../src/model/input.ts';
import { filesBelow, makeImages } from './support/images.ts';
import { machine, median } from './support/measure.ts';

const TARGET = 0.7;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const ctx: Context = { logger: silent, signal: new AbortController().signal, clock: systemClock };

const count = Number(process.argv[2] ?? 10_000);
const rounds = Number(process.argv[3] ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-export-'));
try {
  console.log(`${machine()}, ${zipVersion()}`);
  const source = await blobs(join(folder, 'blobs'));
  const times = { zip: [] as number[], protobuf: [] as number[], json: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const took = {
      zip: await seconds(() => zipped()),
      protobuf: await seconds(() => exported(protobuf, source)),
      json: await seconds(() => exported(json, source)),
    };
    if (round === 0) continue;
    for (const name of ['zip', 'protobuf', 'json'] as const) times[name].push(took[name]);
  }
  console.log(`zip -0 -r: ${median(times.zip).toFixed(2)} s`);
  for (const name of ['protobuf', 'json'] as const) {
    const ratio = median(times.zip) / median(times[name]);
    const verdict = ratio >= TARGET ? 'meets' : 'MISSES';
    console.log(
      `${name}: ${median(times[name]).toFixed(2)} s, ${ratio.toFixed(2)} × zip, ${verdict} ${TARGET}`,
    );
  }
  console.log(`peak resident memory: ${Math.round((process.resourceUsage().maxRSS * 1024) / 1e6)} MB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Images under their hashes, and a version that names them. */
async function blobs(root: string): Promise<ExportSource> {
  const made = join(folder, 'made');
  await makeImages(made, count);
  const paths = new Map<string, { path: string; bytes: number }>();
  const inputs = filesBelow(made).map((file, i): Input => {
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    const { size: bytes } = statSync(file);
    mkdirSync(join(root, sha256.slice(0, 2)), { recursive: true });
    const path = join(root, sha256.slice(0, 2), sha256);
    renameSync(file, path);
    const id = `image-${String(i).padStart(6, '0')}`;
    paths.set(id, { path, bytes });
    const rest = {
      concepts: [{ id: 'c', name: 'c', value: 1 }],
      metadata: {},
      datasets: [],
      annotations: [],
    };
    const media = { format: 'jpeg', width: 640, height: 480 };
    return { id, kind: 'image', uri: `${id}.jpg`, sha256, bytes, media, ...rest };
  });
  const total = inputs.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`${count} images, ${(total / 1e6).toFixed(0)} MB`);
  return {
    version: { metrics: {} as VersionMetrics } as DatasetVersion,
    concepts: [],
    async *inputs() {
      yield* inputs;
    },
    media: async ({ id }) => paths.get(id)!,
  };
}

async function exported(exporter: typeof protobuf, source: ExportSource): Promise<void> {
  const path = join(folder, `${exporter.name}.zip`);
  rmSync(path, { force: true });
  const target = { path, checkpoint: undefined, save: async () => {} };
  const running = exporter.write(source, target, exporter.options.parse({}), ctx);
  let ok = 0;
  for (let step = await running.next(); !step.done; step = await running.next()) {
    if (step.value.code === 'EXPORTED') ok++;
  }
  if (ok !== count) throw new Error(`${ok} of ${count} were exported`);
}

function zipped(): void {
  rmSync(join(folder, 'reference.zip'), { force: true });
  execSync('zip -q -0 -r reference.zip blobs && sync reference.zip', { cwd: folder });
}

async function seconds(run: () => unknown): Promise<number> {
  const began = performance.now();
  await run();
  return (performance.now() - began) / 1000;
}

/** Such as `Zip 3.0`. */
function zipVersion(): string {
  return /Zip \d[\d.]*/.exec(execFileSync('zip', ['-v'], { encoding: 'utf8' }))?.[0] ?? 'zip';
}

/**
 * Exporting images to a folder with metadata, against `cp -r --reflink=never` of the same files.
 *
 *     npm run bench -- export-folder [count = 10000] [rounds = 5]
 *
 * 10 000 images are 1 GB. Both read from the page cache, which the first round warms and is not counted for, and neither
 * waits until the copies are on the disk. The export also reads the version twice and writes a line for each image.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { folder } from '../src/exporters/folder.ts';
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
const rounds = Number(process.argv[3] ?? 5);
const base = mkdtempSync(join(tmpdir(), 'sluice-bench-folder-'));
try {
  console.log(machine());
  const from = join(base, 'from');
  await makeImages(from, count);
  const source = sourceOf(from);
  const times = { cp: [] as number[], sluice: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    const cp = await seconds((to) => {
      execFileSync('cp', ['-r', '--reflink=never', from, to]);
    });
    const sluice = await seconds((to) => exportAll(source, to));
    if (round > 0) {
      times.cp.push(cp);
      times.sluice.push(sluice);
    }
  }
  const ratio = median(times.cp) / median(times.sluice);
  console.log(`cp -r:  ${median(times.cp).toFixed(2)} s`);
  console.log(
    `sluice: ${median(times.sluice).toFixed(2)} s, ${ratio.toFixed(2)} × of it, ` +
      `${ratio >= TARGET ? 'meets' : 'MISSES'} ${TARGET}`,
  );
} finally {
  rmSync(base, { recursive: true, force: true });
}

/** Of writing into a folder that is removed afterwards; the disk is quiet when it begins. */
async function seconds(write: (to: string) => unknown): Promise<number> {
  const to = join(base, 'to');
  execFileSync('sync');
  const began = performance.now();
  await write(to);
  const taken = (performance.now() - began) / 1000;
  rmSync(to, { recursive: true, force: true });
  return taken;
}

async function exportAll(source: ExportSource, path: string): Promise<void> {
  mkdirSync(path);
  const target = { path, checkpoint: undefined, save: async () => {} };
  const running = folder.write(source, target, folder.options.parse({}), ctx);
  let ok = 0;
  for await (const { outcome } of running) if (outcome === 'ok') ok++;
  if (ok !== count) throw new Error(`${ok} of ${count} images were exported`);
}

/** A version of all files below a folder. */
function sourceOf(from: string): ExportSource {
  const files = filesBelow(from).map((path) => ({ path, bytes: statSync(path).size }));
  const inputs = files.map(({ path, bytes }, i): Input => {
    const uri = relative(from, path);
    return {
      id: `image-${String(i).padStart(7, '0')}`,
      kind: 'image',
      uri,
      sha256: '0'.repeat(64),
      bytes,
      media: { format: 'jpeg', width: 640, height: 480 },
      concepts: [{ id: 'photo', name: 'photo', value: 1 }],
      metadata: { folder: Number(uri.slice(0, 3)) },
      datasets: ['default'],
      annotations: [],
    };
  });
  const version = {
    inputsByKind: { image: inputs.length },
    inputsBySplit: {},
    metrics: { inputsCount: inputs.length } as VersionMetrics,
  } as DatasetVersion;
  return {
    version,
    concepts: [],
    async *inputs() {
      yield* inputs;
    },
    media: async ({ id }) => files[Number(id.slice('image-'.length))]!,
  };
}

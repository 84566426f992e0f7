/**
 * A re-index of tiny texts, with a model that costs nothing, so that everything else is measured: listing, grouping,
 * writing vectors, ledger. Time and peak memory for two sizes of a store.
 *
 *     npm run bench -- reindex [count = 100000] [dimensions = 384]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { runGenerated } from './support/generated.ts';
import { reindexAtNoCost } from './support/idle-model.ts';
import { machine, measure } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const PARTS = 4;

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'store') {
  await runGenerated('store', Number(rest[1]), rest[0]!);
} else if (mode === 'reindex') {
  capYoungGeneration();
  const began = performance.now();
  await reindexAtNoCost(rest[0]!, Number(rest[1]));
  process.stdout.write(String((performance.now() - began) / 1000));
} else {
  await compare(Number(mode ?? 100_000), Number(rest[0] ?? 384));
}

async function compare(count: number, dimensions: number): Promise<void> {
  console.log(machine('@lancedb/lancedb', 'apache-arrow'));
  const peaks: number[] = [];
  for (const inputs of [count / PARTS, count]) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-reindex-'));
    try {
      const store = join(folder, 'store');
      await measure([SELF, 'store', store, String(inputs)]);
      const { stdout, peakMb } = await measure([SELF, 'reindex', store, String(dimensions)]);
      peaks.push(peakMb);
      const rate = inputs / Number(stdout);
      console.log(`${inputs} inputs: ${(rate / 1000).toFixed(1)} k inputs/s, ${peakMb.toFixed(0)} MB peak`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  console.log(`peak of ${PARTS} × the inputs: ${(peaks[1]! / peaks[0]!).toFixed(2)} ×`);
}

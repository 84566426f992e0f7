/**
 * Tiny texts from a generated source into the null sink and into the local store: items a second, and peak resident
 * memory at 100 000 and at 1 000 000 items.
 *
 *     npm run bench -- tiny-texts [null | store] [count …]
 *
 * Every run is a process of its own with the young generation capped, as the command line has it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capYoungGeneration } from '../src/cli/young-generation.ts';
import { runGenerated, SINKS, type SinkName } from './support/generated.ts';
import { machine, measure } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const TARGETS = { null: '< 300 MB, + 48 MB at most', store: '< 512 MB, + 25 % at most' };

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'run') {
  const [sink, count, folder] = rest as [SinkName, string, string];
  capYoungGeneration();
  const began = performance.now();
  await runGenerated(sink, Number(count), folder);
  process.stdout.write(String((performance.now() - began) / 1000));
} else {
  const sizes = rest.length > 0 ? rest.map(Number) : [100_000, 1_000_000];
  console.log(machine('@lancedb/lancedb'));
  for (const sink of SINKS) if (mode === undefined || mode === sink) await compare(sink, sizes);
}

async function compare(sink: SinkName, sizes: number[]): Promise<void> {
  const peaks: number[] = [];
  for (const size of sizes) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-tiny-'));
    try {
      const { stdout, peakMb } = await measure([SELF, 'run', sink, String(size), join(folder, 'store')]);
      peaks.push(peakMb);
      const rate = (size / Number(stdout) / 1000).toFixed(1);
      console.log(`${sink}: ${size} texts, ${rate} k items/s, ${peakMb.toFixed(0)} MB peak`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const growth = peaks.at(-1)! - peaks[0]!;
  const percent = ((growth / peaks[0]!) * 100).toFixed(0);
  console.log(`${sink}: + ${growth.toFixed(0)} MB (${percent} %); want ${TARGETS[sink]}`);
}

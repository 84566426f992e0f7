/**
 * Tiny texts from a generated source into the null sink and into the local store: items a second, and peak resident
 * memory at 100 000 and at 1 000 000 items.
 *
 *   npm run bench -- tiny-texts [null|store] [count …]
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Listed, ListingProof, Loader } from '../src/index.ts';
import { runOptions } from '../src/index.ts';
import { deriveId } from '../src/model/ids.ts';
import { environment } from '../src/pipeline/environment.ts';
import { beginRun } from '../src/pipeline/ingest.ts';
import { newRunId } from '../src/pipeline/run-id.ts';
import { nullSink } from '../src/stores/index.ts';
import { machine, measure } from './support/measure.ts';

const SELF = fileURLToPath(import.meta.url);
const STORE = join(tmpdir(), 'sluice-bench-tiny');

const [mode, ...counts] = process.argv.slice(2);
if (mode === 'run-null' || mode === 'run-store') await run(mode === 'run-null', Number(counts[0]));
else
  await compare(
    mode === undefined ? ['null', 'store'] : [mode],
    counts.length > 0 ? counts : ['100000', '1000000'],
  );

async function compare(sinks: string[], sizes: string[]): Promise<void> {
  console.log(machine());
  for (const sink of sinks) {
    const peaks: number[] = [];
    for (const size of sizes) {
      rmSync(STORE, { recursive: true, force: true });
      const { stdout, peakMb } = await measure([SELF, `run-${sink}`, size]);
      peaks.push(peakMb);
      console.log(
        `${sink}: ${size} texts, ${(Number(size) / Number(stdout)).toFixed(0)} items/s, ${peakMb.toFixed(0)} MB peak`,
      );
    }
    const growth = peaks.at(-1)! - peaks[0]!;
    console.log(`${sink}: growth ${growth.toFixed(0)} MB (${((growth / peaks[0]!) * 100).toFixed(0)} %)`);
  }
  rmSync(STORE, { recursive: true, force: true });
}

async function run(toNull: boolean, count: number): Promise<void> {
  const env = environment();
  const runId = newRunId(env.clock.now(), randomUUID());
  const target = { store: STORE, ...(toNull ? { sink: nullSink(join(STORE, 'tmp', runId)) } : {}) };
  const config = { source: 'generated', sourceType: 'generated', loader: {}, options: runOptions.parse({}) };
  const began = performance.now();
  const report = await beginRun({ command: 'ingest', target, runId, config, loader: generated(count) }, env);
  if (report.totals.ok !== count) throw new Error(JSON.stringify(report));
  process.stdout.write(String((performance.now() - began) / 1000));
}

function generated(count: number): Loader {
  return {
    describes: `${count} generated texts`,
    fingerprint: async () => undefined,
    async *list(): AsyncGenerator<Listed, ListingProof, void> {
      for (let i = 0; i < count; i++) {
        const text = `tiny text number ${i}, with some words to it`;
        yield { id: deriveId(text, ''), uri: `generated#${i}`, text };
      }
      return { complete: true, evidence: `${count} generated` };
    },
  };
}

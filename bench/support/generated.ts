import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Listed, type ListingProof, type Loader, type RunReport, runOptions } from '../../src/index.ts';
import { deriveId } from '../../src/model/ids.ts';
import { environment } from '../../src/pipeline/environment.ts';
import { beginRun } from '../../src/pipeline/ingest.ts';
import { newRunId } from '../../src/pipeline/run-id.ts';
import { nullSink } from '../../src/stores/index.ts';

export const SINKS = ['null', 'store'] as const;
export type SinkName = (typeof SINKS)[number];

/** The text number `i`, 45 bytes or so. */
export const tinyText = (i: number): string => `tiny text number ${i}, with some words to it`;

/** A source of tiny texts that costs nothing to list. */
function generated(count: number): Loader {
  return {
    describes: `${count} generated texts`,
    fingerprint: async () => undefined,
    async *list(): AsyncGenerator<Listed, ListingProof, void> {
      for (let i = 0; i < count; i++) {
        const text = tinyText(i);
        yield { id: deriveId(text, ''), uri: `generated#${i}`, text };
      }
      return { complete: true, evidence: `${count} generated` };
    },
  };
}

/** One run over generated texts, into a new local store or into the null sink; throws unless all are ok. */
export async function runGenerated(sink: SinkName, count: number, store: string): Promise<RunReport> {
  const env = environment();
  const runId = newRunId(env.clock.now(), randomUUID());
  const target = { store, ...(sink === 'null' ? { sink: nullSink(join(store, 'tmp', runId)) } : {}) };
  const source = { source: 'generated', sourceType: 'generated', loader: {}, annotate: [] };
  const config = { sources: [source], options: runOptions.parse({}) };
  const sources = { loader: generated(count), describes: [''], concepts: [], close: async () => {} };
  const report = await beginRun({ command: 'ingest', target, runId, config, sources }, env);
  if (report.totals.ok !== count) throw new Error(JSON.stringify(report));
  return report;
}

/**
 * Runs one job in a process of its own, with the young generation capped as the command line has it, and prints the
 * process's peak resident memory in MB. No job here starts a process.
 *
 *     node test/bench/peak.ts generated <null | store> <count> <store>
 *     node test/bench/peak.ts reindex <dimensions> <store>                 with a model that computes nothing
 *     node test/bench/peak.ts ingest <source> <store>                     into the null sink
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runGenerated, type SinkName } from '../../bench/support/generated.ts';
import { reindexAtNoCost } from '../../bench/support/idle-model.ts';
import { capYoungGeneration } from '../../src/cli/young-generation.ts';
import { ingest } from '../../src/index.ts';
import { nullSink } from '../../src/stores/index.ts';

capYoungGeneration();
const [job, ...args] = process.argv.slice(2);
if (job === 'generated') {
  const [sink, count, store] = args as [SinkName, string, string];
  await runGenerated(sink, Number(count), store);
} else if (job === 'reindex') {
  const [dimensions, store] = args as [string, string];
  await reindexAtNoCost(store, Number(dimensions));
} else {
  const [source, store] = args as [string, string];
  const { exitCode, totals } = await ingest({ source, store, sink: nullSink(join(store, 'tmp')) });
  if (exitCode !== 0) throw new Error(JSON.stringify(totals));
}
process.stdout.write(String(peakMb()));

function peakMb(): number {
  if (process.platform !== 'linux') return (process.resourceUsage().maxRSS * 1024) / 1e6;
  // Linux counts what the parent held before exec into maxRSS.
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return (Number(kilobytes) * 1024) / 1e6;
}

// Run as a process of its own: searches a store as the command line does and prints its peak resident memory in MB.
//
//     search-peak.ts <store> <dimensions>
import { readFileSync } from 'node:fs';
import { capYoungGeneration } from '../../../../src/cli/young-generation.ts';
import { openVectorSearch } from '../../../../src/stores/index.ts';

capYoungGeneration();
const [store, dimensions] = process.argv.slice(2) as [string, string];
const search = await openVectorSearch(store);
const { models } = search.state.serving;
const vector = new Float32Array(Number(dimensions)).fill(1);
const maxDistance = Number.POSITIVE_INFINITY;
const request = { vector, metric: 'cosine', hits: 'inputs', top: 10, maxDistance, models } as const;
// A filter that all pass is the largest set of allowed inputs.
for (const filter of [undefined, { not: { concept: 'none' } }]) {
  const { found } = await search.nearest({ ...request, filter }, new AbortController().signal);
  if (found.length !== request.top) throw new Error(`${found.length} found`);
}
search.close();
process.stdout.write(String(peakMb()));

function peakMb(): number {
  if (process.platform !== 'linux') return (process.resourceUsage().maxRSS * 1024) / 1e6;
  // Linux counts what the parent held before exec into maxRSS.
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return (Number(kilobytes) * 1024) / 1e6;
}

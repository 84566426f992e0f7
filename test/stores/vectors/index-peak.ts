// Run as a process of its own: prints its peak resident memory in MB after one job on the index of a store.
//
//     index-peak.ts fill <store> <from> <to>   appends inputs
//     index-peak.ts open <store>               opens the writer
//     index-peak.ts cover <store>              counts how far the index is
import { readFileSync } from 'node:fs';
import { capYoungGeneration } from '../../../src/cli/young-generation.ts';
import { indexCoverage } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { generation, model, opened, whole } from './support.ts';

capYoungGeneration();
const [job, store, from, to] = process.argv.slice(2) as [string, string, string, string];
if (job === 'cover') {
  await indexCoverage(store, generation('g', [model('aaaa')]), testContext());
} else {
  const writer = await opened(store);
  if (job === 'fill') {
    for (let at = Number(from); at < Number(to); at += 8192) {
      const rows = Array.from({ length: Math.min(8192, Number(to) - at) }, (_, n) => {
        const content = String(at + n).padStart(64, '0');
        return whole(`folder/input-${at + n}`, content);
      });
      await writer.append('aaaa', rows);
    }
  }
  await writer.close();
}
process.stdout.write(String(peakMb()));

function peakMb(): number {
  if (process.platform !== 'linux') return (process.resourceUsage().maxRSS * 1024) / 1e6;
  // Linux counts what the parent held before exec into maxRSS.
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return (Number(kilobytes) * 1024) / 1e6;
}

/**
 * A re-index or an ingest with fake models, in a process that a test can kill. Says a line for each request. With
 * `commit` as the delay, it waits from the seventh request on, and says when vectors of earlier ones are committed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { reindex } from '../../src/pipeline/indexing/reindex.ts';
import { ingest } from '../../src/pipeline/ingest.ts';
import { fakeModels } from './fake-models.ts';
import { vectorsIn } from './vectors.ts';

const [task, store, delay, source] = process.argv.slice(2) as [string, string, string, string | undefined];
let requests = 0;
const models = fakeModels({
  async before(items) {
    process.stdout.write(`request ${items.length}\n`);
    if (delay !== 'commit') return sleep(Number(delay));
    if (++requests < 7) return;
    while ((await vectorsIn(store)).length === 0) await sleep(100);
    process.stdout.write('committed\n');
    await sleep(600_000);
  },
});
const env = { ...models, onStart: ({ runId }: { runId: string }) => process.stdout.write(`run ${runId}\n`) };
const report =
  task === 'ingest' ? await ingest({ source: source!, store }, env) : await reindex({ store }, env);
process.stdout.write(`done ${report.exitCode}\n`);

// Run as a process of its own: writes batches to a store, says which ids were answered, until it is killed.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { imageItem, textItem, writerOptions } from './support.ts';

const [store, runId] = process.argv.slice(2) as [string, string];
const writer = await openWriter(store, writerOptions({ runId }), testContext());
await mkdir(join(store, 'runs', runId));
process.stdout.write('open\n');
const BATCH = 8;
for (let n = 0; ; n += BATCH) {
  const batch = Array.from({ length: BATCH }, (_, i) => {
    const id = `item-${n + i}`;
    return i % 2 === 0 ? textItem(id, `text of ${id}`) : imageItem(id, `image of ${id}`.repeat(500));
  });
  void writer.write(batch).then((results) => {
    const answered = batch.filter((_, i) => ['INPUT_SUCCESS', 'INPUT_UNCHANGED'].includes(results[i]!.code));
    process.stdout.write(answered.map(({ item }) => `${item.id}\n`).join(''));
  });
  if (n % 64 === 0) await writer.flush();
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { setWorkflow } from '../../../src/pipeline/indexing/workflow.ts';
import { ingest } from '../../../src/pipeline/ingest.ts';
import { fakeModels } from '../../support/fake-models.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { vectorsIn } from '../../support/vectors.ts';

/** A store with five texts that were never embedded, whose workflow is for new inputs only. */
async function storedBefore() {
  const folder = await tempFolder();
  const [source, store] = [join(folder, 'texts.jsonl'), join(folder, 'store')];
  const write = (count: number, concepts: object[] = []) => {
    const lines = Array.from({ length: count }, (_, i) =>
      JSON.stringify({ id: `t${i}`, text: `text number ${i}`, ...(i === 0 ? { concepts } : {}) }),
    );
    return writeFile(source, lines.join('\n'));
  };
  await write(5);
  await ingest({ source, store });
  const models = fakeModels();
  const workflow = { store, name: 'words', models: { text: [{ model: 'm' }] }, reindex: false };
  await setWorkflow(workflow, models);
  return { source, store, models, write };
}

test('what is stored and stays as it is costs no embedding', async () => {
  const { source, store, models, write } = await storedBefore();
  await write(8);
  const report = await ingest({ source, store }, models);
  expect(report).toMatchObject({ totals: { ok: 3, skipped: 5 }, index: { totals: { listed: 3, ok: 3 } } });
  expect(models.embedded).toEqual(['text number 5', 'text number 6', 'text number 7']);
  await ingest({ source, store }, models);
  expect(models.embedded).toHaveLength(3);
});

test('an input that is changed is embedded at the end, and the report tells all vectors of the run', async () => {
  const { source, store, models, write } = await storedBefore();
  await write(8, [{ id: 'cat', value: 1 }]);
  const report = await ingest({ source, store }, models);
  expect(report).toMatchObject({
    exitCode: 0,
    totals: { ok: 4, skipped: 4 },
    index: { totals: { listed: 4, ok: 4 }, vectors: 4 },
  });
  expect(await vectorsIn(store)).toHaveLength(4);
});

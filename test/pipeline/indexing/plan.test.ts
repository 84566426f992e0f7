import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/io/clock.ts';
import { reindex } from '../../../src/pipeline/indexing/reindex.ts';
import { setWorkflow } from '../../../src/pipeline/indexing/workflow.ts';
import { ingest } from '../../../src/pipeline/ingest.ts';
import { fakeModels } from '../../support/fake-models.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { wav } from '../../support/wav.ts';

test('the time of a re-index is estimated by as many inputs as take a few seconds', async () => {
  const folder = await tempFolder();
  const [source, store] = [join(folder, 'source'), join(folder, 'store')];
  await mkdir(source);
  for (let i = 0; i < 40; i++) await writeFile(join(source, `${i}.wav`), wav(100 + i));
  await ingest({ source, store });
  let now = systemClock.now();
  const models = fakeModels({
    before: (items) => {
      now += items.length * 500;
    },
  });
  const clock = { ...systemClock, now: () => now };
  await setWorkflow({ store, name: 'sounds', models: { audio: [{ model: 'a' }] } }, models);
  const { index } = await reindex({ store, dryRun: true }, { ...models, clock });
  expect(index?.plan).toMatchObject([{ kind: 'audio', inputs: 40, estimatedMs: 20_000 }]);
  expect(models.requests).toEqual([1, 16]);
});

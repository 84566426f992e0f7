import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { inputsOf, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

test('the examples land with the labels of their folders, and the CSV says more of some', async () => {
  const store = join(await tempFolder(), 'store');
  const folder = await sluiceJson(['ingest', EXAMPLES, '--labels', 'folder', '--store', store]);
  expect(folder.code).toBe(2);
  expect(folder.json.byCode).toMatchObject({ INPUT_UNSUPPORTED_FORMAT: 1 });
  expect(folder.json.totals).toMatchObject({ rejected: 1, failed: 0 });
  const csv = await sluiceJson(['ingest', join(EXAMPLES, 'inputs.csv'), '--store', store]);
  expect(csv).toMatchObject({ code: 0, json: { totals: { listed: 6, ok: 6 } } });

  const inputs = await inputsOf(store);
  expect(inputs.find(({ id }) => id === 'falcon-9-launch')).toMatchObject({
    concepts: [
      { id: 'rocket', value: 1 },
      { id: 'night', value: 0 },
    ],
    metadata: { site: 'Cape Canaveral', note: "the rocket's first minute" },
    geo: { latitude: 28.562, longitude: -80.577 },
  });
  const chelsea = inputs.filter(({ uri }) => uri === 'photos/animals/chelsea.png');
  expect(chelsea.map(({ concepts }) => concepts.map(({ id }) => id))).toContainEqual(['animals']);
});

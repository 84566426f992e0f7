import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { failureLine, inputLine, ledgerLine, runReport } from '../../scripts/docs/schemas.ts';
import { inputsOf, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** Each value, read by the schema that docs/schemas publishes, with what the schema does not know as an error. */
function expectAll(schema: z.ZodType, values: readonly unknown[]): void {
  expect(values.length).toBeGreaterThan(0);
  for (const value of values) expect(schema.safeParse(value).error, JSON.stringify(value)).toBeUndefined();
}

const lines = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line));

test('the examples land as their folders say, and all that a run writes has the published shapes', async () => {
  const store = join(await tempFolder(), 'store');
  const folder = await sluiceJson(['ingest', EXAMPLES, '--labels', 'folder', '--store', store]);
  expect(folder.code).toBe(2);
  expect(folder.json.byCode).toMatchObject({ INPUT_UNSUPPORTED_FORMAT: 1 });
  const csv = await sluiceJson(['ingest', join(EXAMPLES, 'inputs.csv'), '--store', store]);
  expect(csv).toMatchObject({ code: 0, json: { totals: { listed: 6, ok: 6 } } });

  expectAll(runReport, [folder.json, csv.json]);
  expectAll(ledgerLine, [...lines(folder.json.ledger!), ...lines(csv.json.ledger!)]);
  expectAll(failureLine, lines(folder.json.failures!));
  const inputs = await inputsOf(store);
  expectAll(inputLine, inputs);
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

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exportDataset } from '../../../src/pipeline/export/export.ts';
import { ledgerOf } from '../../support/cli.ts';
import { contentOf, storeWith } from './support.ts';

it('an export with converted media is complete, says what was converted, and is the same again', async () => {
  const { root, store } = await storeWith({ images: 3 });
  let first: string | undefined;
  const made: Record<string, string>[] = [];
  for (const name of ['one', 'two']) {
    const out = join(root, name, 'out');
    const request = { store, dataset: 'pets', format: 'coco', out, options: { normalise: ['jpeg'] } };
    const version = first === undefined ? {} : { version: first };
    const report = await exportDataset({ ...request, ...version });
    expect(report).toMatchObject({ exitCode: 0, warnings: { REPAIRED: 3 }, totals: { listed: 3, ok: 3 } });
    expect(ledgerOf(store, report.runId)[0]).toMatchObject({ repair: { steps: ['reencode'] } });
    first = report.export!.version;
    made.push(await contentOf(out));
  }
  expect(
    Object.keys(made[0]!).filter((name) => name.endsWith('.jpg') && name.startsWith('images')),
  ).toHaveLength(3);
  expect(made[1]).toEqual(made[0]);
  expect(Buffer.from(made[0]!['README.md']!, 'base64').toString()).toContain('--normalise jpeg');
});

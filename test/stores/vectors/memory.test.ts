import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from '../../support/temp-folder.ts';

const PEAK = fileURLToPath(new URL('./index-peak.ts', import.meta.url));
const run = promisify(execFile);

/** Peak resident memory in MB. */
const peakOf = async (...args: string[]): Promise<number> =>
  Number((await run(process.execPath, [PEAK, ...args])).stdout);

test('an index of 300 000 inputs takes hardly more memory to open and to count than one of 100 000', {
  timeout: 300_000,
}, async ({ annotate }) => {
  const store = await tempFolder();
  await peakOf('fill', store, '0', '100000');
  const few = { open: await peakOf('open', store), cover: await peakOf('cover', store) };
  await peakOf('fill', store, '100000', '300000');
  const many = { open: await peakOf('open', store), cover: await peakOf('cover', store) };
  await annotate(JSON.stringify({ few, many }));
  expect(many.open / few.open).toBeLessThan(1.5);
  expect(many.cover / few.cover).toBeLessThan(1.5);
});

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../support/temp-folder.ts';
import { ingest, textItem } from '../../local/support.ts';
import { model, rowOf, serve, writeVectors } from './support.ts';

const PEAK = fileURLToPath(new URL('search-peak.ts', import.meta.url));
const DIMENSIONS = 16;
const BATCH = 10_000;
const run = promisify(execFile);

test('memory hardly grows with the number of inputs, without a filter and behind one', async ({
  annotate,
}) => {
  const store = join(await tempFolder(), 'store');
  const texts = model('text', { dimensions: DIMENSIONS });
  const peaks: number[] = [];
  let rows = 0;
  for (const count of [20_000, 80_000]) {
    for (; rows < count; rows += BATCH) {
      const items = Array.from({ length: BATCH }, (_, i) => textItem(`t${rows + i}`, `text ${rows + i}`));
      await ingest(store, [items]);
      const inputs = items.map(({ item, kind, sha256 }) => ({ id: item.id, kind, sha256, annotations: [] }));
      const vectors = inputs.map((input, i) =>
        rowOf(
          input,
          Float32Array.from({ length: DIMENSIONS }, (_, d) => Math.sin((rows + i) * (d + 1))),
        ),
      );
      await writeVectors(store, texts, vectors);
    }
    await serve(store, [texts]);
    const { stdout } = await run(process.execPath, [PEAK, store, String(DIMENSIONS)]);
    peaks.push(Number(stdout));
  }
  const [few, many] = peaks as [number, number];
  await annotate(`${few.toFixed(0)} MB, ${many.toFixed(0)} MB`);
  expect(many).toBeLessThan(400);
  expect(many - few).toBeLessThan(80);
});

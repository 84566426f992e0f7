import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { checkStore, collectGarbage, openReader } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { box, collect, imageItem, ingest, textItem, withAnnotations } from './support.ts';

const MAKER = fileURLToPath(new URL('./version-maker.ts', import.meta.url));
const ROUNDS = 8;
const ctx = testContext();

/** Makes versions in a process of its own, which is killed `ms` after its first one; returns the ids it answered. */
async function killedAfter(ms: number, store: string, prefix: string): Promise<string[]> {
  const child = spawn(process.execPath, [MAKER, store, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  expect(said).toContain(prefix);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const gone = once(child, 'close');
  child.kill('SIGKILL');
  await gone;
  // A last line may be torn.
  return said.split('\n').slice(0, -1);
}

test('a process killed at any point leaves whole versions, and else only what gc takes away', async () => {
  const store = await tempFolder();
  const labels = (id: number) =>
    Array.from({ length: 40 }, (_, n) => box(`${id}-${n}`, `round-${id % ROUNDS}-${n}`));
  const images = Array.from({ length: 400 }, (_, i) =>
    withAnnotations(imageItem(`image-${i}`, `image ${i}`), ...labels(i)),
  );
  const texts = Array.from({ length: 1600 }, (_, i) => textItem(`text-${i}`, `text ${i}`));
  await ingest(store, [[...images, ...texts]]);
  const answered: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    answered.push(...(await killedAfter(Math.random() * 200, store, `round-${round}`)));
  }
  expect(answered.length).toBeGreaterThan(5);

  const reader = await openReader(store);
  const versions = await reader.listVersions('default');
  expect(versions.map(({ id }) => id)).toEqual(expect.arrayContaining(answered));
  const problems = async () =>
    (await collect(checkStore(store, { deep: true }, ctx))).filter(
      ({ finding }) => finding !== 'RUN_MISSING',
    );
  expect((await problems()).filter(({ finding }) => finding !== 'CHUNK_ORPHAN')).toEqual([]);
  await collectGarbage(store, { graceMs: -60_000 }, ctx);
  expect(await problems()).toEqual([]);
  for (const { id, metrics } of versions) {
    const inputs = await collect((await reader.openVersion('default', id)).inputs());
    expect(inputs).toHaveLength(2000);
    const regions = inputs.reduce((sum, { annotations }) => sum + annotations.length, 0);
    expect(metrics).toMatchObject({ inputsCount: 2000, regionsCount: regions });
  }
  reader.close();
});

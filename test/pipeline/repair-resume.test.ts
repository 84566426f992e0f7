import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { ingest } from '../../src/pipeline/ingest.ts';
import { resume } from '../../src/pipeline/resume.ts';
import { ledgerOf } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

const ITEMS = 40;
const box = (right: unknown) => ({
  concepts: [],
  region: { box: { top: 0.1, left: 0.1, bottom: 0.5, right } },
});

/** Images of which some are too large and texts of which some are too long, each with a good and a bad annotation. */
async function makeSource(source: string): Promise<void> {
  await mkdir(source);
  for (let i = 0; i < ITEMS; i++) {
    const size = i % 3 === 0 ? 120 : 40;
    const image = sharp({
      create: { width: size, height: size, channels: 3, background: { r: i, g: 9, b: 9 } },
    });
    await image.png().toFile(join(source, `i${i}.png`));
    await writeFile(join(source, `i${i}.png.json`), JSON.stringify({ annotations: [box(0.5), box('wide')] }));
    await writeFile(join(source, `t${i}.txt`), `text ${i} `.repeat(i % 2 === 0 ? 100 : 5));
    const spans = [
      { start: 0, end: 4 },
      { start: 90_000, end: 90_001 },
    ];
    const annotations = spans.map((span) => ({ concepts: [], span }));
    await writeFile(join(source, `t${i}.txt.json`), JSON.stringify({ annotations }));
  }
}

test('a run with repairs and labels that is stopped anywhere ends, once resumed, as if it had not been', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  await makeSource(source);
  const request = (store: string) => ({
    source,
    store,
    loader: { sidecar: true },
    options: {
      repair: ['downscale', 'split'],
      limit: { 'image.megapixels': '0.01', 'text.megabytes': '0.0003' },
      batchItems: 3,
    },
  });
  const whole = await ingest(request(join(dir, 'whole')));
  const told = ({ totals, byCode, byKind, annotations, warnings }: typeof whole) => ({
    totals,
    byCode,
    byKind,
    annotations,
    warnings,
  });
  expect(whole.annotations!.totals).toMatchObject({ listed: 4 * ITEMS, ok: 2 * ITEMS, rejected: 2 * ITEMS });
  const wanted = (await storedIn(join(dir, 'whole'))).map(({ id, sha256 }) => [id, sha256]);

  for (const [n, how] of (['abort', 'stop', 'abort', 'stop'] as const).entries()) {
    const store = join(dir, `store-${n}`);
    let stops = 0;
    const until = async (run: (env: object) => Promise<typeof whole>) => {
      const halt = new AbortController();
      const timer = sleep(20 + 60 * n, undefined, { ref: false }).then(() => halt.abort());
      const report = await run({ [how]: halt.signal });
      if (report.status === 'interrupted') stops++;
      else expect(report).toMatchObject({ status: 'complete' });
      await timer;
      return report;
    };
    let report = await until((env) => ingest(request(store), env));
    for (let i = 0; i < 3 && report.status === 'interrupted'; i++) {
      report = await until((env) => resume({ store, runId: report.runId }, env));
    }
    report = await resume({ store, runId: report.runId });
    expect(told(report), `${how} ${stops} times`).toEqual(told(whole));
    const lines = ledgerOf(store, report.runId);
    expect(new Set(lines.map(({ uri }) => uri)).size).toBe(lines.length);
    expect((await storedIn(store)).map(({ id, sha256 }) => [id, sha256])).toEqual(wanted);
    const left = await readdir(store, { recursive: true });
    expect(left.filter((name) => /repair-|\.part$|spool/.test(name))).toEqual([]);
  }
});

test('a repaired item whose ledger line was lost is told of as before', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await makeSource(source);
  const limit = { 'image.megapixels': '0.01' };
  const request = {
    source,
    store,
    loader: { include: ['*.png'] },
    options: { repair: ['downscale'], limit },
  };
  const before = await ingest(request);
  const [head] = (await readFile(before.ledger!, 'utf8')).split('\n');
  await writeFile(before.ledger!, `${head}\n`);
  await rm(before.report!);
  const { totals, byCode, warnings } = await resume({ store, runId: before.runId });
  expect({ totals, byCode, warnings }).toEqual({
    totals: before.totals,
    byCode: before.byCode,
    warnings: { REPAIRED: Math.ceil(ITEMS / 3) },
  });
});

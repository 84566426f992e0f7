import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Input } from '../../src/model/input.ts';
import { inputsOf, ledgerOf, sluiceJson, start } from '../support/cli.ts';
import { writeZip } from '../support/zip-writer.ts';

const KILLS = 50;
const LANES = 3;

let dir: string;
let source: string;
let reference: unknown[];
let runMs: number;
let listed: number;

/** What of an input must not depend on whether the run was cut. */
const essence = ({ id, kind, uri, sha256, bytes, media, concepts, datasets }: Input) => ({
  ...{ id, kind, uri, sha256, bytes, media, concepts, datasets },
});

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-kill-'));
  source = join(dir, 'source');
  for (const label of ['a', 'b']) {
    mkdirSync(join(source, label), { recursive: true });
    for (let i = 0; i < 150; i++) {
      const image = sharp({
        create: { width: 400, height: 300, channels: 3, background: { r: i, g: 255 - i, b: 7 } },
      });
      writeFileSync(join(source, label, `${i}.png`), await image.png().toBuffer());
      writeFileSync(join(source, label, `${i}.txt`), `text ${label} ${i}`);
    }
    writeFileSync(join(source, label, 'bad.jpg'), 'no image');
    writeFileSync(join(source, label, 'bad.txt'), Buffer.from([0xff, 0x20]));
  }
  writeZip(
    join(source, 'more.zip'),
    Array.from({ length: 400 }, (_, i) => ({ name: `t/${i}.txt`, data: `zipped ${i}` })),
  );
  const whole = await ingest(join(dir, 'whole')).done;
  const report = JSON.parse(whole.stdout);
  runMs = Date.parse(report.endedAt) - Date.parse(report.startedAt);
  expect(report.status).toBe('complete');
  listed = report.totals.listed;
  reference = (await inputsOf(join(dir, 'whole'))).map(essence);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ingest = (store: string) => start(['ingest', source, '--labels', 'folder', '--store', store, '--json']);

const runIn = (store: string): string | undefined =>
  existsSync(join(store, 'runs'))
    ? readdirSync(join(store, 'runs')).find((name) => !name.includes('.'))
    : undefined;

/** A tenth of the kills come while the process starts; the others are spread over the run, with a part of chance. */
async function killTime(store: string, round: number, ended: Promise<unknown>): Promise<void> {
  if (round % 10 === 0) return sleep(Math.random() * 600);
  const end = ended.then(() => true);
  while (runIn(store) === undefined) if (await Promise.race([end, sleep(3, false)])) return;
  await Promise.race([end, sleep(runMs * ((round + Math.random()) / KILLS))]);
}

async function killAndResume(
  round: number,
): Promise<'before the run began' | 'resumed' | 'already complete'> {
  const store = join(dir, `killed-${round}`);
  const run = ingest(store);
  await killTime(store, round, run.done);
  run.child.kill('SIGKILL');
  const { signal } = await run.done;
  const runId = runIn(store);
  const again =
    runId === undefined
      ? await sluiceJson(['ingest', source, '--labels', 'folder', '--store', store])
      : await sluiceJson(['resume', runId, '--store', store]);
  expect(again.json, `${again.stderr}${again.stdout}`).toMatchObject({ status: 'complete', exitCode: 2 });
  expect(again.json.totals.listed).toBe(listed);
  const uris = ledgerOf(store, again.json.runId).map((line) => line.uri);
  expect(new Set(uris).size).toBe(listed);
  expect(uris).toHaveLength(listed);
  expect((await inputsOf(store)).map(essence)).toEqual(reference);
  const check = await sluiceJson<{ findings: number }>(['store', 'check', '--store', store]);
  expect(check.json.findings, check.stdout).toBe(0);
  rmSync(store, { recursive: true });
  if (runId === undefined) return 'before the run began';
  return signal === 'SIGKILL' ? 'resumed' : 'already complete';
}

test(`${KILLS} kills at random, each followed by resume, leave the store of an uninterrupted run`, {
  timeout: 900_000,
}, async () => {
  const ways: string[] = [];
  let next = 0;
  const lane = async () => {
    while (next < KILLS) ways.push(await killAndResume(next++));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  expect(ways).toHaveLength(KILLS);
  // Kills that all came too early or too late would prove nothing.
  expect(ways.filter((way) => way === 'resumed').length).toBeGreaterThan(KILLS / 4);
});

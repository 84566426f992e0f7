import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Input } from '../../src/model/input.ts';
import { bucketServer } from '../stores/bucket/support.ts';
import { inputsOf, sluice, sluiceJson, start } from '../support/cli.ts';
import { hashesBelow } from '../support/folder-bytes.ts';
import { missingVersityGw, SECRET_KEY } from '../support/versitygw.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const TIMEOUT = { timeout: 600_000 };
const missing = missingVersityGw();

let dir: string;
let source: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-bucket-'));
  source = join(dir, 'source');
  mkdirSync(source);
  for (let i = 0; i < 200; i++) {
    const background = { r: i, g: 255 - i, b: 7 };
    const image = sharp({ create: { width: 400, height: 300, channels: 3, background } });
    writeFileSync(join(source, `${i}.png`), await image.png().toBuffer());
    writeFileSync(join(source, `${i}.txt`), `text ${i}`);
  }
  writeFileSync(join(source, 'bad.txt'), Buffer.from([0xff, 0x20]));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A machine that knows nothing of earlier runs. */
beforeEach(() => {
  vi.stubEnv('SLUICE_CACHE', mkdtempSync(join(dir, 'cache-')));
});

/** What of an input must not depend on where the store is, nor on whether the run was cut. */
const essence = ({ createdAt, modifiedAt, ...input }: Input) => input;

const findingsOf = async (store: string): Promise<number> =>
  (await sluiceJson<{ findings: number }>(['store', 'check', '--deep', '--store', store])).json.findings;

describe.skipIf(missing !== undefined)(`runs into a store in a bucket ${missing ?? ''}`, () => {
  it('give the same inputs, versions and exports as into a folder', TIMEOUT, async () => {
    const { store, keys } = await bucketServer();
    const folder = join(dir, 'folder');
    for (const place of [store, folder]) {
      const { json } = await sluiceJson(['ingest', EXAMPLES, '--store', place]);
      expect(json).toMatchObject({ status: 'complete', totals: { listed: 46, ok: 43 } });
      await sluiceJson(['ingest', join(EXAMPLES, 'coco'), '--store', place]);
      await sluiceJson(['datasets', 'version', 'default', '--id', 'v1', '--store', place]);
    }
    const stored = (await inputsOf(store)).map(essence);
    expect(stored.length).toBeGreaterThan(43);
    expect(stored).toEqual((await inputsOf(folder)).map(essence));
    const exported = async (place: string, out: string) => {
      const ran = await sluiceJson([
        'export',
        'default@v1',
        '--format',
        'folder',
        '--out',
        out,
        '--store',
        place,
      ]);
      expect(ran.json, ran.stderr).toMatchObject({ status: 'complete' });
      return hashesBelow(join(out, 'image'));
    };
    const ofBucket = await exported(store, join(dir, 'out-bucket'));
    expect(ofBucket).toEqual(await exported(folder, join(dir, 'out-folder')));
    expect(await findingsOf(store)).toBe(0);
    expect((await keys('runs/')).filter((key) => key.includes('.parts/'))).toEqual([]);
  });

  it('that were killed go on elsewhere, and end like runs that were not', TIMEOUT, async () => {
    const { store, folder } = await bucketServer();
    const whole = join(dir, 'whole');
    await sluiceJson(['ingest', source, '--store', whole]);
    const reference = (await inputsOf(whole)).map(essence);
    for (const after of [0, 150, 400, 900]) {
      const place = `${store}-${after}`;
      const { child, done } = start(['ingest', source, '--store', place, '--json']);
      const ended = done.then(() => true);
      const runs = join(folder, 'store-bucket', 'data', `store-${after}`, 'runs');
      const begun = () =>
        existsSync(runs) && readdirSync(runs).some((id) => existsSync(join(runs, id, 'run.json')));
      while (!begun() && !(await Promise.race([ended, sleep(3, false)])));
      await Promise.race([ended, sleep(after)]);
      child.kill('SIGKILL');
      await done;
      // Another machine has no working copy.
      vi.stubEnv('SLUICE_CACHE', mkdtempSync(join(dir, 'cache-')));
      const [runId] = readdirSync(runs);
      const resumed = await sluiceJson(['resume', runId!, '--store', place]);
      expect(resumed.json, resumed.stderr).toMatchObject({
        status: 'complete',
        totals: { listed: 401, ok: 400, rejected: 1 },
      });
      expect((await inputsOf(place)).map(essence)).toEqual(reference);
      expect(await findingsOf(place)).toBe(0);
    }
  });

  it('that a second one would write to is refused, and read meanwhile', TIMEOUT, async () => {
    const { store } = await bucketServer();
    const many = join(dir, 'many.jsonl');
    const lines = Array.from({ length: 300_000 }, (_, i) => `{"id":"t${i}","text":"text ${i}"}\n`);
    writeFileSync(many, lines.join(''));
    const first = start(['ingest', many, '--store', store, '--json']);
    let runId: string | undefined;
    while (runId === undefined) runId = await firstRun(store);
    const second = await sluice(['ingest', source, '--store', store, '--json']);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('STORE_LOCKED');
    expect(second.stderr).toContain(runId);
    expect((await sluice(['inputs', 'list', '--store', store, '--limit', '5'])).code).toBe(0);
    expect((await first.done).code).toBe(0);
  });

  it(
    'can be retried from the failures in the bucket, which are listed and pruned there',
    TIMEOUT,
    async () => {
      const { store, keys } = await bucketServer();
      vi.stubEnv('SLUICE_STORE', store);
      const { json } = await sluiceJson(['ingest', source]);
      expect(json.failures).toBe(`${store}/runs/${json.runId}/failures.jsonl`);
      const retried = await sluiceJson(['retry', json.failures!, '--rejected']);
      expect(retried.json).toMatchObject({ command: 'retry', totals: { listed: 1, rejected: 1 } });
      const runs = await sluice(['runs', 'list', '--json']);
      const listed = runs.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { runId: string });
      expect(listed.map(({ runId }) => runId)).toEqual([json.runId, retried.json.runId]);
      const pruned = await sluice(['runs', 'prune', '--keep', '0', '--json']);
      expect(pruned.code, pruned.stderr).toBe(0);
      expect((await keys('runs/')).filter((key) => key.endsWith('.jsonl'))).toEqual([]);
      expect(await findingsOf(store)).toBe(0);
    },
  );

  it('are named by a pipeline file', TIMEOUT, async () => {
    const { store } = await bucketServer();
    const file = join(dir, 'pipeline.yaml');
    writeFileSync(file, `source: ${source}\nsink:\n  local:\n    store: ${store}\n`);
    const ran = await sluiceJson(['run', file]);
    expect(ran.json, ran.stderr).toMatchObject({ status: 'complete', totals: { ok: 400 } });
    expect((await inputsOf(store)).length).toBe(400);
  });

  it('put no secret into any object', TIMEOUT, async () => {
    const { store, folder } = await bucketServer();
    const ran = await sluice(['ingest', join(EXAMPLES, 'texts'), '--store', store]);
    expect(ran.stdout + ran.stderr).not.toContain(SECRET_KEY);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
    expect(files.length).toBeGreaterThan(10);
    for (const { parentPath, name } of files)
      expect(readFileSync(join(parentPath, name)).includes(SECRET_KEY), name).toBe(false);
  });
});

async function firstRun(store: string): Promise<string | undefined> {
  const { code, stdout } = await sluice(['runs', 'list', '--store', store, '--json']);
  const [line = ''] = stdout.split('\n');
  return code !== 0 || line === '' ? undefined : (JSON.parse(line) as { runId: string }).runId;
}

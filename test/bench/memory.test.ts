import { execFile } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';

const PEAK = fileURLToPath(new URL('peak.ts', import.meta.url));
const TIMEOUT_MS = 600_000;
const run = promisify(execFile);

/** Peak resident memory in MB of a job of peak.ts. */
async function peakOf(...args: string[]): Promise<number> {
  const { stdout } = await run(process.execPath, [PEAK, ...args]);
  return Number(stdout);
}

async function peaksOf(sink: string, counts: number[]): Promise<number[]> {
  const peaks: number[] = [];
  for (const count of counts) {
    const store = join(await tempFolder(), 'store');
    peaks.push(await peakOf('generated', sink, String(count), store));
    rmSync(store, { recursive: true });
  }
  return peaks;
}

describe('peak resident memory', { timeout: TIMEOUT_MS }, () => {
  it('hardly grows from 50 000 to 200 000 tiny texts into a null sink', async ({ annotate }) => {
    const [few, many] = (await peaksOf('null', [50_000, 200_000])) as [number, number];
    await annotate(`${few.toFixed(0)} MB, ${many.toFixed(0)} MB`);
    expect(many).toBeLessThan(300);
    expect(many - few).toBeLessThan(48);
  });

  it('hardly grows from 100 000 to 300 000 tiny texts into the local store', async ({ annotate }) => {
    const [few, many] = (await peaksOf('store', [100_000, 300_000])) as [number, number];
    await annotate(`${few.toFixed(0)} MB, ${many.toFixed(0)} MB`);
    expect(many).toBeLessThan(512);
    expect(many / few).toBeLessThan(1.25);
  });

  it('hardly grows from a re-index of 16 000 texts to one of 48 000', async ({ annotate }) => {
    const peaks: number[] = [];
    for (const count of [16_000, 48_000]) {
      const store = join(await tempFolder(), 'store');
      await peakOf('generated', 'store', String(count), store);
      peaks.push(await peakOf('reindex', '64', store));
    }
    const [few, many] = peaks as [number, number];
    await annotate(`${few.toFixed(0)} MB, ${many.toFixed(0)} MB`);
    expect(many).toBeLessThan(512);
    expect(many / few).toBeLessThan(1.4);
  });

  it('stays low over a folder of 50 000 files', async ({ annotate }) => {
    const folder = await tempFolder();
    for (let at = 0; at < 50; at++) {
      const source = join(folder, 'source', String(at));
      mkdirSync(source, { recursive: true });
      for (let i = 0; i < 1000; i++) writeFileSync(join(source, `${i}.txt`), `file ${i} of ${at}`);
    }
    const peak = await peakOf('ingest', join(folder, 'source'), join(folder, 'store'));
    await annotate(`${peak.toFixed(0)} MB`);
    expect(peak).toBeLessThan(300);
  });

  it('stays low over a CSV of 300 MB', async ({ annotate }) => {
    const folder = await tempFolder();
    const source = join(folder, 'rows.csv');
    const file = openSync(source, 'w');
    const text = 'thirty bytes of text in a row. '.repeat(100);
    writeSync(file, 'input\n');
    for (let at = 0; at < 100; at++) {
      const rows = Array.from({ length: 1000 }, (_, i) => `${at} ${i} ${text}\n`);
      writeSync(file, rows.join(''));
    }
    closeSync(file);
    const peak = await peakOf('ingest', source, join(folder, 'store'));
    await annotate(`${peak.toFixed(0)} MB`);
    expect(peak).toBeLessThan(300);
  });
});

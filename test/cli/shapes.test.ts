import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type { Input } from '../../src/model/input.ts';
import type { RunReport } from '../../src/pipeline/report.ts';
import { failureLine, inputLine, jsonlHeader, ledgerLine, runReport } from '../../src/pipeline/shapes.ts';
import { inputsOf, sluiceJson } from '../support/cli.ts';
import { writeHostileCorpus } from '../support/hostile-corpus.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-shapes-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('what the command line prints and writes has exactly the published shapes', async () => {
  await writeHostileCorpus(join(dir, 'source'));
  const store = join(dir, 'store');
  const { json: report } = await sluiceJson(['ingest', join(dir, 'source'), '--store', store]);
  runReport.parse(report);
  runReport.parse(JSON.parse(readFileSync(report.report!, 'utf8')));
  for (const [path, shape] of [
    [report.ledger!, ledgerLine],
    [report.failures!, failureLine],
  ] as const) {
    const [header, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
    jsonlHeader.parse(JSON.parse(header!));
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) shape.parse(JSON.parse(line));
  }
  const inputs = await inputsOf(store);
  expect(inputs.length).toBeGreaterThan(10);
  for (const input of inputs) inputLine.parse(input);
});

test('the types of the API and the published shapes are the same', () => {
  expectTypeOf<RunReport>().toExtend<z.input<typeof runReport>>();
  expectTypeOf<Input>().toExtend<z.input<typeof inputLine>>();
  expectTypeOf<keyof RunReport>().toEqualTypeOf<keyof z.input<typeof runReport>>();
  expectTypeOf<keyof Input>().toEqualTypeOf<keyof z.input<typeof inputLine>>();
});

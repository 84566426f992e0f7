import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
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

test('annotations have the published shape, in the store and in the ledger', async () => {
  const folder = join(dir, 'labelled');
  mkdirSync(folder);
  const blank = sharp({ create: { width: 3, height: 2, channels: 3, background: '#456' } });
  writeFileSync(join(folder, 'a.png'), await blank.png().toBuffer());
  const region = {
    box: { top: 0, left: -1, bottom: 1, right: 0.5 },
    polygon: [[[...ring(0, 1), [0, 0]], ring(0.25, 0.75)]],
    mask: { size: [2, 3], counts: [1, 5] },
    keypoints: [{ x: 0.5, y: 0.5, name: 'nose', visibility: 'visible' }],
  };
  const lines = [
    { file: 'a.png', annotations: [{ region }, { region: { box: { ...region.box, top: 'high' } } }] },
    { text: 'some words', annotations: [{ concepts: [{ id: 'noun' }], span: { start: 5, end: 10 } }] },
  ];
  writeFileSync(join(folder, 'in.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const store = join(dir, 'labelled-store');
  const { json: report } = await sluiceJson(['ingest', join(folder, 'in.jsonl'), '--store', store]);
  runReport.parse(report);
  const ledger = readFileSync(report.ledger!, 'utf8').trim().split('\n').slice(1);
  const outcomes = ledger.map((line) => ledgerLine.parse(JSON.parse(line)).annotations);
  expect(outcomes.map((annotations) => [annotations?.good, annotations?.problems?.length])).toEqual([
    [1, 1],
    [1, undefined],
  ]);
  const inputs = await inputsOf(store);
  const annotations = inputs.flatMap((input) => inputLine.parse(input).annotations);
  expect(annotations.map(({ region: place, span }) => Object.keys(place ?? span ?? {}))).toEqual([
    ['box', 'polygon', 'mask', 'keypoints'],
    ['start', 'end'],
  ]);
});

test('what was repaired or divided has the published shape, in the store and in the ledger', async () => {
  const folder = join(dir, 'large');
  mkdirSync(folder);
  const blank = sharp({ create: { width: 120, height: 100, channels: 3, background: '#456' } });
  writeFileSync(join(folder, 'a.jpg'), await blank.withMetadata({ orientation: 6 }).jpeg().toBuffer());
  writeFileSync(join(folder, 'b.txt'), 'some words '.repeat(20));
  const store = join(dir, 'repaired-store');
  const limits = ['--limit', 'image.megapixels=0.01', '--limit', 'text.megabytes=0.0001'];
  const repairs = ['--repair', 'downscale', '--repair', 'split'];
  const { json: report } = await sluiceJson(['ingest', folder, '--store', store, ...limits, ...repairs]);
  runReport.parse(report);
  expect(report.totals).toMatchObject({ listed: 2, ok: 2 });
  const ledger = readFileSync(report.ledger!, 'utf8').trim().split('\n').slice(1);
  const steps = ledger.map((line) => ledgerLine.parse(JSON.parse(line)).repair?.steps.join());
  expect(steps.sort()).toEqual(['downscale', 'split']);
  const inputs = (await inputsOf(store)).map((input) => inputLine.parse(input));
  expect(inputs.find(({ kind }) => kind === 'image')!.media.original).toMatchObject({ orientation: 6 });
});

/** A square ring. */
const ring = (from: number, to: number): [number, number][] => [
  [from, from],
  [to, from],
  [to, to],
  [from, to],
];

test('the types of the API and the published shapes are the same', () => {
  expectTypeOf<RunReport>().toExtend<z.input<typeof runReport>>();
  expectTypeOf<Input>().toExtend<z.input<typeof inputLine>>();
  expectTypeOf<keyof RunReport>().toEqualTypeOf<keyof z.input<typeof runReport>>();
  // The vectors are no part of an input; inputs list --embeddings puts them beside it.
  expectTypeOf<keyof Input | 'embeddings'>().toEqualTypeOf<keyof z.input<typeof inputLine>>();
});

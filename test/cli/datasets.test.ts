import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import { runCli } from '../../src/cli/program.ts';
import type { DatasetVersion, StoredFilter } from '../../src/model/dataset.ts';
import type { Input } from '../../src/model/input.ts';
import { datasetLine, datasetVersion, storedFilter } from '../../src/pipeline/dataset-shapes.ts';
import { inputLine } from '../../src/pipeline/shapes.ts';
import type { DatasetSummary } from '../../src/stores/index.ts';

let dir: string;
let store: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-datasets-'));
  store = join(dir, 'store');
  const image = sharp({ create: { width: 4, height: 4, channels: 3, background: '#456' } }).png();
  writeFileSync(join(dir, 'a.png'), await image.toBuffer());
  const box = { top: 0, left: 0, bottom: 0.5, right: 0.5 };
  const by = (annotator: string, id: string) => ({ annotator, concepts: [{ id }], region: { box } });
  const lines = [
    { id: 'a', file: 'a.png', concepts: [{ id: 'good' }], annotations: [by('ann', 'cat'), by('bob', 'dog')] },
    { id: 'b', text: 'some words', metadata: { fold: 'val' } },
    { id: 'c', text: 'more words' },
  ];
  writeFileSync(join(dir, 'in.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const ran = await run('ingest', join(dir, 'in.jsonl'), '--dataset', 'cats');
  if (ran.code !== 0) throw new Error(ran.stderr);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** In this process, for starting one for each of so many commands would take a minute. */
async function run(...args: string[]): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const into = (name: keyof typeof said) =>
    new Writable({
      write(chunk, _encoding, done) {
        said[name] += chunk;
        done();
      },
    });
  const terminal = { stdout: into('stdout'), stderr: into('stderr'), env: { SLUICE_STORE: store }, cwd: dir };
  return { code: await runCli(args, terminal), ...said };
}

async function json<T>(...args: string[]): Promise<T> {
  const ran = await run(...args, '--json');
  if (ran.code !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as T;
}

async function linesOf(...args: string[]): Promise<unknown[]> {
  const { stdout } = await run(...args, '--json');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

const inputsOf = (...args: string[]) => linesOf('inputs', 'list', ...args) as Promise<Input[]>;

/** Of a command that prints a document. */
const withoutSchema = ({ schema, ...document }: Record<string, unknown>): unknown => {
  expect(schema).toBe(1);
  return document;
};

describe('datasets', () => {
  test('versions of the same inputs with the labels of two people, listed as they were', async () => {
    await json('filters', 'create', 'by-ann', '--annotator', 'ann');
    const ann = await json<Record<string, unknown>>(
      'datasets',
      'version',
      'cats',
      '--id',
      'ann',
      '--filter',
      'by-ann',
    );
    const bob = await json<Record<string, unknown>>(
      'datasets',
      'version',
      'cats',
      '--id',
      'bob',
      '--annotator',
      'bob',
    );
    expect(datasetVersion.parse(withoutSchema(ann))).toMatchObject({
      filterId: 'by-ann',
      annotationsLeftOut: 1,
    });
    datasetVersion.parse(withoutSchema(bob));
    expectTypeOf<z.output<typeof datasetVersion>>().toExtend<
      Partial<Record<keyof DatasetVersion, unknown>>
    >();
    const listed = await Promise.all(['ann', 'bob'].map((id) => inputsOf('--dataset', `cats@${id}`)));
    for (const inputs of listed) {
      expect(inputs.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
      for (const input of inputs) inputLine.parse(input);
    }
    const annotators = (inputs: Input[]) => inputs[0]!.annotations.map(({ annotator }) => annotator);
    expect(listed.map(annotators)).toEqual([['ann'], ['bob']]);
    const few = await run('inputs', 'list', '--dataset', 'cats@ann', '--limit', '1');
    expect(few.stdout).toContain('… and more');

    const shown = await run('datasets', 'show', 'cats@ann');
    expect(shown.stdout).toMatch(/cats@ann[\s\S]*by-ann[\s\S]*cat /);
    expect(withoutSchema(await json('datasets', 'show', 'cats@ann'))).toEqual(withoutSchema(ann));
    const versions = await run('datasets', 'versions', 'cats', '--json');
    expect(
      versions.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([withoutSchema(ann), withoutSchema(bob)]);
    expect((await run('datasets', 'versions', 'cats')).stdout).toMatch(/^VERSION[\s\S]*ann[\s\S]*bob/);

    const named = await json(
      'datasets',
      'patch-version',
      'cats@bob',
      '--name',
      'Bob',
      '--metadata',
      '{"n": 1}',
    );
    expect(named).toEqual({ ...bob, name: 'Bob', metadata: { n: 1 } });
    expect(await json('datasets', 'delete-version', 'cats@bob')).toEqual({
      schema: 1,
      deleted: { dataset: 'cats', id: 'bob' },
    });
  });

  test('are made, described, filled, split and deleted', async () => {
    const made = await run('datasets', 'create', 'pets', '--description', 'Pets', '--metadata', '{"a": 1}');
    expect(made.stdout).toBe('made the dataset pets\n');
    expect((await run('datasets', 'patch', 'pets', '--metadata', '{"b": 2}')).code).toBe(0);
    const [cats, pets] = (await linesOf('datasets', 'list')).map((line) => datasetLine.parse(line));
    expectTypeOf<z.output<typeof datasetLine>>().toExtend<Partial<Record<keyof DatasetSummary, unknown>>>();
    expect(cats).toMatchObject({ id: 'cats', inputs: 3 });
    expect(pets).toMatchObject({ id: 'pets', description: 'Pets', metadata: { a: 1, b: 2 }, inputs: 0 });

    const merged = await run('datasets', 'merge', 'cats', '--into', 'pets');
    expect(merged.stdout).toBe('3 inputs added to pets\n');
    expect((await run('datasets', 'remove', 'pets', 'a', 'nobody')).code).toBe(2);
    const added = await run('datasets', 'add', 'pets', '--of', 'cats');
    expect(added.stdout).toBe('1 inputs (2 were in it already) added to pets\n');
    expect((await run('datasets', 'add', 'pets')).stderr).toContain('--of DATASET');

    const byMetadata = await json('datasets', 'split', 'pets', '--by-metadata', 'fold');
    expect(byMetadata).toMatchObject({ changed: 1, withoutValue: 2, bySplit: { val: 1 } });
    const byPercent = await json<{ bySplit: Record<string, number> }>(
      'datasets',
      'split',
      'pets',
      '--percent',
      'train=50, test=50',
    );
    expect(Object.values(byPercent.bySplit).reduce((sum, n) => sum + n, 0)).toBe(3);
    for (const wrong of [
      ['--percent', 'train'],
      ['--percent', 'a=1'],
      [],
      ['--percent', 'a=100', '--by-metadata', 'k'],
    ]) {
      expect((await run('datasets', 'split', 'pets', ...wrong)).stderr).toContain('CONFIG_INVALID');
    }
    expect((await run('datasets', 'delete', 'pets')).stdout).toBe(
      'deleted the dataset pets of 3 inputs and 0 versions\n',
    );
  });

  test('that are not there are named, with what was probably meant', async () => {
    for (const [args, said] of [
      [['datasets', 'show', 'cat'], 'did you mean cats?'],
      [['datasets', 'versions', 'cat'], 'DATASET_NOT_FOUND'],
      [['inputs', 'list', '--dataset', 'cat'], 'did you mean cats?'],
      [['inputs', 'list', '--dataset', 'cats@none'], 'DATASET_VERSION_NOT_FOUND'],
      [['datasets', 'delete-version', 'cats'], 'cats@v1'],
      [['datasets', 'version', 'cats', '--filter', 'x', '--kind', 'box'], 'not both'],
      [['datasets', 'version', 'cats', '--kind', 'circle'], 'polygon'],
      [['filters', 'show', 'by-an'], 'did you mean by-ann?'],
      [['filters', 'create', 'late', '--after', 'yesterday'], 'after: expected a date such as 2026-01-31'],
      [['datasets', 'patch', 'cats', '--metadata', '[]'], 'JSON object'],
    ] as const) {
      const ran = await run(...args);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(said);
    }
  });
});

test('filters are listed, shown, changed and deleted', async () => {
  await json('filters', 'create', 'good', '--status', 'success', '--kind', 'box', '--kind', 'mask');
  const changed = await json<Record<string, unknown>>('filters', 'patch', 'good', '--after', '2026-01-01');
  const filter = { statuses: ['success'], kinds: ['box', 'mask'], after: '2026-01-01' };
  expect(storedFilter.parse(withoutSchema(changed))).toMatchObject({ id: 'good', filter });
  expectTypeOf<z.output<typeof storedFilter>>().toExtend<Partial<Record<keyof StoredFilter, unknown>>>();
  expect(await json('filters', 'show', 'good')).toEqual(changed);
  const listed = (await run('filters', 'list')).stdout;
  expect(listed).toContain('of kind box or mask, of status success, from 2026-01-01');
  const replaced = await json('filters', 'patch', 'good', '--action', 'overwrite', '--concept', 'cat');
  expect(replaced).toMatchObject({ filter: { concepts: ['cat'] } });
  await json('datasets', 'patch', 'cats', '--default-filter', 'good');
  expect((await run('filters', 'delete', 'good')).stderr).toContain('default one of cats');
  await json('datasets', 'patch', 'cats', '--default-filter', '');
  expect((await run('filters', 'delete', 'good')).stdout).toBe('deleted the filter good\n');
});

test('inputs are patched, and annotations deleted', async () => {
  const data = '{"concepts": [{"id": "good", "value": 0}], "metadata": {"k": {"x": 1}}, "split": "train"}';
  expect(await json('inputs', 'patch', 'a', 'b', '--data', data)).toEqual({
    ...{ schema: 1, changed: 2, unchanged: 0, missing: 0 },
  });
  const remove = ['inputs', 'patch', 'a', '--action', 'remove', '--data', '{"metadata": {"k": {"x": true}}}'];
  expect((await run(...remove)).stdout).toBe('changed 1 inputs\n');
  expect((await run('inputs', 'patch', 'a', '--data', '{"media": {}}')).stderr).toContain('no field media');
  expect((await run('inputs', 'annotations', 'delete', 'a', 'nobody')).code).toBe(2);
  const [a, b] = await inputsOf();
  expect(a).toMatchObject({
    concepts: [{ id: 'good', value: 0 }],
    metadata: { k: {} },
    split: 'train',
    annotations: [],
  });
  expect(b).toMatchObject({ metadata: { fold: 'val', k: { x: 1 } } });
});

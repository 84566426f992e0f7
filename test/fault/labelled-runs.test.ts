import { existsSync, readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { resume } from '../../src/index.ts';
import type { Input } from '../../src/model/input.ts';
import { accounted } from '../support/accounts.ts';
import { cocoOf, folderOf, only, plainPng, problemsOf, runLabelled } from '../support/annotated.ts';
import { sluiceJson, start } from '../support/cli.ts';
import { addFile, metaData, protocol, writeCommit } from '../support/delta.ts';
import { text } from '../support/parquet.ts';
import { storedIn } from '../support/stored.ts';
import { writeZip } from '../support/zip-writer.ts';

const box = { image_id: 1, category_id: 1, bbox: [4, 2, 10, 5] };
const coco = [{ coco: { file: 'coco.json' } }];

describe('a labelled run that is killed', () => {
  const KILLS = 4;
  const IMAGES = 240;

  /** What of an input must not depend on whether the run was cut. */
  const essence = ({ id, uri, sha256, media, metadata, split, annotations }: Input) => ({
    ...{ id, uri, sha256, media, metadata, split, annotations },
  });

  async function labelledSource(): Promise<string> {
    const names = Array.from({ length: IMAGES }, (_, i) => `${String(i).padStart(3, '0')}.png`);
    const images = Object.fromEntries([...names, 'gone.png'].map((name, i) => [name, i + 1]));
    const annotations = Array.from({ length: IMAGES * 3 }, (_, i) => ({
      ...box,
      id: i + 1,
      image_id: 1 + (i % IMAGES),
      // Of every image one is degenerate and one reaches over the edge.
      bbox: i < IMAGES ? [4, 2, 0, 5] : i < 2 * IMAGES ? [36, 2, 10, 5] : [4, 2, 10, 5],
    }));
    annotations.push({ ...box, id: 9999, image_id: IMAGES + 1 });
    const dir = await folderOf({
      'source/coco.json': cocoOf(images, annotations),
      'source/bad.png': (await plainPng(3)).subarray(0, 90),
    });
    const files = names.map(async (name, i) =>
      writeFile(join(dir, 'source', name), await plainPng(i, 40 + 20 * (i % 3), 20 + 10 * (i % 3))),
    );
    await Promise.all(files);
    await writeFile(
      join(dir, 'p.yaml'),
      'source: source\nannotate: [{ coco: { file: coco.json } }]\nbatch: { items: 8 }\n',
    );
    return dir;
  }

  test('and resumed has the store and the totals of one that was not', async () => {
    const dir = await labelledSource();
    const run = (store: string) => start(['run', join(dir, 'p.yaml'), '--store', store, '--json']);
    const whole = join(dir, 'whole');
    const { stdout } = await run(whole).done;
    const expected = JSON.parse(stdout);
    accounted(whole, expected);
    expect(expected).toMatchObject({
      status: 'complete',
      totals: { listed: IMAGES + 3 },
      annotations: { totals: { listed: 3 * IMAGES + 1, ok: 2 * IMAGES, rejected: IMAGES + 1 } },
      warnings: { REGION_CLAMPED: IMAGES },
    });
    const reference = (await storedIn(whole)).map(essence);
    const tookMs = Date.parse(expected.endedAt) - Date.parse(expected.startedAt);
    const killed = async (round: number): Promise<boolean> => {
      const store = join(dir, `killed-${round}`);
      const { child, done } = run(store);
      const runs = join(store, 'runs');
      const runIn = () =>
        existsSync(runs) ? readdirSync(runs).find((name) => !name.includes('.')) : undefined;
      while (runIn() === undefined && child.exitCode === null) await sleep(3);
      await sleep((tookMs * (round + 0.5)) / KILLS);
      child.kill('SIGKILL');
      const { signal } = await done;
      const { json } = await sluiceJson(['resume', runIn()!, '--store', store]);
      accounted(store, json);
      for (const field of [
        'status',
        'exitCode',
        'totals',
        'byCode',
        'byKind',
        'annotations',
        'warnings',
      ] as const) {
        expect(json[field], `${field} after kill ${round}`).toEqual(expected[field]);
      }
      expect((await storedIn(store)).map(essence)).toEqual(reference);
      return signal === 'SIGKILL';
    };
    const rounds = await Promise.all(Array.from({ length: KILLS }, (_, round) => killed(round)));
    // Kills that all came too late would prove nothing.
    expect(rounds).toContain(true);
  });

  test('after a commit but before its ledger lines gives these lines again, problems and warnings included', async () => {
    const dir = await folderOf({
      'source/a.png': 1,
      'source/b.png': 2,
      'source/coco.json': cocoOf({ 'a.png': 1, 'b.png': 2, 'gone.png': 3 }, [
        { ...box, id: 1 },
        { ...box, id: 2, bbox: [4, 2, 0, 5] },
        { ...box, id: 3, image_id: 2, bbox: [36, 2, 10, 5] },
        { ...box, id: 4, image_id: 3 },
      ]),
    });
    const line = { id: 'both', file: 'source/a.png', text: 'an image with a text' };
    await folderOf({ 'in.jsonl': `${JSON.stringify(line)}\n` }, dir);
    const source = [
      { name: 'files', folder: { path: 'source' }, annotate: coco },
      { name: 'rows', jsonl: { path: 'in.jsonl' } },
    ];
    const { report: whole, store, lines } = await runLabelled(dir, { source });
    expect(whole.withText).toBe(1);
    const inputs = await storedIn(store);
    const ledger = (await readFile(whole.ledger!, 'utf8')).split('\n');
    for (const kept of [0, 1, 3]) {
      await rm(whole.report!);
      await writeFile(whole.ledger!, `${ledger.slice(0, 1 + kept).join('\n')}\n{"torn`);
      const resumed = await resume({ runId: whole.runId, store });
      const again = accounted(store, resumed);
      for (const field of ['exitCode', 'totals', 'byKind', 'withText', 'annotations', 'warnings'] as const) {
        expect(resumed[field], `${field} after ${kept} lines`).toEqual(whole[field]);
      }
      for (const [uri, { annotations }] of lines) expect(again.get(uri)?.annotations).toEqual(annotations);
      expect(await storedIn(store)).toEqual(inputs);
    }
  });
});

describe('an item that is ingested again with other labels', () => {
  const of = (...annotations: object[]) =>
    cocoOf({ 'a.png': 1 }, annotations, [
      { id: 1, name: 'cat' },
      { id: 2, name: 'dog' },
    ]);
  const labelsOf = async (store: string) =>
    (await storedIn(store))[0]!.annotations!.map(({ id, concepts }) => `${id} ${concepts[0]?.id}`);

  async function again(
    onAnnotations: 'append' | 'replace' | 'keep',
    onExisting: 'merge' | 'overwrite' | 'keep' = 'merge',
  ) {
    const dir = await folderOf({
      'source/a.png': 1,
      'source/coco.json': of({ ...box, id: 1 }, { ...box, id: 2 }),
    });
    const pipeline = {
      source: 'source',
      annotate: coco,
      label: { concept: ['first'] },
      sink: { local: { onAnnotations, onExisting } },
    };
    const first = await runLabelled(dir, pipeline);
    expect(first.report.annotations?.totals).toMatchObject({ listed: 2, ok: 2 });
    const changed = of(
      { ...box, id: 2, category_id: 2 },
      { ...box, id: 3, category_id: 2 },
      { ...box, id: 4, bbox: [0, 0, 0, 0] },
    );
    await folderOf({ 'source/coco.json': changed }, dir);
    const second = await runLabelled(dir, { ...pipeline, label: { concept: ['second'] } });
    const third = await runLabelled(dir, { ...pipeline, label: { concept: ['second'] } });
    expect(third.report.totals).toMatchObject({ ok: 0, skipped: 2 });
    const [input] = await storedIn(second.store);
    return { second, labels: await labelsOf(second.store), concepts: input!.concepts.map(({ id }) => id) };
  }

  test('keeps its annotations and takes those that are new under append; the new ones win their ids', async () => {
    const { second, labels, concepts } = await again('append');
    expect(labels).toEqual(['1 cat', '2 dog', '3 dog']);
    expect(concepts).toEqual(['first', 'second']);
    expect(second.lines.get('a.png')).toMatchObject({ code: 'INPUT_UPDATED', annotations: { good: 2 } });
    expect(second.report.annotations?.totals).toMatchObject({ listed: 3, ok: 2, rejected: 1 });
  });

  test('has the new ones alone under replace', async () => {
    const { labels, concepts } = await again('replace', 'overwrite');
    expect(labels).toEqual(['2 dog', '3 dog']);
    expect(concepts).toEqual(['second']);
  });

  test('stays as it was under keep', async () => {
    const { second, labels, concepts } = await again('keep', 'keep');
    expect(labels).toEqual(['1 cat', '2 cat']);
    expect(concepts).toEqual(['first']);
    expect(second.lines.get('a.png')).toMatchObject({ outcome: 'skipped', annotations: { good: 2 } });
  });

  test('loses its annotations only when it brings labels: a run without any leaves them under replace', async () => {
    const dir = await folderOf({ 'source/a.png': 1, 'source/coco.json': of({ ...box, id: 1 }) });
    const { store } = await runLabelled(dir, { source: 'source', annotate: coco });
    await runLabelled(dir, {
      source: { folder: { path: 'source', include: ['*.png'] } },
      sink: { local: { onAnnotations: 'replace' } },
    });
    expect(await labelsOf(store)).toEqual(['1 cat']);
  });
});

test('what a transform throws and drops takes the labels of its item along, and nothing else', async () => {
  const dir = await folderOf({
    'source/drop.png': 1,
    'source/throw.png': 2,
    'source/keep.png': 3,
    'source/coco.json': cocoOf({ 'drop.png': 1, 'throw.png': 2, 'keep.png': 3 }, [
      { ...box, id: 1 },
      { ...box, id: 2, image_id: 2 },
      { ...box, id: 3, image_id: 2 },
      { ...box, id: 4, image_id: 3 },
    ]),
    't.mjs': `export default (item, ctx) => {
      if (item.uri === 'drop.png') return ctx.drop('a draft');
      if (item.uri === 'throw.png') throw new TypeError('no such thing');
      item.metadata.seen = true;
    };\n`,
  });
  const pipeline = { source: 'source', transform: 't.mjs', annotate: coco };
  const { report, store, lines } = await runLabelled(dir, pipeline);
  expect(report).toMatchObject({
    exitCode: 2,
    totals: { listed: 4, ok: 1, failed: 1, skipped: 2 },
    annotations: { totals: { listed: 4, ok: 1, rejected: 0, failed: 2, skipped: 1 } },
  });
  expect(lines.get('drop.png')).toMatchObject({
    code: 'TRANSFORM_DROPPED',
    stage: 'transform',
    message: 'a draft',
  });
  expect(lines.get('throw.png')).toMatchObject({
    code: 'TRANSFORM_FAILED',
    message: 'the transform failed: it threw TypeError: no such thing',
    annotations: { good: 2 },
    retryable: true,
  });
  // A retry brings the labels along once the transform is corrected.
  await writeFile(join(dir, 't.mjs'), 'export default () => {};\n');
  const retried = await sluiceJson(['retry', report.failures!]);
  accounted(store, retried.json);
  expect(retried.json).toMatchObject({
    exitCode: 0,
    totals: { listed: 1, ok: 1 },
    annotations: { totals: { listed: 2, ok: 2 } },
  });
  const stored = await storedIn(store);
  expect(stored.map(({ uri, annotations }) => [uri, annotations?.map(({ id }) => id)])).toEqual([
    ['keep.png', ['4']],
    ['throw.png', ['2', '3']],
  ]);
});

test('several sources of one run have each their own labels, and problems name the source', async () => {
  const dir = await folderOf({
    'one/a.png': 1,
    'one/coco.json': cocoOf({ 'a.png': 1, 'gone.png': 2 }, [
      { ...box, id: 1 },
      { ...box, id: 2, image_id: 2 },
    ]),
    'two/a.png': 2,
    'two/coco.json': cocoOf({ 'a.png': 1 }, [{ ...box, id: 1, category_id: 7 }], [{ id: 7, name: 'dog' }]),
    'rows.csv': 'inputid,input,concepts\nr1,a text,bird\n',
  });
  const { report, store, lines } = await runLabelled(dir, {
    source: [
      { name: 'first', folder: { path: 'one' }, annotate: coco },
      { name: 'second', folder: { path: 'two' }, annotate: coco },
      'rows.csv',
    ],
  });
  expect(report).toMatchObject({
    totals: { listed: 6, ok: 3, rejected: 1, skipped: 2 },
    annotations: { totals: { listed: 3, ok: 2, rejected: 1 } },
  });
  expect([...lines.keys()].sort()).toEqual([
    'first/a.png',
    'first/coco.json',
    'first/coco.json#images/2',
    'rows/rows.csv#L2',
    'second/a.png',
    'second/coco.json',
  ]);
  const named = new Map((await storedIn(store)).map((input) => [input.uri, input]));
  expect(only(named.get('first/a.png')!.annotations).concepts).toMatchObject([{ id: 'cat' }]);
  expect(only(named.get('second/a.png')!.annotations).concepts).toMatchObject([{ id: 'dog' }]);
  expect(named.get('rows/rows.csv#L2')).toMatchObject({ id: 'r1', concepts: [{ id: 'bird' }] });
});

test('a span beyond its text is refused every time, also when the text has not changed', async () => {
  const spans = (end: number) => ({ annotations: [{ concepts: [{ id: 'c' }], span: { start: 0, end } }] });
  const dir = await folderOf({ 'source/a.txt': 'twelve ch\u00e4rs', 'source/a.txt.json': spans(13) });
  const source = { folder: { path: 'source', sidecar: true } };
  const message = /span.end: 13 is beyond the text, which has 12 characters/;
  const first = await runLabelled(dir, { source });
  expect(problemsOf(first.lines.get('a.txt'))).toEqual([expect.stringMatching(message)]);
  await folderOf({ 'source/a.txt.json': spans(13) }, dir);
  const second = await runLabelled(dir, { source });
  expect(problemsOf(second.lines.get('a.txt'))).toEqual([expect.stringMatching(message)]);
  await folderOf({ 'source/a.txt.json': spans(12) }, dir);
  const third = await runLabelled(dir, { source });
  expect(third.lines.get('a.txt')).toMatchObject({ code: 'INPUT_UPDATED', annotations: { good: 1 } });
  const whole = (await readFile(third.report.ledger!, 'utf8')).split('\n');
  await rm(third.report.report!);
  await writeFile(third.report.ledger!, `${whole[0]}\n`);
  const resumed = await resume({ runId: third.report.runId, store: third.store });
  expect(accounted(third.store, resumed).get('a.txt')).toMatchObject({ annotations: { good: 1 } });
});

test('the files of an archive have their labels, also while they lie unpacked beside it', async () => {
  const dir = await folderOf({
    'set/a.png': 1,
    'set/coco.json': cocoOf({ 'a.png': 1 }, [{ ...box, id: 1 }]),
  });
  writeZip(join(dir, 'set/all.zip'), [{ name: 'images/a.png', data: await plainPng(1) }]);
  const alone = await runLabelled(dir, { source: 'set/all.zip', annotate: coco });
  expect(alone.report).toMatchObject({ exitCode: 0, totals: { listed: 1, ok: 1 } });
  expect(only((await storedIn(alone.store))[0]!.annotations).id).toBe('1');
  // In a folder with both, the labels are those of the file that they name.
  const both = await runLabelled(dir, { source: 'set', annotate: coco }, join(dir, 'both'));
  const labelled = (await storedIn(both.store)).map(({ uri, annotations }) => [uri, annotations.length]);
  expect(Object.fromEntries(labelled)).toEqual({ 'a.png': 1, 'all.zip!/images/a.png': 0 });
});

test('labels of a Delta table lie in its folder', async () => {
  const dir = await folderOf({
    'table/photos/a.png': 1,
    'table/coco.json': cocoOf({ 'photos/a.png': 1 }, [{ ...box, id: 1 }]),
  });
  const table = join(dir, 'table');
  const fields = [{ name: 'input', type: 'string' }];
  const added = await addFile(table, 'part-0.parquet', { input: [text, ['photos/a.png']] });
  await writeCommit(table, 0, [protocol(), metaData(fields), added]);
  const { store, report } = await runLabelled(dir, {
    source: { delta: { path: 'table', inputType: 'file' } },
    annotate: coco,
  });
  expect(report).toMatchObject({ exitCode: 0, totals: { listed: 1, ok: 1 } });
  expect(only((await storedIn(store))[0]!.annotations).id).toBe('1');
});

test('rows of labels that were broken are no items: a retry leaves them alone, the next ingest takes them', async () => {
  const rows = (last: string) => ['{"file_name": "a.png", "label": "cat"}', last, ''].join('\n');
  const dir = await folderOf({
    'source/a.png': 1,
    'source/b.png': 2,
    'source/metadata.jsonl': rows('{"file_name": "b.png", label}'),
  });
  const pipeline = { source: 'source', annotate: [{ huggingface: {} }] };
  const first = await runLabelled(dir, pipeline);
  expect(first.report).toMatchObject({ exitCode: 2, totals: { listed: 4, ok: 2, rejected: 1, skipped: 1 } });
  expect(first.lines.get('metadata.jsonl#L2')).toMatchObject({ stage: 'annotate', outcome: 'rejected' });
  await folderOf({ 'source/metadata.jsonl': rows('{"file_name": "b.png", "label": "dog"}') }, dir);
  const retried = await sluiceJson(['retry', first.report.failures!, '--rejected']);
  expect(retried.json).toMatchObject({ exitCode: 0, totals: { listed: 0 } });
  const again = await runLabelled(dir, pipeline);
  expect(again.report).toMatchObject({ exitCode: 0, totals: { listed: 3, ok: 1, skipped: 2 } });
  expect((await storedIn(first.store)).map(({ concepts }) => concepts.map(({ id }) => id))).toEqual([
    ['cat'],
    ['dog'],
  ]);
});

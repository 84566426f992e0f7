import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FatalError, runPipeline } from '../../src/index.ts';
import { accounted } from '../support/accounts.ts';
import { cocoOf, folderOf, runLabelled } from '../support/annotated.ts';
import { sluice, sluiceJson } from '../support/cli.ts';
import { binary, int, list, struct, text, writeParquet } from '../support/parquet.ts';
import { storedIn } from '../support/stored.ts';

interface Refused {
  error: { code: string; message: string };
}

/** Why a pipeline file is refused. */
async function refusal(pipeline: string): Promise<string> {
  const dir = await folderOf({ 'texts/a.txt': 'a', 'p.yaml': pipeline });
  const file = join(dir, 'p.yaml');
  const error: unknown = await runPipeline({ pipeline: file, store: join(dir, 'store') }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FatalError)) throw new Error(`not refused: ${String(error)}`);
  expect(error.code).toBe('PIPELINE_INVALID');
  return error.message.replaceAll(`${file}:`, '');
}

const good = 'source: texts\n';

describe('a pipeline file that is up to no good is refused with its place', () => {
  /** Nine levels of nine aliases: 3.5 billion values in a few hundred bytes. */
  const bomb = Array.from(
    { length: 10 },
    (_, i) =>
      `${'abcdefghij'[i]}: &${'abcdefghij'[i]} [${
        i === 0
          ? 'x'
          : Array(9)
              .fill(`*${'abcdefghij'[i - 1]}`)
              .join(', ')
      }]`,
  ).join('\n');

  test.each<[string, string, RegExp]>([
    [
      'a bomb of aliases',
      `${good}label:\n  metadata:\n${bomb.replace(/^/gm, '    ')}\n`,
      /^\d+:\d+: more than 100000 values, aliases followed$/,
    ],
    [
      'an anchor inside itself',
      `${good}label: &l { metadata: { a: *l } }\n`,
      /^2:28: an alias that stands for itself/,
    ],
    ['an alias of nothing', `${good}label: *nowhere\n`, /^2:8: an alias without its anchor/],
    ['a key twice', `${good}source: texts\n`, /^2:1: this key is there twice/],
    ['a tag', `${good}label: !!js/function "x"\n`, /^2:8: .*tag/],
    [
      'unknown keys',
      `${good}sinck: {}\nbatch: { item: 3 }\n`,
      /^2:1: sinck: unknown key; did you mean sink\?; 3:10: batch\.item: unknown key; did you mean items\?/,
    ],
    [
      'an unknown label source',
      `${good}annotate: [{ cocco: {} }]\n`,
      /^2:14: annotate\[0\]\.cocco: unknown key; did you mean coco\?/,
    ],
    [
      'a wrong option of a label source',
      `${good}annotate: [{ coco: { fil: x } }]\n`,
      /^2:22: annotate\[0\]\.coco\.fil: unknown key; did you mean file\?/,
    ],
    ['a word for a list', `${good}annotate: coco\n`, /^2:11: annotate: expected a list, not a text$/],
    [
      'an empty label source',
      `${good}annotate: [{ coco: }]\n`,
      /^2:20: annotate\[0\]\.coco: expected keys with values, not nothing$/,
    ],
    [
      'a class that is no index',
      `${good}annotate: [{ masks: { classes: { a: cat } } }]\n`,
      /^2:34: annotate\[0\]\.masks\.classes\.a: expected an index such as 7, or a colour as #rrggbb$/,
    ],
    ['broken YAML', `source: [texts\n`, /^\d+:\d+: /],
    ['nothing', '', /expected keys such as source and sink, not nothing$/],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a pipeline file's
    ['a secret where none belongs', 'source: ${HOME}/texts\n', /^1:9: source: .*\$\{HOME\}/],
  ])('%s', async (_, pipeline, message) => {
    expect(await refusal(pipeline)).toMatch(message);
  });

  test('or a folder, or is given to the wrong command: each names the right one', async () => {
    const dir = await folderOf({ 'p.yaml': good });
    const folder = await sluice(['run', dir, '--store', join(dir, 'store')]);
    expect(folder.stderr).toContain('it is a folder; sluice ingest takes folders');
    const ingested = await sluice(['ingest', join(dir, 'p.yaml'), '--store', join(dir, 'store')]);
    expect(ingested.stderr).toContain('a pipeline file is run by sluice run');
    expect([folder.code, ingested.code]).toEqual([1, 1]);
  });

  test('by run and lint alike, with a sentence and no stack', async () => {
    const dir = await folderOf({ 'p.yaml': `${good}label:\n  metadata:\n${bomb.replace(/^/gm, '    ')}\n` });
    const file = join(dir, 'p.yaml');
    const run = await sluiceJson<Refused>(['run', file, '--store', join(dir, 'store')]);
    expect({ code: run.code, error: run.json.error.code }).toEqual({ code: 1, error: 'PIPELINE_INVALID' });
    expect(run.stderr).not.toMatch(/\n\s+at /);
    const lint = await sluice(['lint', file]);
    expect(lint).toMatchObject({ code: 1, stdout: expect.stringContaining('more than 100000 values') });
  });

  test('50 MB are not read at all', async () => {
    const dir = await folderOf({ 'p.yaml': good });
    const file = join(dir, 'p.yaml');
    await truncate(file, 50_000_000);
    const { code, json } = await sluiceJson<Refused>(['run', file, '--store', join(dir, 'store')]);
    expect(code).toBe(1);
    expect(json.error.message).toBe(`${file} has 50000000 bytes, and a pipeline file at most 1000000`);
  });
});

test('a broken line 5 of a JSON Lines file costs line 5 alone, with its column', async () => {
  const line = (i: number) =>
    JSON.stringify({ id: `i${i}`, text: `text ${i}`, annotations: [{ concepts: [{ id: 'c' }] }] });
  const lines = Array.from({ length: 8 }, (_, i) => (i === 4 ? '{"id": "i4", "text": oops}' : line(i)));
  const dir = await folderOf({ 'in.jsonl': `${lines.join('\n')}\n` });
  const store = join(dir, 'store');
  const { code, json } = await sluiceJson(['ingest', join(dir, 'in.jsonl'), '--store', store]);
  expect(code).toBe(2);
  const outcomes = accounted(store, json);
  expect(json).toMatchObject({
    totals: { listed: 8, ok: 7, rejected: 1 },
    annotations: { totals: { listed: 7, ok: 7 } },
  });
  expect(outcomes.get('in.jsonl#L5')).toMatchObject({
    outcome: 'rejected',
    code: 'INPUT_INVALID_ARGUMENT',
    message: expect.stringMatching(/in\.jsonl:5:22/),
  });
  lines[4] = line(4);
  await writeFile(join(dir, 'in.jsonl'), `${lines.join('\n')}\n`);
  const retried = await sluiceJson(['retry', json.failures!, '--rejected']);
  expect(retried.json).toMatchObject({
    exitCode: 0,
    totals: { listed: 1, ok: 1 },
    annotations: { totals: { ok: 1 } },
  });
  expect(await storedIn(store)).toHaveLength(8);
});

describe('a Parquet file', () => {
  const run = async (columns: Parameters<typeof writeParquet>[1], options: object = {}) => {
    const dir = await folderOf({});
    await writeParquet(join(dir, 'rows.parquet'), columns);
    return runLabelled(dir, { source: { parquet: { path: 'rows.parquet', ...options } } });
  };

  test.each<[string, Parameters<typeof writeParquet>[1], object, RegExp]>([
    [
      'without the named column',
      { input: [text, ['a']] },
      { conceptsColumn: 'label' },
      /no column "label"; its columns are "input"/,
    ],
    [
      'whose inputs are nested',
      { input: [list(text), [['a']]] },
      {},
      /the column "input" is a list, which cannot be an input/,
    ],
    [
      'whose inputs nobody can tell',
      { foo: [int, [1]] },
      {},
      /say with .*input.?[cC]olumn which it is: "foo"/,
    ],
  ])('%s is refused before the run begins', async (_, columns, options, message) => {
    await expect(run(columns, options)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  test('with nested labels and rows that are wrong loses these alone', async () => {
    const { report, store, lines } = await run({
      input: [text, ['one', null, 'three', 'four']],
      inputid: [text, ['r1', 'r2', 'r3', 'r4']],
      concepts: [list(struct({ id: text })), [[{ id: 'cat' }, { id: 'dog' }], null, null, [{ id: null }]]],
      extra: [binary, [Buffer.from([1]), null, null, null]],
    });
    expect(report).toMatchObject({ exitCode: 2, totals: { listed: 4, ok: 2, rejected: 2 } });
    expect(lines.get('rows.parquet#R2')?.message).toMatch(/R2: the row has no input: input is empty/);
    expect(lines.get('rows.parquet#R4')?.message).toMatch(/the column "concepts"/);
    expect((await storedIn(store)).map(({ id, concepts }) => [id, concepts.map((each) => each.id)])).toEqual([
      ['r1', ['cat', 'dog']],
      ['r3', []],
    ]);
  });

  test('names files that label sources know by their path', async () => {
    const dir = await folderOf({
      'photos/a.png': 1,
      'coco.json': cocoOf({ 'photos/a.png': 1 }, [
        { id: 1, image_id: 1, category_id: 1, bbox: [4, 2, 10, 5] },
      ]),
    });
    await writeParquet(join(dir, 'rows.parquet'), { input: [text, ['photos/a.png']] });
    const { store, report } = await runLabelled(dir, {
      source: { parquet: { path: 'rows.parquet', inputType: 'file' } },
      annotate: [{ coco: { file: 'coco.json' } }],
    });
    expect(report).toMatchObject({ exitCode: 0, totals: { listed: 1, ok: 1 } });
    expect((await storedIn(store))[0]?.annotations).toMatchObject([{ id: '1' }]);
  });

  test('that was corrected and grew above gives a retry the corrected row alone', async () => {
    const dir = await folderOf({});
    const path = join(dir, 'rows.parquet');
    await writeParquet(path, { input: [text, ['one', null, 'three']] });
    const { report, store } = await runLabelled(dir, { source: 'rows.parquet' });
    expect(report.totals).toMatchObject({ ok: 2, rejected: 1 });
    await writeParquet(path, { input: [text, ['zero', 'one', 'two', 'three']] });
    const { json } = await sluiceJson(['retry', report.failures!, '--rejected']);
    accounted(store, json);
    expect((await storedIn(store)).map((input) => input.text).sort()).toContain('two');
    expect(json.totals.failed).toBe(0);
  });
});

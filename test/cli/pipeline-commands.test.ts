import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TestResult } from '../../src/pipeline/file/tests.ts';
import { inputsOf, ledgerOf, sluice, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const PIPELINES = fileURLToPath(new URL('../../pipelines', import.meta.url));

interface Tested {
  totals: { tests: number; passed: number; failed: number };
  files: { file: string; tests: TestResult[] }[];
}

/** A folder with three texts in `texts/`, and a pipeline file beside it. */
async function pipelineOf(text: string): Promise<{ dir: string; file: string; store: string }> {
  const dir = await tempFolder();
  await mkdir(join(dir, 'texts', 'poems'), { recursive: true });
  for (const name of ['a', 'b', 'c'])
    await writeFile(join(dir, 'texts', 'poems', `${name}.txt`), `text ${name}`);
  const file = join(dir, 'p.yaml');
  await writeFile(file, text);
  return { dir, file, store: join(dir, 'store') };
}

describe('sluice run', () => {
  const PIPELINE = [
    'source: { folder: { path: texts, labels: folder } }',
    'transform: t.mjs',
    'label: { metadata: { by: me } }',
    'sink: { local: { store: store, dataset: mine } }',
    'on_failure: { maxRejected: 1 }',
  ].join('\n');
  const TRANSFORM = `export default (item, ctx) => {
    if (item.uri.endsWith('a.txt')) return ctx.drop('it is a');
    if (item.uri.endsWith('b.txt')) throw new Error('not b');
    item.split = 'train';
  };\n`;

  it('does what the file says, with paths relative to the file', async () => {
    const { dir, file, store } = await pipelineOf(PIPELINE);
    await writeFile(join(dir, 't.mjs'), TRANSFORM);
    const { code, json } = await sluiceJson(['run', file]);
    expect(json).toMatchObject({
      totals: { listed: 3, ok: 1, failed: 1, skipped: 1 },
      byCode: { TRANSFORM_DROPPED: 1, TRANSFORM_FAILED: 1, INPUT_SUCCESS: 1 },
      dataset: 'mine',
    });
    expect(code).toBe(0);
    expect(await inputsOf(store, ['--dataset', 'mine'])).toMatchObject([
      { uri: 'poems/c.txt', concepts: [{ id: 'poems' }], metadata: { by: 'me' }, split: 'train' },
    ]);
    expect(ledgerOf(store, json.runId)).toContainEqual(
      expect.objectContaining({ uri: 'poems/a.txt', stage: 'transform', message: 'it is a' }),
    );
    const manifest = JSON.parse(await readFile(join(store, 'runs', json.runId, 'run.json'), 'utf8'));
    expect(manifest.config.pipeline).toEqual({ file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('can be retried from its run alone, when the file is gone and the transform corrected', async () => {
    const { dir, file } = await pipelineOf(PIPELINE);
    await writeFile(join(dir, 't.mjs'), TRANSFORM);
    const first = await sluiceJson(['run', file]);
    await truncate(file);
    await writeFile(join(dir, 't.mjs'), 'export default () => {};\n');
    const { json } = await sluiceJson(['retry', first.json.failures!]);
    expect(json.totals).toMatchObject({ listed: 1, ok: 1 });
    expect(await inputsOf(join(dir, 'store'))).toHaveLength(2);
  });

  it('lets the command line decide over the store, the dataset and whether to write', async () => {
    const { dir, file } = await pipelineOf(PIPELINE.replace('transform: t.mjs\n', ''));
    const other = join(dir, 'other');
    expect((await sluiceJson(['run', file, '--store', other, '--dry-run'])).json).toMatchObject({
      dryRun: true,
    });
    expect(await readdir(dir)).not.toContain('other');
    const { json } = await sluiceJson(['run', file, '--store', other, '--dataset', 'theirs']);
    expect(json).toMatchObject({ dataset: 'theirs', totals: { ok: 3 } });
    expect(await readdir(dir)).not.toContain('store');
  });

  it('writes nothing into the sink null', async () => {
    const { dir, file } = await pipelineOf('source: texts\nsink: { null: {} }\n');
    const { code, json } = await sluiceJson(['run', file], { cwd: dir });
    expect({ code, ...json }).toMatchObject({ code: 0, dryRun: true, totals: { listed: 3, ok: 3 } });
    expect((await readdir(dir)).sort()).toEqual(['p.yaml', 'texts']);
  });

  it('does not begin with a file that has problems, and names all of them', async () => {
    const { dir, file } = await pipelineOf('source: texts\nsinc: {}\nbatch: { items: 0 }\n');
    const { code, json } = await sluiceJson<{ error: { code: string; message: string } }>(['run', file], {
      cwd: dir,
    });
    expect(code).toBe(1);
    expect(json.error.code).toBe('PIPELINE_INVALID');
    expect(json.error.message).toMatch(
      /p\.yaml:2:1: sinc: unknown key; did you mean sink\?; .*p\.yaml:3:17: batch\.items/,
    );
    expect(await readdir(dir)).not.toContain('sluice-store');
  });
});

describe('sluice lint', () => {
  it('shows each problem with its line, and counts them', async () => {
    const { file } = await pipelineOf(
      'source: texts\nsinc: {}\ntests:\n  - { source: nowhere, expect: {} }\n',
    );
    const { code, stdout } = await sluice(['lint', file]);
    expect(code).toBe(1);
    expect(stdout).toBe(
      [
        `${file}:2:1: sinc: unknown key; did you mean sink?`,
        '  2 | sinc: {}',
        '    | ^',
        `${file}:4:15: warning: tests[0].source: ${join(file, '..', 'nowhere')} does not exist`,
        '  4 |   - { source: nowhere, expect: {} }',
        '    |               ^',
        `${file}: 1 error, 1 warning`,
        '',
      ].join('\n'),
    );
  });

  it('warns of what may be there on another day, and passes', async () => {
    const { file } = await pipelineOf('source: nowhere\n');
    const { code, json } = await sluiceJson<{ files: { problems: unknown[] }[] }>(['lint', file]);
    expect(code).toBe(0);
    expect(json.files[0]!.problems).toMatchObject([
      { severity: 'warning', line: 1, column: 9, at: 'source' },
    ]);
  });
});

describe('sluice test', () => {
  it('fails with what came out other than expected', async () => {
    const { file } = await pipelineOf(
      [
        'source: texts',
        'tests:',
        '  - name: wrong',
        '    expect:',
        '      totals: { ok: 2 }',
        '      items: [{ uri: poems/a.txt, concepts: [poem] }, { uri: poems/d.txt }]',
        '  - name: right',
        '    items: [{ text: hello, concepts: [{ id: b }, { id: a, value: 0 }] }]',
        '    expect: { items: [{ uri: item-1.txt, concepts: [b, a=0], kind: text }] }',
      ].join('\n'),
    );
    const { code, json } = await sluiceJson<Tested>(['test', file]);
    expect(code).toBe(1);
    expect(json.totals).toEqual({ tests: 2, passed: 1, failed: 1 });
    expect(json.files[0]!.tests[0]!.differences).toEqual([
      { at: 'totals.ok', expected: 2, actual: 3 },
      { at: 'items[poems/a.txt].concepts', expected: ['poem'], actual: [] },
      { at: 'items[poems/d.txt]', expected: 'an outcome', actual: expect.stringContaining('poems/a.txt') },
    ]);
    const { stdout } = await sluice(['test', file]);
    expect(stdout).toContain('      totals.ok\n        - 2\n        + 3\n');
    expect(stdout).toMatch(/1 of 2 tests passed\n$/);
  });

  it('fails a test whose run cannot begin', async () => {
    const { file } = await pipelineOf('source: texts\ntests: [{ source: nowhere, expect: {} }]\n');
    const { code, json } = await sluiceJson<Tested>(['test', file]);
    expect(code).toBe(1);
    expect(json.files[0]!.tests[0]).toMatchObject({ passed: false, error: { code: 'SOURCE_NOT_FOUND' } });
  });
});

describe('sluice inspect', () => {
  it('shows what a source is taken for, and its first items with their labels', async () => {
    const { dir } = await pipelineOf('source: texts\n');
    const { json } = await sluiceJson<{ sources: unknown[] }>(
      ['inspect', join(dir, 'texts'), '--items', '2'],
      { cwd: dir },
    );
    expect(json.sources).toMatchObject([
      {
        type: 'folder',
        reason: 'it is a folder',
        more: true,
        items: [{ uri: 'poems/a.txt', bytes: 6 }, { uri: 'poems/b.txt' }],
      },
    ]);
    expect(await readdir(dir)).not.toContain('sluice-store');
  });

  it('shows the labels that lie beside the items of a pipeline', async () => {
    const { stdout } = await sluice(['inspect', join(PIPELINES, 'coco-annotated-images.yaml')]);
    expect(stdout).toMatch(/images\/coffee\.jpg.*\n.*\n +annotations +3 cup spoon saucer\n/);
    expect(stdout).toContain('annotations/instances.json  skipped LABEL_FILE');
  });

  it('shows outcomes of what is no item', async () => {
    const { dir, file } = await pipelineOf('source: [texts, more.csv]\n');
    await writeFile(join(dir, 'more.csv'), 'input\nhello\n"broken\n');
    const { code, json } = await sluiceJson<{ sources: { name: string; items: unknown[] }[] }>([
      'inspect',
      file,
    ]);
    expect(code).toBe(0);
    expect(json.sources.map(({ name }) => name)).toEqual(['texts', 'more']);
    expect(json.sources[1]!.items).toMatchObject([{ text: 'hello' }, { outcome: { outcome: 'rejected' } }]);
  });
});

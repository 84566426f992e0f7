// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such references are what is tested
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkPipeline } from '../../../src/pipeline/file/check.ts';
import type { PipelineFile } from '../../../src/pipeline/file/pipeline-file.ts';
import { showProblem } from '../../../src/pipeline/file/problem.ts';
import { checkObject, readPipeline } from '../../../src/pipeline/file/read.ts';
import { openPipeline } from '../../../src/pipeline/file/run.ts';
import { misplacedReferences } from '../../../src/pipeline/file/secrets.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** A pipeline file in a folder with a source, `photos/`, and a transform, `t.mjs`. */
async function fileOf(text: string): Promise<string> {
  const dir = await tempFolder();
  await mkdir(join(dir, 'photos'));
  await writeFile(join(dir, 'rows.csv'), 'input\nhello\n');
  await writeFile(join(dir, 't.mjs'), 'export default () => {};\n');
  const path = join(dir, 'p.yaml');
  await writeFile(path, text);
  return path;
}

/** The problems as `line:column path: message`. */
async function lint(text: string): Promise<string[]> {
  const { problems } = await readPipeline(await fileOf(text));
  return problems.map(
    ({ severity, line, column, at, message }) =>
      `${line}:${column} ${severity === 'warning' ? 'warning ' : ''}${at === undefined ? '' : `${at}: `}${message}`,
  );
}

describe('a pipeline file', () => {
  it.each([
    'source: photos/',
    'source: { folder: { path: photos, labels: folder } }',
    'source: [photos, rows.csv]',
    'source:\n  - name: a\n    folder: { path: photos }\n  - csv: { path: rows.csv, csvType: raw }',
    'source: photos\ntransform: t.mjs',
    'source: photos\ntransform: { module: t.mjs, export: default }',
    'source: photos\nsink: { null: {} }',
    'source: photos\nlabel: { concept: [a, b=0], metadata: { any: { thing: [1] } }, split: train }',
    'source: photos\nlabel: &l { split: train }\nsink: { local: { store: s, dataset: d } }',
  ])('is sound: %s', async (text) => {
    expect(await lint(text)).toEqual([]);
  });

  it('takes a number for a text as it is written', async () => {
    const text = 'source: photos\non_failure: { maxRejected: 10 }\nsink: { local: { dataset: 2024 } }\n';
    const { problems, file } = await readPipeline(await fileOf(text));
    expect(problems).toEqual([]);
    expect(file).toMatchObject({ on_failure: { maxRejected: '10' }, sink: { local: { dataset: '2024' } } });
  });

  it('tells all that is wrong at once, each by its place', async () => {
    const text = [
      'name: ""',
      'sorce: photos',
      'validate:',
      '  profil: open',
      '  check: decoded',
      'batch: { items: 500 }',
      'sink:',
      '  local: { on_duplicate: suffix }',
      'onFailure: {}',
      'transform: nowhere.ts',
      'label: { concept: [cat=9] }',
      'label: {}',
    ].join('\n');
    expect(await lint(text)).toEqual([
      '1:7 name: Too small: expected string to have >=1 characters',
      '2:1 sorce: unknown key; did you mean source?',
      '4:3 validate.profil: unknown key; did you mean profile?',
      '5:10 validate.check: takes decode, header, not "decoded"; did you mean decode?',
      '6:17 batch.items: Too big: expected number to be <=128',
      '8:12 sink.local.on_duplicate: unknown key; did you mean onDuplicate?',
      '9:1 onFailure: unknown key; did you mean on_failure?',
      expect.stringMatching(/^10:12 transform: .*nowhere\.ts does not exist$/),
      '12:1 this key is there twice',
    ]);
  });

  it.each([
    ['source: { foldr: { path: photos } }', '1:11 source.foldr: unknown key; did you mean folder?'],
    [
      'source: { folder: { path: photos, lables: folder } }',
      '1:35 source.folder.lables: unknown key; did you mean labels?',
    ],
    ['source: { folder: { labels: folder } }', '1:11 source.folder: path is missing'],
    [
      'source: { folder: { path: photos }, csv: { path: rows.csv } }',
      /^1:9 source: needs exactly one loader: .*folder, /,
    ],
    ['source: 5', /^1:9 source: expected a path, a source by its loader/],
    [
      'source: [photos, { folder: { path: photos, recursive: 3 } }]',
      '1:55 source[1].folder.recursive: expected true or false, not a number',
    ],
    [
      'source: t.mjs',
      /^1:9 source: .*which no loader takes: .*, or say by its loader \(folder: \{ path: … \}\) what it is$/,
    ],
    [
      'source: photos\nvalidate: { profile: opn }',
      '2:22 validate.profile: there is no profile "opn"; did you mean open?',
    ],
    [
      'source: photos\nvalidate: { limit: { image.megapixel: 5 } }',
      /^2:20 validate\.limit: there is no limit "image\.megapixel"; did you mean image\.megapixels/,
    ],
    ['source: photos\nlabel: { concept: [cat=5] }', /^2:19 label\.concept: --concept cat=5: expected ID/],
    ['source: photos\ntransform: u.mjs', /^2:12 transform: .*u\.mjs does not exist/],
    ['source: photos\nannotate: [{ nosuch: {} }]', /^2:14 annotate\[0\]\.nosuch: unknown key/],
    ['source: [photos, rows.csv]\nannotate: []', /^2:1 annotate: the pipeline has several sources/],
    [
      'source: [{ name: a, folder: { path: photos } }, { name: a, csv: { path: rows.csv } }]',
      '1:57 source[1].name: two sources are named a',
    ],
    [
      'source: photos\ntests: [{ items: [{ text: a }], source: photos, expect: {} }]',
      '2:9 tests[0]: give a source or items, not both',
    ],
    [
      'source: photos\ntests: [{ expect: { byCode: { INPUT_SUCESS: 1 } } }]',
      '2:31 tests[0].expect.byCode.INPUT_SUCESS: unknown key; did you mean INPUT_SUCCESS?',
    ],
    ['source: ${DIR}/photos', '1:9 source: ${DIR} is for secrets only; write the value itself'],
    [
      'source: photos\nlabel: { metadata: { who: "${USER}" } }',
      '2:27 label.metadata.who: ${USER} is for secrets only; write the value itself',
    ],
    ['source: photoz', /^1:9 warning source: .*photoz does not exist$/],
    [
      'source: [{ folder: { path: photos, idPrefix: a } }, { csv: { path: rows.csv, idPrefix: a } }]',
      /^1:88 warning source\[1\]\.csv\.idPrefix: another source has this prefix/,
    ],
  ])('says of %s what is wrong', async (text, expected) => {
    const [found, ...more] = await lint(text);
    if (typeof expected === 'string') expect(found).toBe(expected);
    else expect(found).toMatch(expected);
    expect(more).toEqual([]);
  });

  it('is not a pipeline when it is empty, a list or a text', async () => {
    for (const text of ['', '[]', 'photos'])
      expect(await lint(text)).toEqual([expect.stringContaining('expected keys such as source')]);
  });
});

describe('YAML that is up to no good', () => {
  it('is refused by its size before it is read', async () => {
    const path = await fileOf('');
    await truncate(path, 50_000_000);
    await expect(readPipeline(path)).rejects.toMatchObject({
      code: 'PIPELINE_INVALID',
      measured: 50_000_000,
      limit: 1_000_000,
    });
  });

  it('cannot blow up by aliases', async () => {
    const level = (n: number) =>
      `l${n}: &l${n} [${Array(9)
        .fill(n === 0 ? 'lol' : `*l${n - 1}`)
        .join(', ')}]`;
    const bomb = Array.from({ length: 10 }, (_, n) => level(n)).join('\n');
    expect(await lint(bomb)).toEqual([expect.stringMatching(/more than 100000 values, aliases followed/)]);
  });

  it.each([
    ['source: photos\nname: a\nname: b', '3:1 this key is there twice'],
    ['source: &a [*a]', '1:13 an alias that stands for itself'],
    ['source: *nowhere', '1:9 an alias without its anchor'],
    ['source: !!js/function "x"', /^1:9 Unresolved tag/],
    ['source: !env HOME', /^1:9 Unresolved tag/],
    ['source: photos\n? [a]\n: b', '2:3 a key must be a plain text'],
    ['source: "photos', /^1:\d+ /],
    ['source: photos\n---\nsource: photos', /^2:1 /],
    [`source: ${'['.repeat(200)}${']'.repeat(200)}`, '1:72 values more than 64 deep in each other'],
  ])('is an error by its place: %s', async (text, expected) => {
    const [found] = await lint(text);
    if (typeof expected === 'string') expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });

  it('ends in an error and not in a crash when it is deeper than a stack', async () => {
    const { problems } = await readPipeline(await fileOf(`source: ${'['.repeat(400_000)}`));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThan(30);
  });
});

describe('problems', () => {
  it('show their line with a caret, also in the middle of a long one', async () => {
    const path = await fileOf(`source: photos\nbatch: { items: ${' '.repeat(300)}0 }`);
    const { problems } = await readPipeline(path);
    const [, line, caret] = showProblem('p.yaml', problems[0]!);
    expect(line).toMatch(/^ {2}2 \| /);
    expect(line!.length).toBeLessThan(120);
    expect(line![caret!.indexOf('^')]).toBe('0');
  });

  it('keep a run from beginning, all of them in one message', async () => {
    const opening = openPipeline(await fileOf('source: photos\nbatch: { items: 0 }\nnames: a'));
    await expect(opening).rejects.toMatchObject({ name: 'FatalError', code: 'PIPELINE_INVALID' });
    await expect(opening).rejects.toThrow(
      /p\.yaml:2:17: batch\.items: .*; .*p\.yaml:3:1: names: unknown key/,
    );
  });

  it('are the same of a pipeline that was made in code, without lines', async () => {
    const { problems } = await checkObject({ source: 'x', batch: { items: 0 } } as PipelineFile, '/');
    expect(problems).toEqual([
      { severity: 'error', at: 'batch.items', message: expect.stringMatching(/^Too small/) },
      { severity: 'warning', at: 'source', message: expect.stringMatching(/x does not exist$/) },
    ]);
  });
});

describe('references to the environment', () => {
  it('are for fields that hold secrets', async () => {
    const schema = z.strictObject({
      token: z.string().meta({ secret: true }).optional(),
      list: z.array(z.string()),
    });
    const value = { token: '${TOKEN}', list: ['${A}', 'costs $5'] };
    expect(misplacedReferences(schema, value).map(({ path }) => path)).toEqual([['list', 0]]);
    expect((await checkPipeline(schema, value, '/')).errors).toHaveLength(1);
  });
});

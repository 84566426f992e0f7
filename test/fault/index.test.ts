import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deviceInWords } from '../../src/cli/device-words.ts';
import { runReport } from '../../src/pipeline/shapes.ts';
import { sluice, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A store of texts, indexed by the built-in model. */
async function indexed(
  texts: readonly string[],
  into?: string,
): Promise<{ dir: string; source: string; store: string }> {
  const dir = into ?? (await tempFolder());
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await mkdir(source);
  for (const [i, text] of texts.entries()) await writeFile(join(source, `${i}.txt`), text);
  const set = ['workflow', 'set', 'words', '--text', 'default', '--device', 'cpu', '--store', store];
  expect((await sluice(set)).code).toBe(0);
  expect((await sluice(['ingest', source, '--store', store])).code).toBe(0);
  return { dir, source, store };
}

describe('an input that cannot be embedded', () => {
  test('is stored, and named with the reason by the run that stored it', async () => {
    const { source, store } = await indexed(['a text']);
    await writeFile(join(source, 'spaces.txt'), '  \n ');
    const { code, json } = await sluiceJson(['ingest', source, '--device', 'cpu', '--store', store]);
    expect(code).toBe(2);
    runReport.parse(json);
    const message = 'the text is empty for the model: it has no tokens';
    expect(json.index).toMatchObject({
      totals: { listed: 1, ok: 0, failed: 1 },
      failures: [{ inputId: expect.stringMatching(/^spaces-/), code: 'EMBED_UNREADABLE', message }],
    });
    await writeFile(join(source, 'spaces2.txt'), ' ');
    const again = await sluice(['ingest', source, '--device', 'cpu', '--store', store]);
    expect([again.code, again.stdout]).toEqual([2, expect.stringMatching(`spaces2-\\w+: ${message}`)]);
  });
});

describe('a search that cannot be', () => {
  let dir: string;
  let store: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sluice-'));
    ({ store } = await indexed(['a text', 'another text'], dir));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test.each<[what: string, flags: string[], code: string, said: string]>([
    ['for spaces', ['--text', '  '], 'QUERY_UNREADABLE', 'the text is empty'],
    ['for nothing', ['--text', ''], 'CONFIG_INVALID', 'the text to search for is empty'],
    ['for a file that is none', ['--image', '/nowhere.png'], 'SOURCE_NOT_FOUND', '/nowhere.png'],
    ['for an unknown input', ['--id', 'nope'], 'CONFIG_INVALID', 'there is no input nope'],
    ['by another medium', ['--image', MAIN], 'SPACE_MISMATCH', 'by image'],
    ['among no images', ['--text', 'a', '--kind', 'image'], 'INDEX_EMPTY', 'of kind image'],
    ['for boxes', ['--text', 'a', '--objects'], 'CONFIG_INVALID', '--regions'],
    ['of too many', ['--text', 'a', '--top', '10001'], 'CONFIG_INVALID', '10000'],
    ['with a page that is a folder', ['--text', 'a', '--open', '/tmp'], 'STORE_WRITE_FAILED', '/tmp'],
  ])('%s is refused with the reason, as one document', async (_, flags, code, said) => {
    const ran = await sluiceJson<object>(['search', ...flags, '--store', store]);
    expect([ran.code, ran.json]).toMatchObject([
      1,
      { error: { code, message: expect.stringContaining(said) } },
    ]);
    expect(ran.stderr).not.toMatch(/^ +at /m);
  });
});

describe('a model folder', () => {
  test.each<[what: string, files: Record<string, string | undefined>, code: string, said: string]>([
    [
      'with a graph cut off',
      { 'model.onnx': '\u0008\u0008:\u00ff' },
      'MODEL_INVALID',
      'model.onnx of the model',
    ],
    ['with an empty graph', { 'model.onnx': '' }, 'MODEL_INVALID', 'model.onnx of the model'],
    ['with a folder for a graph', { 'model.onnx/a': '' }, 'MODEL_NOT_FOUND', 'has no ONNX file'],
    ['without a tokenizer', { 'tokenizer.json': undefined }, 'MODEL_UNSUPPORTED', 'tokenizer.json'],
    ['with half a config', { 'config.json': '{"model_type"' }, 'MODEL_INVALID', 'config.json'],
  ])('%s is refused, and named', async (_, files, code, said) => {
    const dir = await tempFolder();
    const usual = {
      'config.json': '{"model_type":"bert","hidden_size":4}',
      'tokenizer.json': '{"model":{"type":"WordLevel","vocab":{"[UNK]":0},"unk_token":"[UNK]"}}',
      'tokenizer_config.json': '{"tokenizer_class":"BertTokenizer","model_max_length":8}',
      '1_Pooling/config.json': '{"pooling_mode_mean_tokens":true}',
    };
    for (const [name, content] of Object.entries({ ...usual, ...files })) {
      if (content === undefined) continue;
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), content, 'latin1');
    }
    const ran = await sluiceJson<{ error: { message: string } }>(['models', 'check', dir]);
    expect([ran.code, ran.json]).toMatchObject([
      1,
      { error: { code, message: expect.stringContaining(said) } },
    ]);
    expect(ran.json.error.message).toContain(dir);
    expect(ran.stderr).not.toMatch(/^ +at /m);
  });
});

test('the devices that could not be had are named shortly', () => {
  const tried = [
    { device: 'cuda', error: 'Append_Cuda: Failed to load shared library' },
    { device: 'webgpu', error: 'no graphics card was found (/dev/dri, /dev/nvidia0); name webgpu first' },
  ] as const;
  expect(deviceInWords({ got: 'cpu', tried: [...tried] })).toBe(
    'cpu; not cuda: Failed to load shared library; not webgpu: no graphics card was found',
  );
});

describe('the engine', () => {
  test('reports nothing to its makers, and takes a query as long as a command line can hold', async () => {
    const { dir, store } = await indexed(['a text']);
    const home = join(dir, 'home');
    const { CI, ORT_DISABLE_TELEMETRY, XDG_CACHE_HOME, ...inherited } = process.env;
    const child = spawn(
      process.execPath,
      [MAIN, 'search', '--text', 'x'.repeat(100_000), '--store', store, '--json'],
      { env: { ...inherited, HOME: home }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    child.stdout.resume();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(existsSync(join(home, '.cache/Microsoft'))).toBe(false);
    expect(existsSync(`/tmp/mat-debug-${child.pid}.log`)).toBe(false);
  });
});

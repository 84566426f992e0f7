import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ingest } from '../../src/index.ts';
import { inputsOf, sluice } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const LANES = 3;

/** Runs command lines a few at a time. */
async function runAll(lines: readonly string[][]) {
  const ran: Awaited<ReturnType<typeof sluice>>[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < lines.length; i = next++) ran[i] = await sluice(lines[i]!);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return ran;
}

const documents = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('with --json, stdout is one document, or one line for each of a list, and nothing else', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await mkdir(source);
  for (const name of ['a', 'b']) await writeFile(join(source, `${name}.txt`), `text ${name}`);
  await writeFile(join(source, 'bad.txt'), Buffer.from([0xff]));
  const { runId, failures } = await ingest({ source, store });
  const lists: Record<string, number> = { 'inputs list': 2, 'datasets list': 1, 'runs list': 1 };
  const commands: string[][] = [
    ...Object.keys(lists).map((list) => list.split(' ')),
    ...[
      ['inputs', 'get', '$ID'],
      ['datasets', 'show', 'default'],
      ['runs', 'show', runId],
      ['runs', 'prune'],
    ],
    ...[['store', 'check'], ['resume', runId], ['ingest', source, '--dry-run'], ['doctor']],
  ];
  const id = (
    documents((await sluice(['inputs', 'list', '--store', store, '--json'])).stdout)[0] as { id: string }
  ).id;
  const filled = commands.map((line) => [
    ...line.map((word) => (word === '$ID' ? id : word)),
    '--store',
    store,
    '--json',
  ]);
  const changing = [
    ['store', 'gc'],
    ['store', 'compact'],
    ['inputs', 'delete', 'nobody'],
    ['retry', failures!, '--rejected'],
    ['ingest', source],
  ];
  const ran = await runAll(filled);
  // One writer at a time.
  for (const line of changing) ran.push(await sluice([...line, '--store', store, '--json']));
  for (const [i, line] of [...commands, ...changing].entries()) {
    const found = documents(ran[i]!.stdout);
    expect(found, line.join(' ')).toHaveLength(lists[line.slice(0, 2).join(' ')] ?? 1);
    const isList = line.slice(0, 2).join(' ') in lists;
    if (!isList) expect(Object.entries(found[0]!)[0], line.join(' ')).toEqual(['schema', 1]);
    expect([0, 2], `${line.join(' ')}: ${ran[i]!.stderr}`).toContain(ran[i]!.code);
  }
});

test('also when something is wrong: a code, a sentence for people on stderr, no stack, exit code 1', async () => {
  const dir = await tempFolder();
  const store = join(dir, 'store');
  const text = join(dir, 'a.txt');
  await writeFile(text, 'text');
  const source = await folderWith(dir, 'one.txt');
  await writeFile(join(source, 'bad.txt'), Buffer.from([0xff]));
  const { failures } = await ingest({ source, store });
  const { id } = (await inputsOf(store))[0]!;
  const none = join(dir, 'none');
  const wrong: [line: string[], code: string][] = [
    [['ingest', dir, '--datset', 'x'], 'CONFIG_INVALID'],
    [['ingest'], 'CONFIG_INVALID'],
    [['frobnicate'], 'CONFIG_INVALID'],
    [['ingest', dir, '--concurrency', 'many'], 'CONFIG_INVALID'],
    [['ingest', join(dir, 'source'), '--store', none, '--profile', 'clarify'], 'CONFIG_INVALID'],
    [['ingest', join(dir, 'source'), '--store', none, '--limit', 'image.megapixel=3'], 'CONFIG_INVALID'],
    [['ingest', join(dir, 'source'), '--store', none, '--concept', 'cat=2'], 'CONFIG_INVALID'],
    [['ingest', text, '--store', none], 'SOURCE_UNRECOGNISED'],
    [['ingest', join(dir, 'source'), '--store', text], 'CONFIG_INVALID'],
    [['ingest', none, '--store', store], 'SOURCE_NOT_FOUND'],
    [['inputs', 'list', '--store', none], 'STORE_NOT_FOUND'],
    [['runs', 'list', '--store', none], 'STORE_NOT_FOUND'],
    [['inputs', 'get', 'nobody', '--store', store], 'CONFIG_INVALID'],
    [['inputs', 'get', id, '--store', store, '--out', join(dir, 'no/such/folder')], 'CONFIG_INVALID'],
    [['datasets', 'show', 'nothing', '--store', store], 'DATASET_NOT_FOUND'],
    [['inputs', 'list', '--dataset', 'nothing', '--store', store], 'DATASET_NOT_FOUND'],
    [['runs', 'show', 'never', '--store', store], 'RUN_NOT_FOUND'],
    [['resume', 'never', '--store', store], 'RUN_NOT_FOUND'],
    [['retry', text], 'CONFIG_INVALID'],
    [['retry', failures!, '--code', 'NOPE'], 'CONFIG_INVALID'],
    [['store', 'check', '--store', none], 'STORE_NOT_FOUND'],
    [['store', 'gc', '--store', none], 'STORE_NOT_FOUND'],
  ];
  const ran = await runAll(wrong.map(([line]) => [...line, '--json']));
  for (const [i, [line, code]] of wrong.entries()) {
    const { stdout, stderr, code: exitCode } = ran[i]!;
    const what = `${line.join(' ')}: ${stdout}${stderr}`;
    expect(exitCode, what).toBe(1);
    const [document, ...more] = documents(stdout) as {
      error: { code: string; message: string; remedy: string };
    }[];
    expect(more, what).toEqual([]);
    expect(document, what).toMatchObject({ schema: 1, error: { code } });
    expect(document!.error.message, what).not.toBe('');
    expect(stderr, what).toContain(document!.error.message);
    expect(stderr, what).not.toMatch(/^ {4}at /m);
  }
  expect(existsSync(none)).toBe(false);
});

async function folderWith(dir: string, name: string): Promise<string> {
  await mkdir(join(dir, 'source'));
  await writeFile(join(dir, 'source', name), 'text');
  return join(dir, 'source');
}

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { ingest } from '../../src/index.ts';
import { codesOf } from '../support/accounts.ts';
import { sluice, sluiceJson } from '../support/cli.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { writeZip } from '../support/zip-writer.ts';

const linux = process.platform === 'linux';

test('names that others take for one another are inputs of their own, and can be asked for by their ids', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  const names = [
    ...['x/1.txt', 'y/1.txt', 'a.b.txt', 'a.c.txt', 'a b.txt', 'a%20b.txt', 'caf%C3%A9.txt', '\u{1f980}.txt'],
    // Composed and decomposed; macOS and Windows may take them, and names that differ in case alone, for one file.
    ...(linux
      ? [
          'caf\u00e9.txt',
          'cafe\u0301.txt',
          'A.txt',
          'a.txt',
          'trailing dot.',
          'back\\slash.txt',
          'quo"te\n.txt',
        ]
      : []),
  ];
  for (const name of names) {
    await mkdir(dirname(join(source, name)), { recursive: true });
    await writeFile(join(source, name), `content of ${name}`);
  }
  const report = await ingest({ source, store });
  expect(codesOf(store, report)).toEqual(Object.fromEntries(names.map((name) => [name, 'INPUT_SUCCESS'])));
  const inputs = await storedIn(store);
  expect(new Set(inputs.map(({ id }) => id)).size).toBe(names.length);
  for (const { id, uri, text } of inputs) {
    expect(text).toBe(`content of ${uri}`);
    expect(id).toMatch(/^[a-z0-9_-]{1,48}$/);
  }
  for (const { id, text } of inputs.slice(0, 2)) {
    expect((await sluice(['inputs', 'get', id, '--store', store, '--out', '-'])).stdout).toBe(text);
  }
  // The same tree in another place gives the same ids.
  const zip = join(dir, 'all.zip');
  writeZip(
    zip,
    names.map((name) => ({ name: Buffer.from(name), data: `content of ${name}`, flags: 0x800 })),
  );
  const zipped = await ingest({ source: zip, store: join(dir, 'zipped') });
  expect(zipped.totals.ok + zipped.totals.rejected).toBe(names.length);
});

test.runIf(linux)('a name that is not UTF-8 is listed, read, stored and retried by its bytes', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  const store = join(dir, 'store');
  await mkdir(source);
  const name = (...bytes: number[]) =>
    Buffer.concat([Buffer.from(`${source}/n`), Buffer.from(bytes), Buffer.from('.txt')]);
  await writeFile(name(0xe9), 'latin e acute');
  await writeFile(name(0xe8), Buffer.from([0xff]));
  await writeFile(name(0xc3, 0xa9), 'utf-8 e acute');
  const first = await sluiceJson(['ingest', source, '--store', store]);
  expect(first.json.totals).toMatchObject({ listed: 3, ok: 2, rejected: 1 });
  codesOf(store, first.json);
  await writeFile(name(0xe8), 'latin e grave');
  const again = await sluiceJson(['retry', first.json.failures!, '--rejected']);
  expect(again.json).toMatchObject({ exitCode: 0, totals: { listed: 1, ok: 1 } });
  expect((await storedIn(store)).map(({ text }) => text).sort()).toEqual([
    'latin e acute',
    'latin e grave',
    'utf-8 e acute',
  ]);
});

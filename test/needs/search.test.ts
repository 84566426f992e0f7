import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SearchResult } from '../../src/index.ts';
import { searchResult } from '../../src/pipeline/search-shapes.ts';
import { sluice, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const TEXTS = {
  cat: 'A cat sleeps on the sofa.',
  dog: 'The dog barks at the postman.',
  stocks: 'Stock prices fell sharply on Tuesday.',
  rocket: 'The rocket reached its orbit after nine minutes.',
};

test('texts are found by their meaning with the built-in model, and by one another', async () => {
  const root = await tempFolder();
  const [source, store] = [join(root, 'source'), join(root, 'store')];
  await mkdir(source);
  for (const [name, text] of Object.entries(TEXTS)) await writeFile(join(source, `${name}.txt`), text);
  const run = async (...args: string[]) => {
    const ran = await sluice([...args, '--store', store]);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
  };
  await run('ingest', source);
  await run('workflow', 'set', 'general', '--text', 'default');
  await run('reindex');
  const search = async (...args: string[]) => {
    const { json, stderr } = await sluiceJson<SearchResult>(['search', ...args, '--store', store]);
    expect(searchResult.safeParse(json).error, stderr).toBeUndefined();
    return json;
  };
  const found = await search('--text', 'a kitten on a couch');
  expect(found.hits[0]!.text).toBe(TEXTS.cat);
  expect(found.indexed).toEqual({ n: 4, of: 4 });
  const like = await search('--id', found.hits[0]!.id, '--top', '1');
  expect(like.hits.map(({ text }) => text)).toEqual([TEXTS.dog]);
  const money = await search('--text', 'money and markets', '--min-score', '0.2');
  expect(money.hits[0]!.text).toBe(TEXTS.stocks);
});

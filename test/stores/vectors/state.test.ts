import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { changeIndexState, readIndexState } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { generation, model } from './support.ts';

const ctx = testContext();
const CHANGER = fileURLToPath(new URL('./state-changer.ts', import.meta.url));

test('a store whose workflow was never set indexes nothing', async () => {
  const store = await tempFolder();
  await expect(readIndexState(store)).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
  const state = await changeIndexState(store, (unchanged) => unchanged, ctx);
  expect(state).toMatchObject({ base: { workflow: 'Empty', models: [] }, serving: { workflow: 'Empty' } });
  expect(await readIndexState(store)).toEqual(state);
});

test('a change is there for the next reader, and one that throws changes nothing', async () => {
  const store = await tempFolder();
  const base = generation(
    'g1',
    [model('aaaa', { kind: 'image', node: { name: 'n', model: 'm', dtype: 'int8' } })],
    {
      regions: true,
    },
  );
  const workflows = [{ name: 'g1', nodes: { image: [{ name: 'n', model: 'm' }] }, regions: true }];
  const changed = await changeIndexState(store, (state) => ({ ...state, base, workflows }), ctx);
  expect(changed.base).toEqual(base);
  expect(await readIndexState(store)).toEqual(changed);
  const refused = changeIndexState(
    store,
    () => {
      throw new RangeError('no');
    },
    ctx,
  );
  await expect(refused).rejects.toThrow(RangeError);
  expect(await readIndexState(store)).toEqual(changed);
});

test('a state of a newer schema, and a damaged one, are told apart', async () => {
  const store = await tempFolder();
  await changeIndexState(store, (state) => state, ctx);
  await mkdir(join(store, 'index'), { recursive: true });
  const path = join(store, 'index', 'state.json');
  const cases: [string, object][] = [
    ['{"schema":2,"type":"index"}', { code: 'STORE_SCHEMA_NEWER', measured: 2, limit: 1 }],
    ['{"schema":1,"type":"index"', { code: 'STORE_CORRUPT' }],
    ['', { code: 'STORE_CORRUPT' }],
    ['null', { code: 'STORE_CORRUPT' }],
    ['{"schema":1,"type":"index","workflows":[]}', { code: 'STORE_CORRUPT' }],
    [
      JSON.stringify({
        ...{ schema: 1, type: 'index', workflows: [], serving: generation('g', []), previous: [] },
        base: generation('g', [model("x'; --")]),
      }),
      { code: 'STORE_CORRUPT' },
    ],
  ];
  for (const [text, error] of cases) {
    await writeFile(path, text);
    await expect(readIndexState(store)).rejects.toMatchObject(error);
    await expect(changeIndexState(store, (state) => state, ctx)).rejects.toMatchObject(error);
  }
});

test('twenty changes of four processes at once lose nothing', async () => {
  const store = await tempFolder();
  const children = Array.from({ length: 4 }, (_, n) =>
    spawn(process.execPath, [CHANGER, store, `p${n}`, '5'], { stdio: ['ignore', 'ignore', 'inherit'] }),
  );
  const ends = await Promise.all(children.map((child) => once(child, 'close')));
  expect(ends.map(([code]) => code)).toEqual([0, 0, 0, 0]);
  const { previous } = await readIndexState(store);
  const expected = [0, 1, 2, 3].flatMap((n) => [0, 1, 2, 3, 4].map((i) => `p${n}-${i}`));
  expect(previous.map(({ id }) => id).sort()).toEqual(expected);
  expect(JSON.parse(await readFile(join(store, 'index', 'state.json'), 'utf8'))).toMatchObject({ schema: 1 });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { Input } from '../../src/model/input.ts';
import { accounted } from '../support/accounts.ts';
import { inputsOf, sluice, sluiceJson } from '../support/cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** All but where it was listed, which is another file. */
const content = (inputs: Input[]) => inputs.map(({ uri: _, ...rest }) => rest);

test('what inputs list --json prints goes into another store as the same inputs', async () => {
  const dir = await tempFolder();
  const [source, first, second] = ['source', 'first', 'second'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(join(source, 'sub'), { recursive: true });
  const png = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#345' } })
    .png()
    .toBuffer();
  writeFileSync(join(source, 'sub/photo #1.png'), png);
  writeFileSync(join(source, 'beside.png'), await sharp(png).rotate(90).png().toBuffer());
  const box = { top: 0.25, left: 0.5, bottom: 1, right: 0.75 };
  const lines = [
    {
      id: 'photo',
      file: 'sub/photo #1.png',
      concepts: [{ id: 'cat', name: 'Cat', value: 1 }],
      annotations: [
        {
          id: 'box',
          concepts: [{ id: 'cat', name: 'Cat', value: 1 }],
          region: { box },
          metadata: { by: 'me' },
        },
        { id: 'bad', concepts: [], region: { box: { ...box, top: 'high' } } },
      ],
    },
    { id: 'captioned', file: 'beside.png', text: 'a picture with words' },
    { id: 'words', text: 'Line one\r\nline two 😀', metadata: { a: [1, { b: null }] }, split: 'test' },
    { id: 'place', text: 'here', geo: { latitude: -12.5, longitude: 99.25 }, annotations: [] },
  ];
  writeFileSync(join(source, 'in.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const ran = await sluiceJson(['ingest', join(source, 'in.jsonl'), '--store', first]);
  expect(ran.json.byCode).toEqual({ INPUT_SUCCESS: 4 });
  expect(accounted(first, ran.json).get('in.jsonl#L1')!.annotations).toMatchObject({
    good: 1,
    problems: [{ ref: 'in.jsonl#L1/annotations/1', code: 'ANNOTATION_INVALID_ARGUMENT' }],
  });

  const before = await inputsOf(first);
  expect(before.find(({ id }) => id === 'photo')!.annotations).toMatchObject([
    { id: 'box', region: { box } },
  ]);
  const printed = await sluice(['inputs', 'list', '--store', first, '--json']);
  // Where images came from is a line of in.jsonl; for the second store they are named by their files.
  const named = printed.stdout
    .replace('"uri":"in.jsonl#L1"', '"uri":"sub/photo #1.png"')
    .replace('"uri":"in.jsonl#L2"', '"uri":"beside.png"');
  expect(named).not.toMatch(/"uri":"in.jsonl#L[12]"/);
  writeFileSync(join(source, 'out.jsonl'), named);
  const again = await sluiceJson(['ingest', join(source, 'out.jsonl'), '--store', second]);
  expect(again.json.byCode).toEqual({ INPUT_SUCCESS: 4 });
  expect(content(await inputsOf(second))).toEqual(content(before));

  const third = await sluiceJson(['ingest', join(source, 'out.jsonl'), '--store', second]);
  expect(third.json.byCode).toEqual({ INPUT_UNCHANGED: 4 });
});

test('a folder that was listed comes back from the listing laid beside its files', async () => {
  const dir = await tempFolder();
  const source = join(dir, 'source');
  mkdirSync(join(source, 'deep'), { recursive: true });
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#765' } })
    .png()
    .toBuffer();
  writeFileSync(join(source, 'deep/a#1'), png);
  writeFileSync(join(source, '50%.txt'), 'a text');
  await sluiceJson(['ingest', source, '--labels', 'folder', '--store', join(dir, 'first')]);
  const before = await inputsOf(join(dir, 'first'));
  expect(before).toHaveLength(2);
  const { stdout } = await sluice(['inputs', 'list', '--store', join(dir, 'first'), '--json']);
  writeFileSync(join(source, 'listed.jsonl'), stdout);
  const ran = await sluiceJson(['ingest', join(source, 'listed.jsonl'), '--store', join(dir, 'second')]);
  expect(ran.json.byCode).toEqual({ INPUT_SUCCESS: 2 });
  expect(content(await inputsOf(join(dir, 'second')))).toEqual(content(before));
});

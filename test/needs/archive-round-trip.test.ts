import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { json } from '../../src/exporters/json.ts';
import { protobuf } from '../../src/exporters/protobuf.ts';
import type { ExporterComponent } from '../../src/model/export.ts';
import type { Input } from '../../src/model/input.ts';
import { plainPng } from '../support/annotated.ts';
import { sluiceJson } from '../support/cli.ts';
import { attempt, type Held, memorySource } from '../support/memory-export.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { wav } from '../support/wav.ts';

/** All but where it was listed, which is another file. */
const content = (inputs: Input[]) => inputs.map(({ uri: _, ...rest }) => rest);

const heldBy = (store: string, input: Input): Held => ({
  ...input,
  content: { path: join(store, 'blobs', input.sha256.slice(0, 2), input.sha256), bytes: input.bytes },
});

const LINES = [
  {
    id: 'photo 猫',
    file: 'a.png',
    concepts: [
      { id: 'cat', name: 'Cat', value: 1 },
      { id: 'dog', name: 'Dog', value: 0 },
    ],
    geo: { latitude: 0, longitude: 0.1 },
    split: 'train',
    annotations: [
      {
        id: 'whole',
        concepts: [{ id: 'cat', value: 0 }],
        annotator: 'me',
        createdAt: '2026-01-02T03:04:05Z',
      },
      {
        id: 'box',
        concepts: [{ id: 'cat', value: 0.3 }],
        region: { box: { top: 0, left: 0, bottom: 1 / 20, right: 1 / 40 } },
        info: { nested: { list: [0, null] } },
        status: 'awaiting_review',
      },
      {
        id: 'holes',
        region: {
          polygon: [
            [
              [
                [0, 0],
                [1, 0],
                [1, 1],
              ],
              [
                [0.5, 0.1],
                [0.9, 0.1],
                [0.9, 0.5],
              ],
            ],
          ],
        },
      },
      { id: 'mask', region: { mask: { size: [20, 40], counts: [3, 7, 790] } } },
    ],
  },
  { id: 'captioned', file: 'b.png', text: 'a picture with words', split: 'test', annotations: [] },
  {
    id: 'sound',
    file: 'c.wav',
    annotations: [{ segment: { beginMs: 0, endMs: 333.3 }, concepts: [{ id: 'beep' }] }],
  },
  {
    id: 'words',
    text: 'Line one\r\nline two 😀',
    metadata: { sluice: { mine: true }, a: [1, { b: null }] },
    annotations: [{ id: 's', span: { start: 0, end: 4, text: 'Line' }, concepts: [{ id: 'start' }] }],
  },
];

test.each([protobuf, json])('a store comes back from its $name archive as it was', async (component) => {
  const exporter = component as unknown as ExporterComponent<never>;
  const dir = await tempFolder();
  const [first, second] = [join(dir, 'first'), join(dir, 'second')];
  writeFileSync(join(dir, 'a.png'), await plainPng(10));
  writeFileSync(join(dir, 'b.png'), await plainPng(20, 3, 5));
  writeFileSync(join(dir, 'c.wav'), wav(500));
  writeFileSync(join(dir, 'in.jsonl'), LINES.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const ran = await sluiceJson(['ingest', join(dir, 'in.jsonl'), '--store', first]);
  expect(ran.json.byCode).toEqual({ INPUT_SUCCESS: LINES.length });
  const before = await storedIn(first);
  expect(before.flatMap(({ annotations }) => annotations)).toHaveLength(6);

  const archive = join(dir, 'archive.zip');
  const source = memorySource(before.map((input) => heldBy(first, input)));
  const { outcomes } = await attempt(exporter, source, archive);
  expect(outcomes.map(({ code }) => code)).toEqual(LINES.map(() => 'EXPORTED'));
  const back = await sluiceJson(['ingest', archive, '--store', second]);
  expect(back.json.byCode).toEqual({ INPUT_SUCCESS: LINES.length });
  expect(content(await storedIn(second))).toEqual(content(before));

  const again = await sluiceJson(['ingest', archive, '--store', second]);
  expect(again.json.byCode).toEqual({ INPUT_UNCHANGED: LINES.length });
});

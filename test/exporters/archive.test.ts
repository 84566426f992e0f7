import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type ArchiveKind, JSON_ARCHIVE, PROTOBUF_ARCHIVE } from '../../src/exporters/archive/options.ts';
import { writeArchive } from '../../src/exporters/archive/write.ts';
import { json } from '../../src/exporters/json.ts';
import { protobuf } from '../../src/exporters/protobuf.ts';
import { ZipArchive } from '../../src/io/zip/archive.ts';
import { openEntry } from '../../src/io/zip/entry-stream.ts';
import { LocalFile } from '../../src/io/zip/local-file.ts';
import type { ExporterComponent } from '../../src/model/export.ts';
import { inputBatchType } from '../support/clarifai-proto.ts';
import { attempt, type Held, memorySource } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';

type Anything = ExporterComponent<never>;

async function entriesOf(path: string): Promise<[string, Buffer][]> {
  const file = await LocalFile.open(path);
  const found: [string, Buffer][] = [];
  const zip = await ZipArchive.open(file, { maxEntries: 1000 });
  for await (const entry of zip.entries()) {
    expect(entry.method).toBe(0);
    const { signal } = new AbortController();
    found.push([entry.name, await buffer(openEntry(file, entry, { signal }))]);
  }
  await file.release();
  return found;
}

const image = (id: string, rest: Partial<Held> = {}): Held => ({
  id,
  content: Buffer.from(`the bytes of ${id}`),
  media: { format: 'png', width: 4, height: 2 },
  ...rest,
});

const KINDS: [ArchiveKind, Anything][] = [
  [PROTOBUF_ARCHIVE, protobuf as unknown as Anything],
  [JSON_ARCHIVE, json as unknown as Anything],
];

/** With a checkpoint after each round. */
const careful = (kind: ArchiveKind, exporter: Anything): Anything => ({
  ...exporter,
  write: (source, target, options, ctx) => writeArchive(kind, source, target, options, ctx, 0),
});

describe.each(KINDS)('an archive of $name', (kind, exporter) => {
  it('starts with its mimetype, and its entries say their split and count', async () => {
    const path = join(await tempFolder(), 'out.zip');
    const held = ['a', 'b', 'c', 'd', 'e'].map((id, i) => image(id, i % 2 === 0 ? { split: 'train' } : {}));
    await attempt(exporter, memorySource(held), path, { batchItems: 3 });
    const entries = await entriesOf(path);
    expect(entries.map(([name]) => name)).toEqual([
      'mimetype',
      'all/batch_000001_n1',
      'train/batch_000001_n2',
      'all/batch_000002_n1',
      'train/batch_000002_n1',
    ]);
    expect(entries[0]![1].toString()).toBe(kind.mimetype);
    expect((await readFile(path)).subarray(30, 38).toString()).toBe('mimetype');
  });

  it('keeps batches below their bytes, an input that is larger alone', async () => {
    const path = join(await tempFolder(), 'out.zip');
    const held = [10, 4000, 10, 10, 500].map((bytes, i) =>
      image(`i${i}`, { content: Buffer.alloc(bytes, i) }),
    );
    await attempt(exporter, memorySource(held), path, { batchMegabytes: 0.001 });
    const [, ...batches] = await entriesOf(path);
    const counts = batches.map(([name, bytes]) => [Number(name.split('_n').at(-1)), bytes.length] as const);
    expect(counts.reduce((sum, [count]) => sum + count, 0)).toBe(5);
    for (const [count, bytes] of counts) if (count > 1) expect(bytes).toBeLessThanOrEqual(1000 + 20);
    expect(counts.filter(([, bytes]) => bytes > 1020)).toHaveLength(1);
  });

  it('has an outcome for an input whose bytes are gone or cut, and goes on', async () => {
    const dir = await tempFolder();
    await writeFile(join(dir, 'cut'), 'only');
    const { content: _, ...gone } = image('gone');
    const held = [
      image('good'),
      gone,
      image('cut', { content: { path: join(dir, 'cut'), bytes: 100 } }),
      image('never', { content: { path: join(dir, 'never'), bytes: 3 } }),
      image('z'),
    ];
    const { outcomes, result } = await attempt(exporter, memorySource(held), join(dir, 'out.zip'));
    expect(outcomes.map(({ inputId, code }) => [inputId, code])).toEqual([
      ['cut', 'INPUT_NOT_FOUND'],
      ['gone', 'INPUT_NOT_FOUND'],
      ['good', 'EXPORTED'],
      ['never', 'INPUT_NOT_FOUND'],
      ['z', 'EXPORTED'],
    ]);
    expect(result!.files).toEqual([
      { path: 'out.zip', bytes: (await readFile(join(dir, 'out.zip'))).length },
    ]);
    expect((await entriesOf(join(dir, 'out.zip'))).map(([name]) => name)).toEqual([
      'mimetype',
      'all/batch_000001_n2',
    ]);
  });

  it('ends with the same bytes after a kill at any outcome', async () => {
    const dir = await tempFolder();
    const held: Held[] = [];
    for (let i = 0; i < 23; i++) {
      const file = join(dir, `blob${i}`);
      await writeFile(file, Buffer.alloc(i * 97, i));
      const content = { path: file, bytes: i * 97 };
      const concepts = [{ id: 'c', name: 'c', value: 0.3 }];
      const annotations = [
        { id: 'r', concepts, region: { box: { top: 0, left: 0, bottom: 0.7, right: 1 } } },
      ];
      const given = i % 7 === 3 ? {} : { content };
      held.push({
        ...image(`i${String(i).padStart(2, '0')}`, { annotations, split: ['x', 'y'][i % 2]! }),
        ...given,
      });
    }
    for (const each of held) if (each.id.endsWith('3')) delete each.content;
    const source = memorySource(held);
    const once = careful(kind, exporter);
    const whole = await attempt(once, source, join(dir, 'whole.zip'), { batchItems: 3 });
    const bytes = await readFile(join(dir, 'whole.zip'));
    let resumed = 0;
    for (let stopAfter = 1; stopAfter < held.length; stopAfter++) {
      const path = join(dir, 'part.zip');
      await rm(path, { force: true });
      const first = await attempt(once, source, path, { batchItems: 3 }, { stopAfter });
      const { checkpoint } = first;
      const second = await attempt(once, source, path, { batchItems: 3 }, { checkpoint });
      if (checkpoint !== undefined) resumed++;
      expect((await readFile(path)).equals(bytes)).toBe(true);
      expect({ ...second.result, files: [] }).toEqual({ ...whole.result, files: [] });
      const told = new Map([...first.outcomes, ...second.outcomes].map((each) => [each.inputId, each]));
      expect([...told.values()]).toEqual(whole.outcomes);
    }
    expect(resumed).toBeGreaterThan(10);
  });

  it('says when what an interrupted export wrote is no longer there', async () => {
    const dir = await tempFolder();
    const checkpoint = { offset: 500, after: 'a', rounds: 1, losses: {}, written: 0, leftOut: 0 };
    const again = attempt(exporter, memorySource([image('a')]), join(dir, 'gone.zip'), {}, { checkpoint });
    await expect(again).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' });
  });

  it('stops when it is aborted, and leaves no file open', async () => {
    const controller = new AbortController();
    const source = memorySource([image('a'), image('b')]);
    const slow = {
      ...source,
      media: async (input: Parameters<typeof source.media>[0]) => {
        if (input.id === 'b') controller.abort(new Error('enough'));
        return source.media(input);
      },
    };
    const path = join(await tempFolder(), 'out.zip');
    await expect(attempt(exporter, slow, path, {}, { signal: controller.signal })).rejects.toThrow('enough');
    await rm(path);
  });

  it('says where media are served in place of carrying them', async () => {
    const path = join(await tempFolder(), 'out.zip');
    const options = { media: 'hosted', hostedPrefix: 'https://media.example/x/' };
    await attempt(exporter, memorySource([image('a', { sha256: 'ab'.repeat(32) })]), path, options);
    const [, [, batch]] = (await entriesOf(path)) as [unknown, [string, Buffer]];
    const { inputs } = (
      kind.name === 'json'
        ? JSON.parse(batch.toString())
        : inputBatchType.toObject(inputBatchType.decode(batch), {})
    ) as { inputs: { data: { image: object } }[] };
    expect(inputs[0]!.data.image).toMatchObject({
      hosted: { prefix: 'https://media.example/x', suffix: `ab/${'ab'.repeat(32)}`, sizes: ['orig'] },
    });
    expect(batch.includes('the bytes of')).toBe(false);
    expect(() => exporter.options.parse({ media: 'hosted' })).toThrow('hostedPrefix');
  });

  it('counts what other tools will not see', async () => {
    const path = join(await tempFolder(), 'out.zip');
    const concepts = [{ id: 'c', name: 'c', value: 1 }];
    const hole = [
      [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ],
      [
        [0.2, 0.2],
        [0.4, 0.2],
        [0.4, 0.4],
      ],
    ] as [number, number][][];
    const annotations = [
      { id: 'holes', concepts, region: { polygon: [hole] } },
      { id: 'whole', concepts },
      { id: 'who', concepts, annotator: 'me', region: { box: { top: 0, left: 0, bottom: 1, right: 1 } } },
    ];
    const { result } = await attempt(exporter, memorySource([image('a', { annotations })]), path);
    expect(result!.losses).toEqual({ source: 1, 'polygon-parts': 1, 'whole-input': 1, records: 1 });
    const declared = exporter.losses.map(({ id }) => id);
    for (const id of Object.keys(result!.losses)) expect(declared).toContain(id);
  });
});

it('zeros are written out in JSON, and coordinates keep all their digits', async () => {
  const path = join(await tempFolder(), 'out.zip');
  const box = { top: 0, left: 1 / 3, bottom: 1, right: 0.7 };
  const annotations = [{ id: 'r', concepts: [{ id: 'c', name: 'c', value: 0 }], region: { box } }];
  await attempt(json as unknown as Anything, memorySource([image('a', { annotations })]), path);
  const [, [, batch]] = (await entriesOf(path)) as [unknown, [string, Buffer]];
  expect(JSON.parse(batch.toString())).toEqual({
    inputs: [
      {
        id: 'a',
        data: {
          image: {
            base64: Buffer.from('the bytes of a').toString('base64'),
            imageInfo: { width: 4, height: 2, format: 'png' },
          },
          regions: [
            {
              id: 'r',
              regionInfo: { boundingBox: { topRow: 0, leftCol: 1 / 3, bottomRow: 1, rightCol: 0.7 } },
              data: { concepts: [{ id: 'c', name: 'c', value: 0 }] },
            },
          ],
        },
      },
    ],
  });
});

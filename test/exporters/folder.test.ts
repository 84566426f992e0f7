import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeMask } from '../../src/annotations/mask.ts';
import { folder } from '../../src/exporters/folder.ts';
import type { Annotation } from '../../src/model/annotation.ts';
import { plainPng, runLabelled } from '../support/annotated.ts';
import { testContext } from '../support/context.ts';
import { hashesBelow } from '../support/folder-bytes.ts';
import { attempt, exported, type Held, memorySource } from '../support/memory-export.ts';
import { storedIn } from '../support/stored.ts';
import { tempFolder } from '../support/temp-folder.ts';

const exporter = folder as never;
const media = { format: 'png', width: 40, height: 20 };
const cat = { id: 'cat', name: 'cat', value: 1 };

async function pictures(count: number): Promise<Held[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      id: `p${i}`,
      // Names that are one on some file systems.
      uri: `${i}/Same${i % 2 === 0 ? '' : '.'}.png`,
      split: i % 3 === 0 ? 'test' : 'train',
      media,
      content: await plainPng(i),
      metadata: { n: i },
    })),
  );
}

const linesOf = async (path: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Losses that are not 0. */
const lossesOf = (losses: Record<string, number>) =>
  Object.fromEntries(Object.entries(losses).filter(([, count]) => count > 0));

describe('an export to a folder', () => {
  it('comes back through the huggingface labels with its labels and boxes', async () => {
    const base = await tempFolder();
    const path = join(base, 'out');
    await mkdir(path);
    const box = { left: 0.1, top: 0.35, right: 0.7, bottom: 0.95 };
    await exported(
      exporter,
      memorySource([
        {
          id: 'a',
          media,
          content: await plainPng(1),
          concepts: [cat, { ...cat, id: 'dog', name: 'dog' }],
          metadata: { place: 'Rom', weight: 1.5, seen: true },
          annotations: [{ id: '7', concepts: [cat], region: { box } }],
        },
        { id: 'b', media, content: await plainPng(2) },
      ]),
      path,
    );
    const { store } = await runLabelled(
      path,
      {
        source: { folder: { path: '.' } },
        annotate: [{ huggingface: {} }],
      } as never,
      join(base, 'store'),
    );
    const inputs = await storedIn(store);
    const a = inputs.find(({ metadata }) => metadata.input_id === 'a')!;
    expect(a.concepts.map(({ id }) => id)).toEqual(['cat', 'dog']);
    expect(a.metadata).toEqual({ input_id: 'a', place: 'Rom', weight: 1.5, seen: true });
    expect(a.annotations).toMatchObject([{ id: '7', concepts: [cat], region: { box } }]);
  });

  it('counts what a metadata line cannot say', async () => {
    const path = await tempFolder();
    const square: [number, number][] = [
      [0.25, 0.5],
      [0.5, 0.5],
      [0.5, 1],
    ];
    const mask = encodeMask(
      Uint8Array.from({ length: 800 }, (_, i) => (i === 41 ? 1 : 0)),
      40,
      20,
    );
    const annotations: Annotation[] = [
      { id: '1', concepts: [cat, { ...cat, id: 'dog' }], region: { polygon: [[square]] }, score: 0.5 },
      { id: '2', concepts: [], region: { point: { x: 0, y: 0 } } },
      { id: '3', concepts: [{ ...cat, id: 'bird', name: 'bird' }] },
      {
        id: '4',
        concepts: [{ ...cat, value: 0 }],
        region: { mask },
      },
    ];
    const { result } = await exported(
      exporter,
      memorySource([
        {
          id: 'a',
          media,
          content: await plainPng(1),
          concepts: [{ ...cat, id: 'dog', name: 'dog', value: 0 }],
          metadata: { label: 'mine', list: [1], thumb_file_name: 'x.png', none: null },
          annotations,
        },
      ]),
      path,
    );
    const [line] = await linesOf(join(path, 'train', 'metadata.jsonl'));
    expect(line).toMatchObject({
      label: 'bird',
      label_: 'mine',
      list: '[1]',
      thumb_file_name_: 'x.png',
      objects: { categories: ['cat', ''], id: ['1', '4'] },
    });
    expect((line!.objects as { bbox: number[][] }).bbox).toEqual([
      [10, 10, 10, 10],
      [1, 1, 1, 1],
    ]);
    expect(lossesOf(result.losses)).toEqual({
      'annotation-details': 1,
      'concept-names': 1,
      'metadata-names': 2,
      'metadata-types': 1,
      'more-concepts': 1,
      'negative-concepts': 2,
      outlines: 2,
      points: 1,
      'whole-annotations': 1,
    });
    expect(result.annotations).toEqual({ written: 3, leftOut: 1 });
  });

  it('writes numbers of a column alike, so that a reader finds one type in all splits', async () => {
    const path = await tempFolder();
    const held = await pictures(2);
    held[0]!.metadata = { ratio: 2, n: 1 };
    held[1]!.metadata = { ratio: 0.5, n: 3 };
    await exported(exporter, memorySource(held), path);
    expect(await readFile(join(path, 'test', 'metadata.jsonl'), 'utf8')).toContain('"n":1,"ratio":2.0}');
    expect(await readFile(join(path, 'train', 'metadata.jsonl'), 'utf8')).toContain('"n":3,"ratio":0.5}');
  });

  it('warns of a split that tells no type of a column, which keeps a reader from loading all at once', async () => {
    const warnings: string[] = [];
    const held = await pictures(2);
    held[0]!.annotations = [
      { id: '1', concepts: [], region: { box: { left: 0, top: 0, right: 1, bottom: 1 } } },
    ];
    const target = { path: await tempFolder(), checkpoint: undefined, save: async () => {} };
    const logger = { ...testContext().logger, warn: (_: object, message: string) => warnings.push(message) };
    const ctx = { ...testContext(), logger };
    for await (const { outcome } of folder.write(memorySource(held), target, {}, ctx))
      expect(outcome).toBe('ok');
    expect(warnings).toEqual([
      'in train no input has a value of objects: load_dataset reads this folder only by itself',
    ]);
  });

  it('goes on after a kill, copies anew what a power cut took, and ends with the same bytes', async () => {
    const held = await pictures(30);
    const whole = await tempFolder();
    const { result } = await exported(exporter, memorySource(held), whole);
    const expected = await hashesBelow(whole);
    expect(Object.keys(expected)).toHaveLength(32);
    expect(result.files.map((file) => file.path)).toEqual(Object.keys(expected).sort());
    for (const stopAfter of [1, 11, 30]) {
      const path = await tempFolder();
      const first = await attempt(exporter, memorySource(held), path, {}, { stopAfter });
      expect(first.checkpoint === undefined).toBe(stopAfter === 1);
      if (stopAfter > 1) await rm(join(path, 'test', 'Same.png'));
      const { checkpoint } = first;
      const last = await attempt(exporter, memorySource(held), path, {}, { checkpoint });
      expect(last.outcomes).toHaveLength(30 - (checkpoint === undefined ? 0 : stopAfter - 1));
      expect(last.result).toEqual(result);
      expect(await hashesBelow(path)).toEqual(expected);
    }
  });

  it('goes on without an input whose bytes are gone', async () => {
    const path = await tempFolder();
    const held: Held[] = [...(await pictures(2)), { id: 'gone', media }];
    const { outcomes, result } = await exported(exporter, memorySource(held), path);
    expect(outcomes).toMatchObject([
      { inputId: 'gone', outcome: 'failed', code: 'INPUT_NOT_FOUND', message: 'its bytes are gone' },
      { inputId: 'p0', outcome: 'ok' },
      { inputId: 'p1', outcome: 'ok' },
    ]);
    expect(result.files).toHaveLength(4);
  });
});

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { parquet } from '../../src/exporters/parquet.ts';
import { openParquet } from '../../src/formats/parquet/file.ts';
import { readRows } from '../../src/formats/parquet/rows.ts';
import { jsonValue } from '../../src/formats/parquet/values.ts';
import { parquet as loader } from '../../src/loaders/parquet.ts';
import type { SourceItem } from '../../src/model/contracts.ts';
import { hashesBelow } from '../support/folder-bytes.ts';
import { listSource } from '../support/listing.ts';
import { attempt, exported, type Held, memorySource } from '../support/memory-export.ts';
import { tempFolder } from '../support/temp-folder.ts';

const exporter = parquet as never;
const cat = { id: 'cat', name: 'Cat', value: 1 };

const picture = (id: string, fill: number, bytes = 10): Held => ({
  id,
  content: Buffer.alloc(bytes, fill),
  annotations: [{ id: 'x', concepts: [cat] }],
});

/** Pictures of 400 kB: two fill a file of 1 MB. */
const held = Array.from({ length: 7 }, (_, i) => picture(`p${i}`, i, 400_000));
const limits = { maxShardSize: 1_000_000 };

/** Every row of a table, bytes as base64. */
async function rowsOf(path: string): Promise<Record<string, unknown>[]> {
  const file = await openParquet(path, path);
  const rows: Record<string, unknown>[] = [];
  try {
    const { children } = file.schema;
    for await (const { count, columns } of readRows(file, children, new AbortController().signal)) {
      for (let i = 0; i < count; i++) {
        rows.push(
          Object.fromEntries(children.map(({ element }, c) => [element.name, jsonValue(columns[c]![i])])),
        );
      }
    }
  } finally {
    await file.source.release();
  }
  return rows;
}

const idsOf = async (folder: string): Promise<unknown[]> =>
  (await rowsOf(join(folder, 'inputs.parquet'))).map(({ input_id }) => input_id);

describe('an export to Parquet', () => {
  it('comes back through the loader of Parquet files', async () => {
    const path = await tempFolder();
    const content = Buffer.from('the bytes');
    await exported(
      exporter,
      memorySource([
        {
          id: 'ä',
          content,
          concepts: [cat, { ...cat, id: 'dog', value: 0 }],
          metadata: { a: 1 },
          geo: { latitude: 1.5, longitude: -2 },
          text: 'a caption',
        },
      ]),
      path,
    );
    const options = { inputColumn: 'image', textColumn: 'text' };
    const { items } = await listSource(loader, join(path, 'inputs.parquet'), options);
    const [item] = items as SourceItem[];
    expect(item).toMatchObject({
      id: 'ä',
      idGiven: true,
      kind: 'image',
      concepts: [cat, { ...cat, id: 'dog', value: 0 }],
      metadata: { a: 1 },
      geo: { latitude: 1.5, longitude: -2 },
      text: 'a caption',
    });
    expect(await buffer(await item!.open!(new AbortController().signal))).toEqual(content);
  });

  it('makes pairs of files, and the same ones after a kill at any input', async () => {
    const whole = await tempFolder();
    const { result } = await exported(exporter, memorySource(held), whole, limits);
    const expected = await hashesBelow(whole);
    expect(Object.keys(expected).sort()).toEqual(
      ['annotations', 'inputs'].flatMap((table) => [0, 1, 2, 3].map((n) => `${table}-0000${n}.parquet`)),
    );
    for (const { bytes } of result.files) expect(bytes).toBeLessThan(1_000_000);
    for (let stopAfter = 1; stopAfter <= held.length; stopAfter++) {
      const path = await tempFolder();
      const { checkpoint } = await attempt(exporter, memorySource(held), path, limits, { stopAfter });
      const last = await attempt(exporter, memorySource(held), path, limits, { checkpoint });
      expect(last.result).toEqual(result);
      expect(await hashesBelow(path)).toEqual(expected);
    }
  });

  it('goes on after a kill that came when all was written', async () => {
    const whole = await tempFolder();
    const small = memorySource(held.slice(0, 1));
    const { checkpoint, result } = await attempt(exporter, small, whole);
    expect((await readdir(whole)).sort()).toEqual(['annotations.parquet', 'inputs.parquet']);
    const again = await attempt(exporter, small, whole, {}, { checkpoint });
    expect(again).toMatchObject({ outcomes: [], result });
  });

  it('puts media beside the tables, or nowhere', async () => {
    const path = await tempFolder();
    await exported(exporter, memorySource([picture('A', 1)]), path, { media: 'files' });
    const [row] = await rowsOf(join(path, 'inputs.parquet'));
    expect(row).toMatchObject({ input_id: 'A', image: { bytes: null } });
    const { path: name } = row!.image as { path: string };
    expect(row!.image_url).toBe(name);
    expect(await readFile(join(path, name))).toEqual(Buffer.alloc(10, 1));
    const bare = await tempFolder();
    const gone = memorySource([{ id: 'gone' }]);
    const { outcomes } = await exported(exporter, gone, bare, { media: 'none' });
    expect(outcomes).toMatchObject([{ code: 'EXPORTED' }]);
    expect(Object.keys((await rowsOf(join(bare, 'inputs.parquet')))[0]!)).not.toContain('image');
  });

  it('writes tables without rows for a version without inputs', async () => {
    const path = await tempFolder();
    await exported(exporter, memorySource([]), path);
    expect(await rowsOf(join(path, 'inputs.parquet'))).toEqual([]);
    expect(await rowsOf(join(path, 'annotations.parquet'))).toEqual([]);
  });

  it('updates an earlier export by id', async () => {
    const before = await tempFolder();
    const old = ['a', 'c', 'e'].map((id) => picture(id, 1));
    await exported(exporter, memorySource(old), before, { media: 'files' });
    const after = await tempFolder();
    const changed: Held[] = [
      { ...picture('c', 2), annotations: [{ id: 'y', concepts: [] }] },
      { id: 'd', kind: 'text', media: { format: 'text' }, text: 'new' },
      { id: 'e' },
    ];
    const options = { media: 'files', update: before };
    const { outcomes, result } = await exported(exporter, memorySource(changed), after, options);
    expect(outcomes.map(({ inputId, code }) => [inputId, code])).toEqual([
      ['c', 'EXPORTED'],
      ['d', 'EXPORTED'],
      ['e', 'INPUT_NOT_FOUND'],
    ]);
    expect(result.annotations.written).toBe(1);
    expect(await idsOf(after)).toEqual(['a', 'c', 'd', 'e']);
    const annotations = await rowsOf(join(after, 'annotations.parquet'));
    expect(annotations.map(({ input_id, annotation_id }) => `${input_id}/${annotation_id}`)).toEqual([
      'a/x',
      'c/x',
      'c/y',
      'e/x',
    ]);
    for (const [id, fill] of [
      ['a', 1],
      ['c', 2],
      ['e', 1],
    ] as const) {
      expect(await readFile(join(after, 'media', `${id}.png`))).toEqual(Buffer.alloc(10, fill));
    }
  });

  it('keeps the bytes in rows that stay', async () => {
    const before = await tempFolder();
    await exported(exporter, memorySource(held.slice(0, 3)), before, limits);
    const after = await tempFolder();
    await exported(exporter, memorySource([picture('z', 1)]), after, { update: before });
    const rows = await rowsOf(join(after, 'inputs.parquet'));
    expect(rows.map(({ image }) => Buffer.from((image as { bytes: string }).bytes, 'base64'))).toEqual([
      ...held.slice(0, 3).map(({ content }) => content),
      Buffer.alloc(10, 1),
    ]);
  });

  it('refuses to update what is no export of its own', async () => {
    const path = await tempFolder();
    const running = exported(exporter, memorySource([]), path, { update: path });
    await expect(running).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });
});

import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { delta } from '../../src/loaders/delta.ts';
import { detectSource } from '../../src/loaders/index.ts';
import { encodeZ85, roaringArray, storedVector } from '../support/deletion-vector.ts';
import { addFile, metaData, protocol, writeCommit } from '../support/delta.ts';
import { type Listing, listSource } from '../support/listing.ts';
import { int, list, long, map, struct, text, writeParquet } from '../support/parquet.ts';
import { tempFolder } from '../support/temp-folder.ts';

const FIELDS = [
  { name: 'inputid', type: 'string' },
  { name: 'input', type: 'string' },
];
const VECTORS = protocol(3, ['deletionVectors']);

let table: string;
beforeEach(async () => {
  table = await tempFolder();
});

/** A data file of texts whose ids are the given names. */
const data = (path: string, names: string[], more: Record<string, unknown> = {}) =>
  addFile(table, path, { inputid: [text, names], input: [text, names.map((name) => `text ${name}`)] }, more);

const remove = ({ add }: { add: Record<string, unknown> }) => ({
  remove: { path: add['path'], deletionVector: add['deletionVector'], dataChange: true },
});

const ids = ({ items }: Listing): string[] => items.map(({ id }) => id);
const listed = async (options: Record<string, unknown> = {}): Promise<Listing> =>
  listSource(delta, table, options);

describe('a Delta table', () => {
  it('is known by its log, though it is a folder', async () => {
    await writeCommit(table, 0, [protocol(), metaData(FIELDS)]);
    expect((await detectSource(table)).loader.name).toBe('delta');
  });

  it('lists the files of its version by path, and rows by their place in the file', async () => {
    const b = await data('b.parquet', ['3']);
    const a = await data('a.parquet', ['1', '2']);
    await writeCommit(table, 0, [protocol(), metaData(FIELDS), b, a]);
    await writeCommit(table, 1, [await data('c.parquet', ['4']), remove(b)]);
    const now = await listed();
    expect(now.items.map(({ uri, id }) => `${uri} ${id}`)).toEqual([
      'a.parquet#R1 1',
      'a.parquet#R2 2',
      'c.parquet#R1 4',
    ]);
    expect(now.proof).toMatchObject({
      complete: true,
      evidence: 'all 2 data files of version 1 were read: 3 rows by their footers, 0 of them deleted',
    });
    expect(ids(await listed({ tableVersion: 0 }))).toEqual(['1', '2', '3']);
  });

  it('has a fingerprint for each version', async () => {
    await writeCommit(table, 0, [protocol(), metaData(FIELDS)]);
    await writeCommit(table, 1, [await data('a.parquet', ['1'])]);
    const fingerprint = async (options: object) =>
      (await delta.open(table, delta.options.parse(options))).fingerprint();
    expect(await fingerprint({})).toBe('table-1@1');
    expect(await fingerprint({ tableVersion: 0 })).toBe('table-1@0');
  });

  it('has the values of its partitions, of their types, and null for columns that are younger than a file', async () => {
    const fields = [
      ...FIELDS,
      { name: 'day', type: 'date' },
      { name: 'n', type: 'long' },
      { name: 'price', type: 'decimal(10,2)' },
      { name: 'at', type: 'timestamp' },
      { name: 'late', type: 'string' },
    ];
    const partitionValues = { day: '2024-01-02', n: '7', price: '1.50', at: '2024-01-02 03:04:05', late: '' };
    const add = await data('day=x%20y/a%25b.parquet', ['1'], { partitionValues });
    await writeCommit(table, 0, [protocol(), metaData(fields, ['day', 'n', 'price', 'at']), add]);
    const { items } = await listed({ metadataColumns: ['day', 'n', 'price', 'at', 'late'] });
    expect(items[0]).toMatchObject({
      uri: 'day=x y/a%b.parquet#R1',
      metadata: { day: '2024-01-02', n: 7, price: 1.5, at: '2024-01-02T03:04:05Z' },
    });
    expect(items[0]!.metadata).not.toHaveProperty('late');
  });

  it('finds its columns by their physical names and ids, also inside structs', async () => {
    const mapped = (name: string, type: unknown, id: number) => ({
      name,
      type,
      nullable: true,
      metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': `col-${id}` },
    });
    const inner = { type: 'struct', fields: [mapped('lang', 'string', 4)] };
    const fields = [
      mapped('inputid', 'string', 1),
      mapped('input', 'string', 2),
      mapped('metadata', inner, 3),
    ];
    const columns = {
      'col-1': [text, ['1']],
      'col-2': [text, ['a text']],
      'col-3': [struct({ 'col-4': text }), [{ 'col-4': 'en' }]],
    } as const;
    const configuration = { 'delta.columnMapping.mode': 'name' };
    const add = await addFile(table, 'a.parquet', columns);
    await writeCommit(table, 0, [protocol(2), metaData(fields, [], configuration), add]);
    expect((await listed()).items).toMatchObject([{ id: '1', text: 'a text', metadata: { lang: 'en' } }]);
  });
});

describe('deleted rows of a Delta table', () => {
  const names = Array.from({ length: 10 }, (_, i) => `${i}`);
  const kept = ['0', '1', '4', '5', '6', '7', '8'];
  const vector = roaringArray([2, 3, 9], { runs: true });
  const described = { sizeInBytes: vector.length, cardinality: 3 };
  const padded = Buffer.concat([vector, Buffer.alloc((4 - (vector.length % 4)) % 4)]);

  async function listWith(deletionVector: Record<string, unknown>): Promise<Listing> {
    const add = await data('a.parquet', names, { deletionVector });
    await writeCommit(table, 0, [VECTORS, metaData(FIELDS), add]);
    return listed();
  }

  it('are not listed where the log itself says which they are, and rename no other row', async () => {
    const listing = await listWith({ storageType: 'i', pathOrInlineDv: encodeZ85(padded), ...described });
    expect(ids(listing)).toEqual(kept);
    expect(listing.items.map(({ uri }) => uri).slice(1, 3)).toEqual(['a.parquet#R2', 'a.parquet#R5']);
    expect(listing.proof).toMatchObject({
      evidence: expect.stringContaining('10 rows by their footers, 3 of them'),
    });
  });

  it('are not listed where a file beside the data says so', async () => {
    const uuid = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61';
    const file = Buffer.concat([Buffer.from([1]), storedVector(vector)]);
    await writeFile(join(table, `deletion_vector_${uuid}.bin`), file);
    const pathOrInlineDv = encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
    expect(ids(await listWith({ storageType: 'u', pathOrInlineDv, offset: 1, ...described }))).toEqual(kept);
    const absolute = pathToFileURL(join(table, `deletion_vector_${uuid}.bin`)).href;
    expect(
      ids(await listWith({ storageType: 'p', pathOrInlineDv: absolute, offset: 1, ...described })),
    ).toEqual(kept);
    file[8]! ^= 1;
    await writeFile(join(table, `deletion_vector_${uuid}.bin`), file);
    await expect(
      listWith({ storageType: 'u', pathOrInlineDv, offset: 1, ...described }),
    ).rejects.toMatchObject({
      code: 'SOURCE_INCOMPLETE',
      message: expect.stringContaining(
        'the deletion vector of a.parquet cannot be read: it fails its checksum',
      ),
    });
  });

  it('come from the newest vector of a file', async () => {
    const inline = (rows: number[]) => {
      const bytes = roaringArray(rows, { runs: false });
      const text85 = encodeZ85(Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]));
      return {
        storageType: 'i',
        pathOrInlineDv: text85,
        sizeInBytes: bytes.length,
        cardinality: rows.length,
      };
    };
    const first = await data('a.parquet', names);
    const second = { add: { ...first.add, deletionVector: inline([0]) } };
    const third = { add: { ...first.add, deletionVector: inline([0, 1, 2, 3, 4, 5, 6, 7, 8]) } };
    await writeCommit(table, 0, [VECTORS, metaData(FIELDS), first]);
    await writeCommit(table, 1, [second, remove(first)]);
    await writeCommit(table, 2, [remove(second), third]);
    expect(ids(await listed())).toEqual(['9']);
    expect(ids(await listed({ tableVersion: 1 }))).toEqual(names.slice(1));
  });

  it.each([
    [
      'counts other rows than the log says',
      { ...described, cardinality: 4 },
      'it deletes 3 rows; the log says 4',
    ],
    ['is cut off', { ...described, sizeInBytes: vector.length - 2 }, 'cannot be read'],
  ])('are never guessed: a vector that %s ends the run', async (_, rest, message) => {
    await expect(
      listWith({ storageType: 'i', pathOrInlineDv: encodeZ85(padded), ...rest }),
    ).rejects.toMatchObject({ code: 'SOURCE_INCOMPLETE', message: expect.stringContaining(message) });
  });
});

describe('checkpoints of a Delta table', () => {
  const add = struct({
    path: text,
    partitionValues: map(text),
    size: long,
    deletionVector: struct({ storageType: text, pathOrInlineDv: text, sizeInBytes: int, cardinality: long }),
  });
  const version = (n: number) => String(n).padStart(20, '0');

  /** A checkpoint of the given parts, each a list of actions. */
  async function writeParts(n: number, parts: Record<string, unknown>[][]): Promise<void> {
    for (const [i, actions] of parts.entries()) {
      const part =
        parts.length === 1
          ? ''
          : `.${String(i + 1).padStart(10, '0')}.${String(parts.length).padStart(10, '0')}`;
      const of = (kind: string) => actions.map((action) => action[kind] ?? null);
      await writeParquet(join(table, '_delta_log', `${version(n)}.checkpoint${part}.parquet`), {
        protocol: [
          struct({ minReaderVersion: int, minWriterVersion: int, readerFeatures: list(text) }),
          of('protocol'),
        ],
        metaData: [
          struct({ id: text, schemaString: text, partitionColumns: list(text), configuration: map(text) }),
          of('metaData'),
        ],
        add: [
          add,
          of('add').map((action) => action && { ...action, size: BigInt((action as { size: number }).size) }),
        ],
      });
    }
  }

  it.each([1, 3])('stand for the commits before them, in %i parts', async (count) => {
    const files = [
      await data('a.parquet', ['1']),
      await data('b.parquet', ['2']),
      await data('c.parquet', ['3']),
    ];
    const head: Record<string, unknown>[] = [protocol(), metaData(FIELDS)];
    await writeCommit(table, 6, [await data('d.parquet', ['4']), remove(files[1]!)]);
    await writeParts(5, count === 1 ? [[...head, ...files]] : [[...head], files.slice(0, 1), files.slice(1)]);
    expect(ids(await listed())).toEqual(['1', '3', '4']);
    expect(ids(await listed({ tableVersion: 5 }))).toEqual(['1', '2', '3']);
    await expect(listed({ tableVersion: 4 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('version 4 can no longer be read'),
    });
  });

  it('that lack a part are passed over', async () => {
    const file = await data('a.parquet', ['1']);
    await writeCommit(table, 0, [protocol(), metaData(FIELDS), file]);
    await writeCommit(table, 1, [await data('b.parquet', ['2'])]);
    await writeParts(1, [[protocol()], [metaData(FIELDS)]]);
    await rm(join(table, '_delta_log', `${version(1)}.checkpoint.0000000002.0000000002.parquet`));
    expect(ids(await listed())).toEqual(['1', '2']);
  });

  it('may name their files in sidecars', async () => {
    const file = await data('a.parquet', ['1']);
    await writeCommit(table, 0, [protocol()]);
    const actions = [
      protocol(3, ['v2Checkpoint']),
      metaData(FIELDS),
      { sidecar: { path: 's.parquet', sizeInBytes: 1 } },
    ];
    const name = `${version(4)}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json`;
    await writeFile(
      join(table, '_delta_log', name),
      actions.map((action) => JSON.stringify(action)).join('\n'),
    );
    await mkdir(join(table, '_delta_log/_sidecars'));
    await writeParquet(join(table, '_delta_log/_sidecars/s.parquet'), {
      add: [add, [{ ...file.add, size: BigInt(file.add['size'] as number) }]],
    });
    expect(ids(await listed())).toEqual(['1']);
  });
});

describe('a Delta table that cannot be read as it should', () => {
  it.each<[string, object, object, RegExp]>([
    [
      'reader features',
      protocol(3, ['deletionVectors', 'variantType', 'typeWidening']),
      {},
      /needs the reader features variantType, typeWidening/,
    ],
    ['a newer protocol', protocol(4), {}, /readers of protocol version 4/],
    ['an unknown column mapping', protocol(2), { 'delta.columnMapping.mode': 'odd' }, /mapping mode "odd"/],
  ])('for %s is refused, and they are named', async (_, head, configuration, message) => {
    await writeCommit(table, 0, [head, metaData(FIELDS, [], configuration)]);
    await expect(listed()).rejects.toMatchObject({
      code: 'SOURCE_FEATURE_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });

  it('for a commit that is missing is refused, and the version is named', async () => {
    await writeCommit(table, 0, [protocol(), metaData(FIELDS)]);
    await writeCommit(table, 2, []);
    await expect(listed()).rejects.toMatchObject({
      code: 'SOURCE_INCOMPLETE',
      message: expect.stringContaining(
        'the commit of version 1 (_delta_log/00000000000000000001.json) is missing',
      ),
    });
    expect(ids(await listed({ tableVersion: 0 }))).toEqual([]);
    await expect(listed({ tableVersion: 9 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('no version 9; its latest is 2'),
    });
  });

  it('for a log that ends before its last checkpoint is refused', async () => {
    await writeCommit(table, 0, [protocol(), metaData(FIELDS)]);
    await writeFile(join(table, '_delta_log/_last_checkpoint'), '{"version": 10}');
    await expect(listed()).rejects.toMatchObject({ code: 'SOURCE_INCOMPLETE' });
    await writeFile(join(table, '_delta_log/_last_checkpoint'), '{"versi');
    expect((await listed()).proof.complete).toBe(true);
  });

  it('for a broken line of a commit is refused, and the line is named', async () => {
    await writeCommit(table, 0, [protocol(), metaData(FIELDS)]);
    await writeFile(join(table, '_delta_log/00000000000000000001.json'), '{"add": {"path": "a"}}\n');
    await expect(listed()).rejects.toMatchObject({
      code: 'SOURCE_UNRECOGNISED',
      message: expect.stringContaining('00000000000000000001.json:1'),
    });
  });

  it.each<[string, (table: string) => Promise<void>, RegExp]>([
    [
      'is gone',
      (folder) => rm(join(folder, 'b.parquet')),
      /data file b.parquet of version 0 cannot be read: no such file; a vacuum/,
    ],
    ['is cut off', (folder) => truncate(join(folder, 'b.parquet'), 50), /b.parquet/],
  ])('for a data file that %s ends incomplete, with the rows before it listed', async (_, harm, reason) => {
    await writeCommit(table, 0, [
      protocol(),
      metaData(FIELDS),
      await data(
        'a.parquet',
        Array.from({ length: 30 }, (_, i) => `${i}`),
      ),
      await data('b.parquet', ['x']),
    ]);
    await harm(table);
    const listing = await listed();
    expect(listing.items.length).toBe(30);
    expect(listing.proof).toMatchObject({ complete: false, reason: expect.stringMatching(reason) });
  });

  it('for data files outside its folder is refused', async () => {
    const add = await data('a.parquet', ['1']);
    for (const path of ['../a.parquet', 'file:///etc/hosts', 's3://bucket/a.parquet']) {
      await writeCommit(table, 0, [protocol(), metaData(FIELDS), { add: { ...add.add, path } }]);
      await expect(listed()).rejects.toMatchObject({ code: 'SOURCE_FEATURE_UNSUPPORTED' });
    }
  });
});

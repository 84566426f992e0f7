import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { delta } from '../../src/loaders/delta.ts';
import { parquet } from '../../src/loaders/parquet.ts';
import type { SourceItem } from '../../src/model/contracts.ts';
import { encodeZ85, roaringArray, storedVector } from '../support/deletion-vector.ts';
import { addFile, metaData, protocol, writeCommit } from '../support/delta.ts';
import { listSource } from '../support/listing.ts';
import { text } from '../support/parquet.ts';
import { describePython } from '../support/python.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** A row as Python sees it. */
interface Row {
  inputid: string;
  input: string;
  concepts: string[] | null;
  lang: string;
  day: string;
}

const MAKE_TABLE = `
import datetime, pyarrow as pa
from deltalake import DeltaTable, write_deltalake
path = data['path']
def rows(first, count):
    n = range(first, first + count)
    return pa.table({
        'inputid': [f'id{i}' for i in n], 'input': [f'text number {i}' for i in n],
        'concepts': [[f'c{i % 3}', 'a, b'] if i % 4 else None for i in n],
        'lang': ['en us' if i % 2 else 'd/e=%' for i in n],
        'day': [datetime.date(2024, 1, 1 + i % 3) for i in n]})
write_deltalake(path, rows(0, 200), partition_by=['lang', 'day'])
write_deltalake(path, rows(200, 20), mode='append')
DeltaTable(path).delete("inputid = 'id5' or input like '%7'")
DeltaTable(path).create_checkpoint()
DeltaTable(path).update(updates={'input': "'changed'"}, predicate="inputid = 'id8'")
write_deltalake(path, rows(500, 3), mode='append')
DeltaTable(path).optimize.compact()
result = []
for version in range(DeltaTable(path).version() + 1):
    table = DeltaTable(path, version=version).to_pyarrow_table()
    result.append([{**row, 'day': row['day'].isoformat()} for row in table.to_pylist()])
`;

const COUNT_ROWS = `
from deltalake import DeltaTable, QueryBuilder
import pyarrow as pa
query = QueryBuilder().register('t', DeltaTable(data['path'])).execute('select inputid from t')
result = pa.table(query.read_all())['inputid'].to_pylist()
`;

const WRITE_PARQUET = `
import datetime, decimal, hashlib, pyarrow as pa, pyarrow.parquet as pq
n = 3000
table = pa.table({
    'inputid': [f'id{i}' for i in range(n)],
    'image': [{'bytes': hashlib.sha512(str(i).encode()).digest() * (i % 40), 'path': f'{i}.png'} if i % 9 else None for i in range(n)],
    'concepts': [[f'c{j}' for j in range(i % 4)] if i % 5 else None for i in range(n)],
    'metadata': [{'n': i, 'deep': {'list': [{'x': i}], 'none': None}} for i in range(n)],
    'price': pa.array([decimal.Decimal(i) / 100 for i in range(n)], pa.decimal128(30, 2)),
    'at': pa.array([datetime.datetime(2020, 1, 1) + datetime.timedelta(microseconds=i) for i in range(n)], pa.timestamp('us', tz='UTC')),
})
for codec in data['codecs']:
    for version in ['1.0', '2.0']:
        pq.write_table(table, f"{data['folder']}/{codec}-{version}.parquet", compression=codec, data_page_version=version,
            row_group_size=1000, data_page_size=5000, write_page_checksum=True, use_dictionary=codec != 'zstd')
result = [{'id': row['inputid'], 'size': len(row['image']['bytes']),
    'sha': hashlib.sha256(row['image']['bytes']).hexdigest(), 'concepts': row['concepts'] or []}
    for row in table.to_pylist() if row['image'] is not None]
`;

describePython('tables', 'a table that other software wrote', (python) => {
  it('of delta-rs has at every version the rows that delta-rs reads: partitions, deletes, a checkpoint', async () => {
    const path = join(await tempFolder(), 'table');
    const versions = await python<Row[][]>(MAKE_TABLE, { path });
    expect(versions.length).toBe(6);
    for (const [tableVersion, rows] of versions.entries()) {
      const { items, proof, outcomes } = await listSource(delta, path, {
        tableVersion,
        metadataColumns: ['lang', 'day'],
      });
      expect(proof.complete).toBe(true);
      expect(outcomes).toEqual([]);
      expect(items.map(rowOf).sort(byId)).toEqual(rows.map(normal).sort(byId));
    }
  });

  it('is read by delta-rs without the rows that our deletion vector names', async () => {
    const path = await tempFolder();
    const names = Array.from({ length: 9000 }, (_, i) => `id${i}`);
    const deleted = [0, 5, ...Array.from({ length: 6000 }, (_, i) => 2000 + i), 8999];
    for (const runs of [false, true]) {
      const vector = roaringArray(deleted, { runs });
      const uuid = 'd2c639aa-8816-431a-aaf6-d3fe2512ff61';
      await writeFile(
        join(path, `deletion_vector_${uuid}.bin`),
        Buffer.concat([Buffer.from([1]), storedVector(vector)]),
      );
      const add = await addFile(
        path,
        'a.parquet',
        { inputid: [text, names], input: [text, names] },
        {
          stats: JSON.stringify({ numRecords: names.length }),
          deletionVector: {
            storageType: 'u',
            pathOrInlineDv: encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex')),
            offset: 1,
            sizeInBytes: vector.length,
            cardinality: deleted.length,
          },
        },
      );
      const fields = ['inputid', 'input'].map((name) => ({ name, type: 'string' }));
      const head = protocol(3, ['deletionVectors']);
      Object.assign(head.protocol, { writerFeatures: ['deletionVectors'] });
      await writeCommit(path, 0, [head, metaData(fields), add]);
      const { items } = await listSource(delta, path, { inputType: 'raw' });
      expect(items.length).toBe(9000 - deleted.length);
      expect(items.map(({ id }) => id)).toEqual(await python<string[]>(COUNT_ROWS, { path }));
    }
  });

  it('of pyarrow has the same rows under every codec and page version', async () => {
    const folder = await tempFolder();
    const codecs = ['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4'];
    const expected = await python<{ id: string; size: number; sha: string; concepts: string[] }[]>(
      WRITE_PARQUET,
      {
        folder,
        codecs,
      },
    );
    for (const codec of codecs)
      for (const version of ['1.0', '2.0']) {
        const { items, outcomes, proof } = await listSource(
          parquet,
          join(folder, `${codec}-${version}.parquet`),
          {
            metadataColumns: ['price', 'at'],
          },
        );
        expect(proof).toMatchObject({ complete: true });
        expect(outcomes.length).toBe(Math.ceil(3000 / 9));
        expect(items.map(({ id, size, concepts }) => [id, size, concepts?.map((c) => c.id) ?? []])).toEqual(
          expected.map(({ id, size, concepts }) => [id, size, concepts]),
        );
        expect(items[0]!.metadata).toEqual({
          n: 1,
          deep: { list: [{ x: 1 }], none: null },
          price: 0.01,
          at: '2020-01-01T00:00:00.000001Z',
        });
        expect(await sha256Of(items.at(-1)!)).toBe(expected.at(-1)!.sha);
      }
  });
});

const byId = (a: { id: string; text: string }, b: { id: string; text: string }): number =>
  a.id === b.id ? (a.text < b.text ? -1 : 1) : a.id < b.id ? -1 : 1;

const rowOf = ({ id, text: words, concepts, metadata }: SourceItem) => ({
  id,
  text: words!,
  concepts: concepts?.map((concept) => concept.id) ?? [],
  metadata,
});

const normal = ({ inputid, input, concepts, lang, day }: Row) => ({
  id: inputid,
  text: input,
  concepts: concepts ?? [],
  metadata: { lang, day },
});

async function sha256Of(item: SourceItem): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await item.open!(new AbortController().signal)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

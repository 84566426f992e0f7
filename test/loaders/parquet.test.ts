import { appendFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { detectSource } from '../../src/loaders/index.ts';
import { parquet } from '../../src/loaders/parquet.ts';
import type { Listed } from '../../src/model/contracts.ts';
import { testContext } from '../support/context.ts';
import { type Listing, listSource } from '../support/listing.ts';
import {
  binary,
  date,
  double,
  int,
  list,
  long,
  map,
  media,
  parquetBytes,
  struct,
  text,
  writeParquet,
} from '../support/parquet.ts';
import { tempFolder } from '../support/temp-folder.ts';

type Columns = Parameters<typeof parquetBytes>[0];

async function file(columns: Columns, options = {}): Promise<string> {
  const path = join(await tempFolder(), 'a.parquet');
  await writeParquet(path, columns, options);
  return path;
}

const listTable = async (columns: Columns, options: Record<string, unknown> = {}): Promise<Listing> =>
  listSource(parquet, await file(columns), options);

/** An item in short: its id, its input and its labels. */
function short(listed: Listed): string {
  if ('outcome' in listed) return `${listed.uri} ${listed.code}`;
  const labels = (listed.concepts ?? []).map(({ id, value }) => (value === 1 ? id : `${id}=0`)).join(' ');
  return [listed.id, listed.text ?? listed.url ?? listed.fileName, ...(labels === '' ? [] : [labels])].join(
    '|',
  );
}

describe('the columns of a Parquet file', () => {
  it('are those of the CSVs of the SDK', async () => {
    const { all, proof } = await listTable({
      inputid: [text, ['1', '2']],
      input: [text, ['first', 'second text']],
      concepts: [text, ['cat, dog=0', null]],
      metadata: [text, ['{"a": 1}', null]],
      geopoints: [text, ['10,20', null]],
    });
    expect(all.map(short)).toEqual(['1|first|cat dog=0', '2|second text']);
    expect(all[0]).toMatchObject({
      uri: 'a.parquet#R1',
      metadata: { a: 1 },
      geo: { longitude: 10, latitude: 20 },
    });
    expect(proof).toMatchObject({ complete: true, evidence: expect.stringContaining('all 2 rows') });
  });

  it('may be of nested types: lists of labels, structs of metadata and of a place', async () => {
    const { all } = await listTable({
      inputid: [int, [7, 8]],
      input: [text, ['one text', 'two']],
      concepts: [list(text), [['cat, or dog', 'x'], []]],
      metadata: [
        struct({ n: long, none: text, deep: map(int) }),
        [{ n: 2n ** 60n, none: null, deep: { k: 1 } }, null],
      ],
      geopoints: [struct({ lat: double, lon: double }), [{ lat: 1.5, lon: -2 }, null]],
    });
    expect(all).toMatchObject([
      {
        id: '7',
        idGiven: true,
        concepts: [{ id: 'cat, or dog' }, { id: 'x' }],
        metadata: { n: '1152921504606846976', deep: { k: 1 } },
        geo: { latitude: 1.5, longitude: -2 },
      },
      { id: '8' },
    ]);
    expect(all[0]).not.toHaveProperty('metadata.none');
    expect(all[1]).not.toHaveProperty('metadata');
  });

  it('are those of the portal', async () => {
    const { all } = await listTable({
      'input.id': [text, ['p']],
      'input.data.image.url': [text, ['https://example.com/x.jpg']],
      'input.data.concepts[0].id': [text, ['cat']],
      'input.data.concepts[0].value': [int, [0]],
      'input.data.geo.geo_point.latitude': [double, [5]],
      'input.data.geo.geo_point.longitude': [double, [6]],
    });
    expect(all.map(short)).toEqual(['p|https://example.com/x.jpg|cat=0']);
    expect(all[0]).toMatchObject({ kind: 'image', geo: { latitude: 5, longitude: 6 } });
  });

  it('are those of the data frames of the platform', async () => {
    const { all } = await listTable({
      input_id: [text, ['i']],
      image_url: [text, ['https://example.com/a/b.png?sig=1']],
      image_info: [struct({ width: int, format: text }), [{ width: 5, format: 'PNG' }]],
      input_created_at: [date, [new Date('2024-05-06')]],
    });
    expect(all).toMatchObject([
      {
        id: 'i',
        kind: 'image',
        url: 'https://example.com/a/b.png?sig=1',
        fileName: 'b.png',
        metadata: { image_info: { width: 5, format: 'PNG' }, input_created_at: '2024-05-06' },
      },
    ]);
  });

  it('are those of Hugging Face datasets, whose class numbers have names', async () => {
    const huggingface = { info: { features: { label: { names: ['cat', 'dog'], _type: 'ClassLabel' } } } };
    const path = await file(
      {
        image: [
          media,
          [
            { bytes: Buffer.from('PNG?'), path: 'x/1.png' },
            { bytes: Buffer.from('other'), path: null },
          ],
        ],
        label: [long, [1n, -1n]],
      },
      { kvMetadata: [{ key: 'huggingface', value: JSON.stringify(huggingface) }] },
    );
    const { items } = await listSource(parquet, path);
    expect(items).toMatchObject([
      { kind: 'image', size: 4, fileName: '1.png', concepts: [{ id: 'dog', name: 'dog', value: 1 }] },
      { kind: 'image', size: 5 },
    ]);
    expect(items[0]!.id).toMatch(/^1-/);
    expect(items[1]).not.toHaveProperty('concepts');
    expect(await readText(await items[0]!.open!(new AbortController().signal))).toBe('PNG?');
  });

  it('are what the options say', async () => {
    const { all } = await listTable(
      {
        Key: [text, ['k']],
        Content: [binary, [Buffer.from('a plain text')]],
        tags: [list(struct({ id: text, value: double })), [[{ id: 'c', value: 0 }]]],
        when: [date, [new Date('2020-02-03')]],
        caption: [text, ['what it shows']],
      },
      {
        idColumn: 'Key',
        inputColumn: 'Content',
        inputType: 'raw',
        conceptsColumn: 'tags',
        metadataColumns: ['when'],
      },
    );
    expect(all).toMatchObject([
      { id: 'k', text: 'a plain text', concepts: [{ id: 'c', value: 0 }], metadata: { when: '2020-02-03' } },
    ]);
  });

  it('bring a text beside an image', async () => {
    const { items } = await listTable(
      { image: [binary, [Buffer.from('png')]], caption: [text, ['a cat']] },
      { textColumn: 'caption' },
    );
    expect(items).toMatchObject([{ kind: 'image', text: 'a cat', size: 3 }]);
  });

  it.each<[string, Columns, Record<string, unknown>, RegExp]>([
    [
      'is not there',
      { input: [text, ['a']], labels: [text, ['b']] },
      { conceptsColumn: 'label' },
      /no column "label" \(did you mean "labels"\?\); its columns are "input", "labels"/,
    ],
    ['of inputs is not known', { foo: [text, ['a']] }, {}, /say with --input-column which it is: "foo"/],
    [
      'is a list where an input must be',
      { input: [list(text), [['a']]] },
      {},
      /the column "input" is a list, which cannot be an input/,
    ],
    [
      'is a struct where an id must be',
      { input: [text, ['a']], s: [struct({ a: int }), [{ a: 1 }]] },
      { idColumn: 's' },
      /the column "s" is a struct, which cannot be an id/,
    ],
    ['holds no bytes', { input: [text, ['a']] }, { inputType: 'bytes' }, /does not hold bytes/],
    [
      'says itself what it holds',
      { image_url: [text, ['a']] },
      { inputType: 'file' },
      /"image_url" says itself/,
    ],
  ])('that %s stop the run before it starts', async (_, columns, options, message) => {
    await expect(listTable(columns, options)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

describe('the rows of a Parquet file', () => {
  it('may name files beside it, which stay in its folder', async () => {
    const path = await file({ input: [text, ['b/x.jpg', 'nosuch.jpg', '../out.jpg']] });
    await mkdir(join(path, '../b'));
    await writeFile(join(path, '../b/x.jpg'), 'jpeg');
    const { all } = await listSource(parquet, path);
    expect(all.map(short).slice(1)).toEqual([
      'a.parquet#R2 INPUT_NOT_FOUND',
      'a.parquet#R3 PATH_OUTSIDE_BASE',
    ]);
    expect(all[0]).toMatchObject({ size: 4, fileName: 'x.jpg', uri: 'a.parquet#R1' });
    expect(all[2]).toMatchObject({ message: expect.stringContaining('out of the folder of the table') });
  });

  it('that cannot be read are outcomes that name the row, the column and the cell', async () => {
    const { outcomes, items } = await listTable({
      input: [text, ['a text', null, 'b', 'c', 'd']],
      inputid: [text, ['1', '2', '3', '4', '5']],
      metadata: [text, [null, null, '{"a":', null, null]],
      concepts: [list(struct({ name: text, odd: int })), [null, null, null, [{ name: 'x', odd: 1 }], null]],
    });
    expect(items.map(({ id }) => id)).toEqual(['1', '5']);
    expect(outcomes.map(({ uri, code, message }) => `${uri} ${code} ${message}`)).toEqual([
      expect.stringMatching(/^a.parquet#R2 INPUT_INVALID_ARGUMENT .*the row has no input: input is empty/),
      expect.stringMatching(/^a.parquet#R3 INPUT_INVALID_ARGUMENT .*in the column "metadata" \(cell/),
      expect.stringMatching(
        /^a.parquet#R4 INPUT_INVALID_ARGUMENT .*expected labels.*in the column "concepts"/,
      ),
    ]);
  });

  it('have ids of their input and its occurrence, which a row inserted above does not change', async () => {
    const bytes = (name: string) => ({ bytes: Buffer.from(name), path: null });
    const ids = async (names: string[]) =>
      (await listTable({ image: [media, names.map(bytes)] })).items.map(({ id }) => id);
    const before = await ids(['a', 'b', 'a']);
    expect(new Set(before).size).toBe(3);
    expect((await ids(['new', 'a', 'b', 'a'])).slice(1)).toEqual(before);
  });

  it('with two inputs are refused', async () => {
    const { all } = await listTable({
      'input.data.image.url': [text, ['https://example.com/x']],
      'input.data.text.raw': [text, ['words']],
    });
    expect(all).toMatchObject([
      { code: 'INPUT_INVALID_ARGUMENT', message: expect.stringContaining('two inputs') },
    ]);
  });
});

describe('a Parquet file as a whole', () => {
  it('is known by its content, and by its name where that is broken', async () => {
    const path = await file({ input: [text, ['a']] });
    expect((await detectSource(path)).loader.name).toBe('parquet');
    const folder = await tempFolder();
    await writeFile(join(folder, 'data'), parquetBytes({ input: [text, ['a']] }));
    expect(await detectSource(join(folder, 'data'))).toMatchObject({
      reason: 'a Parquet file by its content',
    });
    await writeFile(join(folder, 'x.parquet'), 'nothing');
    const { loader } = await detectSource(join(folder, 'x.parquet'));
    await expect(loader.open(join(folder, 'x.parquet'), loader.options.parse({}))).rejects.toMatchObject({
      code: 'SOURCE_UNRECOGNISED',
    });
  });

  it('that is corrupt in the middle ends incomplete, with the rows before it listed', async () => {
    const bytes = parquetBytes(
      { input: [text, Array.from({ length: 3000 }, (_, i) => `text number ${i}`)] },
      { rowGroupSize: 1000, codec: 'SNAPPY' },
    );
    const path = join(await tempFolder(), 'a.parquet');
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 200);
    await writeFile(path, bytes);
    const { all, proof } = await listSource(parquet, path);
    expect(all.length).toBe(1000);
    expect(proof).toMatchObject({
      complete: false,
      reason: expect.stringMatching(/a.parquet: the column "input".*\(after 1000 of 3000 rows\)/),
    });
  });

  it('that changes while it is listed ends incomplete', async () => {
    const path = await file({ input: [text, Array.from({ length: 3000 }, (_, i) => `text ${i} here`)] });
    const loader = await parquet.open(path, parquet.options.parse({}));
    const before = await loader.fingerprint();
    const listing = loader.list(testContext());
    await listing.next();
    await appendFile(path, 'more');
    let next = await listing.next();
    while (!next.done) next = await listing.next();
    expect(next.value).toMatchObject({ complete: false, reason: 'a.parquet was changed while it was read' });
    expect(await loader.fingerprint()).not.toBe(before);
    expect((await stat(path)).size).toBeGreaterThan(0);
  });

  it('of no rows is complete', async () => {
    const { all, proof } = await listTable({ input: [text, []] });
    expect(all).toEqual([]);
    expect(proof.complete).toBe(true);
  });
});

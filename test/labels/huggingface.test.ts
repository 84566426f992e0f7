import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { huggingface } from '../../src/labels/huggingface.ts';
import type { LabelSource } from '../../src/model/contracts.ts';
import { testContext } from '../support/context.ts';
import { labelsOf, leftOver, openLabels, writeFiles } from '../support/label-source.ts';
import { tempFolder } from '../support/temp-folder.ts';

const concept = (id: string) => ({ id, name: id, value: 1 });
const lines = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join('\n');

async function opened(files: Record<string, string | Buffer>, options: object = {}): Promise<LabelSource> {
  const folder = await tempFolder();
  await writeFiles(folder, files);
  return openLabels(huggingface, folder, { ...options });
}

describe('the metadata of a Hugging Face folder', () => {
  it('gives labels as concepts and all other columns as metadata', async () => {
    const source = await opened({
      'metadata.csv': 'file_name,label,text,note\na.jpg,cat,a cat,\n"b, c.jpg",big dog,"says ""wuff""",x\n',
      'train/metadata.jsonl': lines(
        { file_name: 'a.jpg', labels: ['cat', 'indoor'], n: 1, deep: { a: [1] }, none: null },
        { file_name: './sub/b.jpg' },
      ),
    });
    expect(await labelsOf(source, 'a.jpg')).toEqual({
      promised: 0,
      concepts: [concept('cat')],
      metadata: { text: 'a cat' },
    });
    expect(await labelsOf(source, 'b, c.jpg')).toEqual({
      promised: 0,
      concepts: [concept('big dog')],
      metadata: { text: 'says "wuff"', note: 'x' },
    });
    expect(await labelsOf(source, 'train/a.jpg')).toEqual({
      promised: 0,
      concepts: [concept('cat'), concept('indoor')],
      metadata: { n: 1, deep: { a: [1] } },
    });
    expect(await labelsOf(source, 'train/sub/b.jpg')).toEqual({ promised: 0 });
    expect(await labelsOf(source, 'c.jpg')).toBeUndefined();
    expect(source.concepts).toEqual(['cat', 'big dog', 'indoor'].map((id) => ({ id, name: id })));
    expect(await leftOver(source)).toEqual([]);
    const owned = ['metadata.csv', 'train/metadata.jsonl', 'other/metadata.csv', 'a.jpg'];
    expect(owned.map((uri) => source.owns(uri))).toEqual([true, true, false, false]);
    await source.close();
  });

  it('gives boxes in pixels, from an object of lists or a list of objects, from JSON or a cell', async () => {
    const lists = {
      bbox: [
        [1, 2, 30, 40.5],
        [0, 0, 1, 1],
      ],
      categories: ['cat', 'dog'],
      id: [7, 8],
      area: [5, 6],
    };
    const objects = [
      { bbox: [1, 2, 30, 40.5], category: 'cat', id: 7, area: 5 },
      { bbox: [0, 0, 1, 1], category: 'dog', id: 8, area: 6 },
    ];
    const python =
      "{'bbox': [[1, 2, 30, 40.5], [0, 0, 1, 1]], 'categories': ['cat', 'dog'], 'id': [7, 8], 'area': [5, 6]}";
    const source = await opened({
      'metadata.jsonl': lines({ file_name: 'a.jpg', objects: lists }, { file_name: 'b.jpg', objects }),
      'metadata.csv': `file_name,objects\nc.jpg,"${JSON.stringify(lists).replaceAll('"', '""')}"\nd.jpg,"${python}"\n`,
    });
    for (const [uri, row] of [
      ['a.jpg', 'metadata.jsonl#L1'],
      ['b.jpg', 'metadata.jsonl#L2'],
      ['c.jpg', 'metadata.csv#L2'],
      ['d.jpg', 'metadata.csv#L3'],
    ] as const) {
      expect(await labelsOf(source, uri)).toEqual({
        promised: 2,
        annotations: [
          {
            id: '7',
            ref: `${row}/objects/0`,
            unit: 'pixels',
            concepts: [concept('cat')],
            region: { box: { left: 1, top: 2, right: 31, bottom: 42.5 } },
            info: { huggingface: { area: 5 } },
          },
          {
            id: '8',
            ref: `${row}/objects/1`,
            unit: 'pixels',
            concepts: [concept('dog')],
            region: { box: { left: 0, top: 0, right: 1, bottom: 1 } },
            info: { huggingface: { area: 6 } },
          },
        ],
      });
    }
    await source.close();
  });

  it('names labels that are indexes, in the order of the names', async () => {
    const source = await opened(
      {
        'metadata.csv': 'file_name,label\na.jpg,1\nb.jpg,-1\nc.jpg,2\nd.jpg,tiger\n',
        'metadata.jsonl': lines({ file_name: 'e.jpg', objects: { bbox: [[0, 0, 1, 1]], category: [0] } }),
      },
      { names: ['cat', 'dog'] },
    );
    expect(source.concepts).toEqual([
      { id: 'cat', name: 'cat', sourceId: 0 },
      { id: 'dog', name: 'dog', sourceId: 1 },
      { id: 'tiger', name: 'tiger' },
    ]);
    expect((await labelsOf(source, 'a.jpg'))?.concepts).toEqual([concept('dog')]);
    expect(await labelsOf(source, 'b.jpg')).toEqual({ promised: 0 });
    expect((await labelsOf(source, 'c.jpg'))?.annotations).toEqual([
      {
        ref: 'metadata.csv#L4',
        code: 'CONCEPT_UNKNOWN',
        message: 'metadata.csv#L4: label: the label 2 has no name; there are 2',
      },
    ]);
    expect((await labelsOf(source, 'd.jpg'))?.concepts).toEqual([concept('tiger')]);
    expect((await labelsOf(source, 'e.jpg'))?.annotations).toMatchObject([{ concepts: [concept('cat')] }]);
    await source.close();
  });

  it('takes an index for the label itself where there are no names', async () => {
    const source = await opened({ 'metadata.jsonl': lines({ file_name: 'a.jpg', label: 3 }) });
    expect((await labelsOf(source, 'a.jpg'))?.concepts).toEqual([concept('3')]);
    await source.close();
  });

  it('goes on after a line that is broken, and names it and every row without a file', async () => {
    const source = await opened({
      'metadata.jsonl': [
        '{"file_name": "1.jpg"}',
        '',
        '{"file_name": "3.jpg"}',
        '{"file_name": "4.jpg"}',
        '{"file_name": "5.jpg", }',
        '{"label": "x"}',
        '[7]',
        '{"file_name": "1.jpg", "label": "again"}',
        '{"file_name": "9.jpg"}',
      ].join('\r\n'),
      'sub/metadata.csv': 'file_name,label\na.jpg,"cat\nb.jpg,dog\nc.jpg,dog,more,cells\nd.jpg,dog\n,x\n',
    });
    for (const name of ['1.jpg', '3.jpg', '9.jpg', 'sub/b.jpg', 'sub/d.jpg']) {
      expect(await labelsOf(source, name), name).toBeDefined();
    }
    const outcomes = await leftOver(source);
    expect(outcomes.map(({ uri, code }) => [uri, code])).toEqual([
      ['metadata.jsonl#L4', 'LABELS_WITHOUT_INPUT'],
      ['metadata.jsonl#L5', 'INPUT_INVALID_ARGUMENT'],
      ['metadata.jsonl#L6', 'INPUT_INVALID_ARGUMENT'],
      ['metadata.jsonl#L7', 'INPUT_INVALID_ARGUMENT'],
      ['metadata.jsonl#L8', 'LABELS_AMBIGUOUS'],
      ['sub/metadata.csv#L2', 'CSV_ROW_INVALID'],
      ['sub/metadata.csv#L4', 'CSV_ROW_INVALID'],
      ['sub/metadata.csv#L6', 'INPUT_INVALID_ARGUMENT'],
    ]);
    expect(outcomes.every(({ outcome }) => outcome === 'rejected')).toBe(true);
    expect(outcomes.map(({ message }) => message)).toMatchObject([
      'metadata.jsonl:4: there is no item 4.jpg',
      'metadata.jsonl:5:24: not JSON: unexpected "}"',
      'metadata.jsonl:6: the row has no file_name',
      'metadata.jsonl:7: expected a JSON object with file_name',
      'metadata.jsonl:8: a row above describes 1.jpg already',
      expect.stringMatching(/^sub\/metadata\.csv:2:/),
      expect.stringMatching(/^sub\/metadata\.csv:4:.*4 cells/),
      'sub/metadata.csv:6: the row has no file_name',
    ]);
    await source.close();
  });

  it('says which object of a row is wrong, and keeps the others', async () => {
    const bad = [
      { bbox: ['1', 2, 3, 4] },
      { bbox: [1, 2, 3] },
      { bbox: [1, 2, -3, 4] },
      {},
      7,
      { bbox: [0, 0, 1, 1], category: {} },
    ];
    const source = await opened({
      'metadata.jsonl': lines(
        { file_name: 'a.jpg', objects: [...bad, { bbox: [0, 0, 1, 1] }] },
        { file_name: 'b.jpg', objects: 'no', label: {} },
      ),
    });
    const labels = (await labelsOf(source, 'a.jpg'))!;
    expect(labels.promised).toBe(bad.length + 1);
    expect(labels.annotations!.slice(0, bad.length)).toMatchObject(
      bad.map((_, i) => ({ ref: `metadata.jsonl#L1/objects/${i}`, code: 'ANNOTATION_INVALID_ARGUMENT' })),
    );
    expect(labels.annotations!.at(-1)).toMatchObject({ unit: 'pixels', concepts: [] });
    expect((await labelsOf(source, 'b.jpg'))!.annotations).toMatchObject([
      { message: expect.stringMatching(/^metadata\.jsonl#L2: objects: /) },
      { message: 'metadata.jsonl#L2: label: expected a name or an index, found {}' },
    ]);
    await source.close();
  });

  it('is found for names in another Unicode form or with percent signs, unless they are of another file', async () => {
    const [composed, decomposed] = ['\u00e9.jpg', 'e\u0301.jpg'];
    const folder = await tempFolder();
    await writeFiles(folder, {
      'metadata.jsonl': lines(
        { file_name: `one/${composed}`, label: 'a' },
        { file_name: `two/${composed}`, label: 'b' },
        { file_name: 'three/%C3%A9.jpg', label: 'c' },
        { file_name: 'four\\x.jpg', label: 'd' },
        { file_name: `five/${composed}`, label: 'composed' },
        { file_name: `five/${decomposed}`, label: 'decomposed' },
      ),
      [`two/${composed}`]: '',
      [`two/${decomposed}`]: '',
    });
    const source = await openLabels(huggingface, folder);
    const label = async (uri: string) => (await labelsOf(source, uri))?.concepts?.[0]?.id;
    expect(await label(`one/${decomposed}`)).toBe('a');
    expect(await label(`two/${decomposed}`)).toBeUndefined();
    expect(await label(`two/${composed}`)).toBe('b');
    expect(await label(`three/${composed}`)).toBe('c');
    expect(await label('four/x.jpg')).toBe('d');
    expect(await label(`five/${decomposed}`)).toBe('decomposed');
    expect(await label(`five/${composed}`)).toBe('composed');
    expect(await leftOver(source)).toEqual([]);
    await source.close();
  });

  it('may be in the encoding of a spreadsheet', async () => {
    const table = 'file_name;label\r\na.jpg;Gr\u00fcn\r\n';
    for (const bytes of [
      Buffer.from(`\ufeff${table}`),
      Buffer.from(table, 'latin1'),
      Buffer.from(`\ufeff${table}`, 'utf16le'),
    ]) {
      const source = await opened({ 'metadata.csv': bytes });
      expect((await labelsOf(source, 'a.jpg'))?.concepts).toEqual([concept('Gr\u00fcn')]);
      await source.close();
    }
  });

  it.each([
    ['no metadata', { 'a.jpg': '' }, 'SOURCE_NOT_FOUND', 'metadata.parquet is not read'],
    [
      'a CSV without file_name',
      { 'metadata.csv': 'file,label\n' },
      'LABELS_UNREADABLE',
      'metadata.csv: it has no column',
    ],
    ['an empty CSV', { 'metadata.csv': '' }, 'LABELS_UNREADABLE', 'metadata.csv'],
    ['a CSV that is none', { 'metadata.csv': 'PK\x03\x04' }, 'LABELS_UNREADABLE', 'metadata.csv'],
  ])('ends the run when there is %s', async (_, files, code, message) => {
    await expect(opened(files as Record<string, string>)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('is indexed no further once the run is aborted', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'metadata.jsonl': lines({ file_name: 'a.jpg' }) });
    const source = huggingface.create(folder, huggingface.options.parse({}));
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(source.open(testContext({ signal }))).rejects.toThrow('stop');
    await source.close();
  });

  it('is that of the file which a row names', async () => {
    const folder = await tempFolder();
    await writeFiles(folder, { 'metadata.jsonl': lines({ file_name: 'a.jpg', label: 'x' }) });
    const source = await openLabels(huggingface, folder);
    expect(await labelsOf(source, 'rows.csv#L9', { file: join(folder, 'a.jpg') })).toMatchObject({
      concepts: [concept('x')],
    });
    await source.close();
  });
});

import { appendFile, mkdir, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { format } from 'fast-csv';
import { describe, expect, it, onTestFinished } from 'vitest';
import { statFingerprint } from '../../src/io/fingerprint.ts';
import { csv } from '../../src/loaders/csv.ts';
import { folder } from '../../src/loaders/folder.ts';
import { zip } from '../../src/loaders/zip.ts';
import type { Fetched, Listed, Logger, SourceItem } from '../../src/model/contracts.ts';
import { deriveId } from '../../src/model/ids.ts';
import { testContext } from '../support/context.ts';
import { type Listing, listSource } from '../support/listing.ts';
import { tempFolder } from '../support/temp-folder.ts';

/** Writes files into a fresh folder and gives the path of the first. */
async function files(contents: Record<string, string | Buffer>): Promise<string> {
  const folder = await tempFolder();
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return join(folder, Object.keys(contents)[0]!);
}

const listCsv = async (content: string | Buffer, options: Record<string, unknown> = {}): Promise<Listing> =>
  listSource(csv, await files({ 'a.csv': content }), options);

/** An item in short: its id, its text and its labels. */
function short(listed: Listed): string {
  if ('outcome' in listed) return `${listed.uri} ${listed.code}`;
  const labels = (listed.concepts ?? []).map(({ id, value }) => (value === 1 ? id : `${id}=0`)).join(' ');
  return [listed.id, listed.text ?? listed.url, ...(labels === '' ? [] : [labels])].join('|');
}

const utf16 = (content: string): Buffer => Buffer.from(`\ufeff${content}`, 'utf16le');
const latin1 = (content: string): Buffer => Buffer.from(content, 'latin1');
const rows = (count: number, make: (n: number) => string): string =>
  Array.from({ length: count }, (_, i) => `${make(i + 1)}\n`).join('');

describe('a dirty CSV', () => {
  it.each<[name: string, content: string | Buffer, expected: string[], options?: Record<string, unknown>]>([
    ['with a byte order mark', '\ufeffinputid,input\n1,a\n', ['1|a']],
    ['with CRLF', 'inputid,input\r\n1,a\r\n2,b\r\n', ['1|a', '2|b']],
    ['with CR only', 'inputid,input\r1,a\r2,b\r', ['1|a', '2|b']],
    ['without a line end at its end', 'inputid,input\n1,a\n2,b', ['1|a', '2|b']],
    ['with blank lines and rows of commas only', '\ninputid,input\n\n1,a\n,,,,\n \n2,b\n\n', ['1|a', '2|b']],
    [
      'with quotes and line breaks in cells',
      'inputid,input\n1,"a ""b""\nc, d"\n2,e\n',
      ['1|a "b"\nc, d', '2|e'],
    ],
    ['with blanks around quotes', 'inputid, input\n1, "a, b" \n2,c\n', ['1|a, b', '2|c']],
    ['with a quote inside an unquoted cell', 'inputid,input\n1,5" pipe\n2,b\n', ['1|5" pipe', '2|b']],
    ['with too few cells', 'inputid,input\n1\n2,b\n', ['a.csv#L2 CSV_ROW_INVALID', '2|b']],
    ['with too many cells', 'inputid,input\n1,a,x\n2,b,,\n', ['a.csv#L2 CSV_ROW_INVALID', '2|b']],
    [
      'with an open quote in the first row',
      'inputid,input\n1,"a\n2,b\n3,c\n',
      ['a.csv#L2 CSV_ROW_INVALID', '2|b', '3|c'],
    ],
    [
      'with an open quote in the middle',
      'inputid,input\n1,a\n2,"b\n3,"c"\n',
      ['1|a', 'a.csv#L3 CSV_ROW_INVALID', '3|c'],
    ],
    ['with an open quote at the end', 'inputid,input\n1,a\n2,"b', ['1|a', 'a.csv#L3 CSV_ROW_INVALID']],
    ['with text after a closing quote', 'inputid,input\n1,"a"b\n2,c\n', ['a.csv#L2 CSV_ROW_INVALID', '2|c']],
    [
      'with a record over the cap',
      `inputid,input\n1,${'x'.repeat(5000)}\n2,b\n`,
      ['a.csv#L2 CSV_ROW_INVALID', '2|b'],
      { maxRecordBytes: 1000 },
    ],
    ['in UTF-16', utf16('inputid,input\r\n1,é😀\r\n'), ['1|é😀']],
    ['in windows-1252', latin1('inputid,input\n1,caf\xe9 \x80 \x93q\x94\n'), ['1|café € “q”']],
    [
      'in a forced encoding',
      Buffer.from([...Buffer.from('inputid,input\n1,'), 0x93, 0xfa, 0x96, 0x7b]),
      ['1|日本'],
      { encoding: 'shift_jis' },
    ],
    [
      'with a byte that is not UTF-8 late in the file',
      Buffer.concat([Buffer.from(`input\n${'é\n'.repeat(100_000)}`), latin1('caf\xe9\nz\n')]).subarray(0),
      [],
      { csvType: 'raw' },
    ],
    ['with a NUL', 'inputid,input\n1,a\0b\n2,c\n', ['a.csv#L2 CSV_ROW_INVALID', '2|c']],
    ['with a header only', 'inputid,input\n', []],
    ['with semicolons', 'inputid;input;concepts\n1;a, b;x,y\n', ['1|a, b|x y']],
    ['with tabs', 'inputid\tinput\n1\ta, b\n', ['1|a, b']],
    ['with columns in another order and case', 'Concepts,INPUT,inputid\n"x, y",a,1\n', ['1|a|x y']],
    [
      'with labels that are empty in the first row',
      'inputid,input,concepts\n1,a,\n2,b,x\n3,c,\n4,d,"y,z"\n',
      ['1|a', '2|b|x', '3|c', '4|d|y z'],
    ],
    ['with negative labels', 'inputid,input,concepts\n1,a,"cat,dog=0"\n', ['1|a|cat dog=0']],
    ['with an empty input', 'inputid,input\n1,\n2,b\n', ['a.csv#L2 INPUT_INVALID_ARGUMENT', '2|b']],
    ['with unknown columns', 'inputid,notes,input\n1,whatever,a\n', ['1|a']],
    [
      'in which a column appears at row 10 001',
      `inputid,input\n${rows(10_000, (n) => `${n},x`)}10001,x,new\n10002,x\n`,
      [...Array.from({ length: 10_000 }, (_, i) => `${i + 1}|x`), 'a.csv#L10002 CSV_ROW_INVALID', '10002|x'],
    ],
  ])('%s', async (name, content, expected, options) => {
    const { all, proof } = await listCsv(content, { csvType: 'raw', ...options });
    expect(proof).toMatchObject({ complete: true });
    if (name.includes('late in the file')) {
      expect(all).toHaveLength(100_002);
      expect(short(all[100_000]!)).toBe('a.csv#L100002 CSV_ROW_INVALID');
      expect((all[100_001] as SourceItem).text).toBe('z');
      return;
    }
    expect(all.map(short)).toEqual(expected);
  });

  it('with a broken quote on line 3 of 10 000 loses line 3 only', async () => {
    for (const row of [(n: number) => `${n},text ${n}`, (n: number) => `"${n}","a ""text"", ${n}"`]) {
      const content = `inputid,input\n${row(2)}\n3,"broken\n${rows(9997, (n) => row(n + 3))}`;
      const { items, outcomes } = await listCsv(content);
      expect(items.map(({ id }) => id)).toEqual(['2', ...Array.from({ length: 9997 }, (_, i) => `${i + 4}`)]);
      expect(outcomes).toEqual([
        expect.objectContaining({
          uri: 'a.csv#L3',
          code: 'CSV_ROW_INVALID',
          outcome: 'rejected',
          stage: 'list',
        }),
      ]);
    }
  });

  it.each<[name: string, content: string | Buffer, code: string, message: RegExp]>([
    ['is empty', '', 'SOURCE_UNRECOGNISED', /empty/],
    ['has no known header', 'id,text\n1,a\n', 'SOURCE_UNRECOGNISED', /a\.csv:1:1.*"id", "text"/],
    ['has a broken header', '"inputid,input\n', 'SOURCE_UNRECOGNISED', /cannot be read/],
    ['is gzip', Buffer.from('\x1f\x8b\x08\0\0\0\0\0', 'latin1'), 'SOURCE_UNRECOGNISED', /gzip/],
    [
      'is UTF-16 without a mark',
      utf16('inputid,input\n').subarray(2),
      'SOURCE_UNRECOGNISED',
      /--encoding utf-16le/,
    ],
  ])('that %s is refused', async (_name, content, code, message) => {
    await expect(listCsv(content)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('warns of an assumed encoding and of columns that are not read', async () => {
    const warnings: [object, string][] = [];
    const logger: Logger = {
      debug() {},
      info() {},
      warn: (...warning) => warnings.push(warning),
      error() {},
    };
    const path = await files({ 'a.csv': latin1('input,concept\ncaf\xe9,x\n') });
    await listSource(csv, path, {}, { ...testContext(), logger });
    expect(warnings).toEqual([
      [
        expect.objectContaining({ code: 'ENCODING_DETECTED', file: 'a.csv' }),
        expect.stringMatching(/windows-1252/),
      ],
      [expect.anything(), 'a.csv: columns that are not read: "concept" (did you mean "concepts"?)'],
    ]);
  });
});

describe('the options', () => {
  it('take the name of an encoding and nothing else for one', () => {
    expect(csv.options.parse({ encoding: 'Shift_JIS' }).encoding).toBe('Shift_JIS');
    expect(() => csv.options.parse({ encoding: 'bogus-8' })).toThrow(
      /bogus-8.*is not the name of an encoding/,
    );
    expect(() => csv.options.parse({ encoding: '' })).toThrow(/is not the name of an encoding/);
  });
});

describe.each([
  ['csv', csv],
  ['folder', folder],
  ['zip', zip],
])('the prefix of the ids of a %s', (_, { options }) => {
  it('leaves room for the hash', () => {
    const { idPrefix } = options.parse({ idPrefix: 'Left_2-'.padEnd(31, 'x') });
    expect(deriveId('key', 'name', idPrefix)).toHaveLength(48);
    expect(() => options.parse({ idPrefix: 'x'.repeat(32) })).toThrow(/takes at most 31 characters/);
  });

  it.each(['a:b', 'a b', 'a/b', 'é'])('%j is refused', (idPrefix) => {
    expect(() => options.parse({ idPrefix })).toThrow(/takes ASCII letters, digits/);
  });
});

describe('what an outcome says', () => {
  it('names the one of the two geo cells that is at fault', async () => {
    const geo = 'input.data.geo.geo_point';
    const { items, outcomes } = await listCsv(
      `input.data.text.raw,${geo}.latitude,${geo}.longitude\na,70,200\nb,91,10\nc,70,\nd,,\n`,
    );
    expect(outcomes.map(({ message }) => message)).toEqual([
      'a.csv:2:6: longitude 200 is outside -180…180 (cell "200")',
      'a.csv:3:3: latitude 91 is outside -90…90 (cell "91")',
      'a.csv:4:6: latitude and longitude must both be numbers, or both empty (cell "")',
    ]);
    expect(items).toEqual([expect.not.objectContaining({ geo: expect.anything() })]);
  });

  it('is file, line, column and the cell', async () => {
    const { outcomes } = await listCsv(
      'inputid,input,metadata,geopoints\n' +
        `1,"two\nlines","{'k': v}",\n` +
        '2,b,,"70,102"\n' +
        '3,c,"[1]",\n',
    );
    expect(outcomes.map(({ inputId, code, message }) => [inputId, code, message])).toEqual([
      ['1', 'INPUT_INVALID_ARGUMENT', `a.csv:3:15: expected a value, found "v" (cell "{'k': v}")`],
      [
        '2',
        'INPUT_INVALID_ARGUMENT',
        'a.csv:4:6: latitude 102 is outside -90…90; read as lon,lat, and --geo-order lat,lon reads it the other way round (cell "70,102")',
      ],
      [
        '3',
        'INPUT_INVALID_ARGUMENT',
        'a.csv:5:5: metadata must be an object such as {"key": "value"} (cell "[1]")',
      ],
    ]);
    expect(outcomes.map(({ uri, record }) => [uri, record])).toEqual([
      ['a.csv#L2', { line: 2, cell: "{'k': v}" }],
      ['a.csv#L4', { line: 4, cell: '70,102' }],
      ['a.csv#L5', { line: 5, cell: '[1]' }],
    ]);
  });

  it('is short, and without the secrets of URLs', async () => {
    const secret = 'https://me:hunter2@example.com/a.jpg?X-Amz-Signature=abcdef';
    const { outcomes } = await listCsv(
      `input,metadata\n${secret},x\nz,${'w'.repeat(500)},${secret}\n${secret},"y\n`,
    );
    const said = JSON.stringify(outcomes);
    expect(outcomes).toHaveLength(3);
    expect(said).toContain('example.com/a.jpg');
    expect(said).not.toMatch(/hunter2|abcdef/);
    for (const { message } of outcomes) expect(message!.length).toBeLessThan(300);
  });
});

describe('ids', () => {
  const idsByText = ({ items }: Listing): Map<string, string[]> => {
    const ids = new Map<string, string[]>();
    for (const { id, text: cell } of items) ids.set(cell!, [...(ids.get(cell!) ?? []), id]);
    return ids;
  };
  const write = (cells: string[]): string =>
    `input\n${cells.map((cell) => `"${cell.replaceAll('"', '""')}"\n`).join('')}`;
  const cellsArbitrary = fc.array(fc.constantFrom('a', 'b', 'c d', 'é', '"q"', 'x\ny'), { maxLength: 8 });

  it('that are given stay as they are, also strange ones', async () => {
    const { items } = await listCsv('inputid,input\n A:b ,x\n,y\n  ,z\n');
    expect(items.map(({ id, idGiven }) => [id, idGiven])).toEqual([
      [' A:b ', true],
      [deriveId('y', 'y'), undefined],
      [deriveId('z', 'z'), undefined],
    ]);
  });

  it('that are derived come from the cell and how often it came, and carry the prefix', async () => {
    const { items } = await listCsv('input\nsame\nother\nsame\n', { idPrefix: 'p' });
    expect(items[0]!.id).toBe(deriveId('same', 'same', 'p'));
    expect(new Set(items.map(({ id }) => id)).size).toBe(3);
  });

  it('that are derived show of a URL the name of its file alone', async () => {
    const urls = [
      'https://example.com/a/photo.jpg?token=SECRET/x',
      'https://user:SECRET@example.com',
      'https://user:SECRET@example.com:bad/photo.jpg',
    ];
    const { items, outcomes } = await listCsv(`input\n${rows(3, (n) => urls[n - 1]!)}`, { csvType: 'url' });
    expect([...items.map(({ id }) => id), outcomes[0]!.inputId]).toEqual([
      deriveId(urls[0]!, 'photo'),
      deriveId(urls[1]!, ''),
      deriveId(urls[2]!, ''),
    ]);
  });

  it('do not depend on the order of rows', async () => {
    await fc.assert(
      fc.asyncProperty(cellsArbitrary, async (cells) => {
        const one = idsByText(await listCsv(write(cells), { csvType: 'raw' }));
        const other = idsByText(await listCsv(write(cells.toReversed()), { csvType: 'raw' }));
        expect(Object.fromEntries(other)).toEqual(Object.fromEntries(one));
      }),
      { numRuns: 30 },
    );
  });

  it('of rows below do not change when a row is put above', async () => {
    const before = await listCsv(write(['a', 'b', 'a']), { csvType: 'raw' });
    const after = await listCsv(write(['new', 'a', 'b', 'a']), { csvType: 'raw' });
    expect(after.items.slice(1).map(({ id }) => id)).toEqual(before.items.map(({ id }) => id));
  });

  it('of later repeats do not change when a row becomes bad', async () => {
    const good = await listCsv('input,metadata\na,\na,\n');
    const bad = await listCsv('input,metadata\na,{\na,\n');
    expect(bad.items[0]!.id).toBe(good.items[1]!.id);
    expect(bad.outcomes[0]!.inputId).toBe(good.items[0]!.id);
  });
});

describe('the fields of an item', () => {
  it('are those of the row', async () => {
    const { items } = await listCsv(
      'geopoints,metadata,concepts,inputid,input\n' +
        `"102,70","{'who': ""it's me"", 'n': None, 'deep': {'l': [1, (2, 3)]}}","cat, dog=0",one,some text\n`,
    );
    expect(items).toEqual([
      {
        id: 'one',
        idGiven: true,
        uri: 'a.csv#L2',
        kind: 'text',
        text: 'some text',
        concepts: [
          { id: 'cat', name: 'cat', value: 1 },
          { id: 'dog', name: 'dog', value: 0 },
        ],
        metadata: { who: "it's me", n: null, deep: { l: [1, [2, 3]] } },
        geo: { longitude: 102, latitude: 70 },
      },
    ]);
  });

  it('have the point in the order asked for', async () => {
    const { items } = await listCsv('input,geopoints\nx,"70,102"\n', { geoOrder: 'lat,lon' });
    expect(items[0]!.geo).toEqual({ latitude: 70, longitude: 102 });
  });

  it('come from the portal template too, with kinds mixed', async () => {
    const header = [
      'input.id',
      'input.data.image.url',
      'input.data.video.url',
      'input.data.audio.url',
      'input.data.text.url',
      'input.data.text.raw',
      'input.data.concepts[0].id',
      'input.data.concepts[0].value',
      'input.data.concepts[1].id',
      'input.data.concepts[1].name',
      'input.data.metadata',
      'input.data.geo.geo_point.latitude',
      'input.data.geo.geo_point.longitude',
      '',
    ];
    const url = 'https://example.com/p/a%20b.jpg?x=1';
    const { items, outcomes } = await listCsv(
      `${header.join(',')}\n` +
        `1,${url},,,,,cat,1,dog,Dog,"{""k"": 1}",70,102,\n` +
        '2,,https://example.com/v.mp4,,,,cat,0,,,,,\n' +
        '3,,,https://example.com/s.wav,,,cat,,,,,,\n' +
        '4,,,,https://example.com/t.txt,,,1,,,,,\n' +
        '5,,,,,a text,,,,,,,\n' +
        '6,,,,,a text,cat,0.5,,,,,\n' +
        `7,${url},,,,a text,,,,,,,\n` +
        '8,,,,,,cat,1,,,,,\n' +
        '9,ftp://example.com/a.jpg,,,,,,,,,,,\n',
    );
    expect(
      items.map(({ id, kind, url: at, text: cell, concepts }) => [id, kind, at ?? cell, concepts]),
    ).toEqual([
      [
        '1',
        'image',
        url,
        [
          { id: 'cat', name: 'cat', value: 1 },
          { id: 'dog', name: 'Dog', value: 1 },
        ],
      ],
      ['2', 'video', 'https://example.com/v.mp4', [{ id: 'cat', name: 'cat', value: 0 }]],
      ['3', 'audio', 'https://example.com/s.wav', [{ id: 'cat', name: 'cat', value: 1 }]],
      ['4', 'text', 'https://example.com/t.txt', undefined],
      ['5', 'text', 'a text', undefined],
    ]);
    expect(items[0]).toMatchObject({
      fileName: 'a%20b.jpg',
      metadata: { k: 1 },
      geo: { latitude: 70, longitude: 102 },
    });
    expect(outcomes.map(({ uri, code }) => `${uri} ${code}`)).toEqual([
      'a.csv#L7 INPUT_INVALID_ARGUMENT',
      'a.csv#L8 INPUT_INVALID_ARGUMENT',
      'a.csv#L9 INPUT_INVALID_ARGUMENT',
      'a.csv#L10 INPUT_INVALID_URL',
    ]);
    expect(outcomes[0]!.message).toMatch(/a\.csv:7:\d+: a concept value is 1/);
  });

  it('come from the portal’s own templates', async () => {
    const { items } = await listCsv(
      'input.data.text.raw,input.data.concepts[*].id\nfirst,\n"second, with a comma","a, b"\n',
    );
    expect(items.map(short).map((line) => line.split('|').slice(1))).toEqual([
      ['first'],
      ['second, with a comma', 'a b'],
    ]);
  });
});

describe('the type of the cells', () => {
  const describesOf = async (contents: Record<string, string>, options = {}): Promise<string> =>
    (await csv.open(await files(contents), csv.options.parse(options))).describes;

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'texts',
      { 'a.csv': 'input\nsome text\nhttp://a.b is nice\n' },
      /input cells are texts \(as the first 2 rows show\)/,
    ],
    ['URLs', { 'a.csv': 'input\nhttps://a.b/c.jpg\nHTTP://d.e\n' }, /input cells are URLs/],
    [
      'file paths, because one is there',
      { 'a.csv': 'input\nmissing\nhere\n', here: 'x' },
      /input cells are file paths/,
    ],
    [
      'file paths, because of their extensions',
      { 'a.csv': 'input\na.jpg\nb/c.png\n' },
      /input cells are file paths/,
    ],
    ['nothing', { 'a.csv': 'input\n' }, /input cells are texts \(no row shows otherwise\)/],
    ['tab-separated', { 'a.tsv': 'input\nx\n' }, /tab-separated; utf-8/],
  ])('is seen: %s', async (_name, contents, expected) => {
    expect(await describesOf(contents)).toMatch(expected);
  });

  it('can be forced, under both of its names', async () => {
    for (const csvType of ['file', 'file_path'])
      expect(await describesOf({ 'a.csv': 'input\nsome text\n' }, { csvType })).toMatch(
        /file paths \(as asked\)/,
      );
  });

  it('makes a cell that is no URL an outcome', async () => {
    const { all } = await listCsv('inputid,input\n1,https://a.b/c\n2,not a url\n3,http://\n4,https://x y\n', {
      csvType: 'url',
    });
    expect(all.map(short).map((line) => line.replace(/^.* /, ''))).toEqual([
      '1|https://a.b/c',
      'INPUT_INVALID_URL',
      'INPUT_INVALID_URL',
      'INPUT_INVALID_URL',
    ]);
  });
});

describe('a path in a cell', () => {
  it('is looked up beside the CSV, not beside the process', async () => {
    const path = await files({
      'a.csv': 'input,concepts\nsub/x.jpg,cat\n./sub/../y.txt,\n',
      'sub/x.jpg': 'JPEG',
      'y.txt': 'abc',
    });
    const { items } = await listSource(csv, path);
    const file = join(dirname(path), 'sub/x.jpg');
    expect(items[0]).toEqual({
      id: deriveId('sub/x.jpg', 'sub/x.jpg'),
      uri: 'a.csv#L2',
      file,
      size: 4,
      fileName: 'x.jpg',
      fingerprint: statFingerprint(await stat(file, { bigint: true })),
      concepts: [{ id: 'cat', name: 'cat', value: 1 }],
    });
    expect(items[1]).toMatchObject({ fileName: 'y.txt', size: 3 });
  });

  it('that leads nowhere is an outcome with its place and cell', async () => {
    const { all } = await listSource(
      csv,
      await files({ 'a.csv': 'inputid,input\n1,no.jpg\n2,b.jpg\n', 'b.jpg': 'x' }),
    );
    expect(all[0]).toMatchObject({
      inputId: '1',
      code: 'INPUT_NOT_FOUND',
      outcome: 'failed',
      retryable: true,
      message: 'a.csv:2:3: no such file (cell "no.jpg")',
      record: { line: 2, cell: 'no.jpg' },
    });
    expect(all[1]).toMatchObject({ id: '2' });
  });

  it('must stay in the folder of the CSV, also behind links, unless allowed', async () => {
    const path = await files({ 'in/a.csv': '', 'in/ok.jpg': 'x', 'out.jpg': 'y' });
    const folder = dirname(path);
    await symlink('../out.jpg', join(folder, 'link.jpg'));
    await symlink('..', join(folder, 'up'));
    const cells = [
      '../out.jpg',
      'link.jpg',
      'up/out.jpg',
      '..\\out.jpg',
      join(folder, '../out.jpg'),
      '/etc/passwd',
      'ok.jpg',
      join(folder, 'ok.jpg'),
    ];
    await writeFile(path, `input\n${cells.join('\n')}\n`);
    const { all } = await listSource(csv, path, { csvType: 'file' });
    expect(all.map((listed) => ('outcome' in listed ? listed.code : 'item'))).toEqual([
      ...Array(6).fill('PATH_OUTSIDE_BASE'),
      'item',
      'item',
    ]);
    const allowed = await listSource(csv, path, { csvType: 'file', allowOutside: true });
    expect(allowed.outcomes).toEqual([]);
  });

  it('may have backslashes, composed or decomposed characters, and percent signs for others', async () => {
    const path = await files({
      'a.csv': 'input\nsub\\x.jpg\nsub/caf\u00e9.jpg\nsub/caf%C3%A9.jpg\n%2e%2e/out.jpg\n',
      'sub/x.jpg': 'x',
      'sub/cafe\u0301.jpg': 'y',
    });
    const { items, outcomes } = await listSource(csv, path);
    expect(items.map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(outcomes.map(({ code }) => code)).toEqual(['PATH_OUTSIDE_BASE']);
  });

  it('to a folder or nothing readable is an outcome, and the order of rows is kept', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `${i}.txt`);
    const path = await files({
      'a.csv': `input\n${names.join('\n')}\nsub\n${'x'.repeat(300)}.txt\n`,
      'sub/y': 'y',
      ...Object.fromEntries(names.filter((_, i) => i % 3 !== 0).map((name) => [name, name])),
    });
    const { all } = await listSource(csv, path);
    expect(all.map((listed) => ('outcome' in listed ? listed.code : listed.fileName))).toEqual([
      ...names.map((name, i) => (i % 3 === 0 ? 'INPUT_NOT_FOUND' : name)),
      'NOT_A_REGULAR_FILE',
      'INPUT_NOT_FOUND',
    ]);
  });
});

it('URLs are opened by the loader, private addresses only when allowed', async () => {
  const server = createServer((_request, response) => response.end('from the web'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  const path = await files({
    'a.csv': `input\nhttp://127.0.0.1:${(server.address() as AddressInfo).port}/x.txt\n`,
  });
  const { signal } = new AbortController();
  const allowed = await listSource(csv, path, { allowPrivateAddresses: true });
  const fetched = (await allowed.items[0]!.fetch!(signal)) as Exclude<Fetched, 'unchanged'>;
  expect(await text(fetched.stream)).toBe('from the web');
  const refused = await listSource(csv, path);
  await expect(refused.items[0]!.fetch!(signal)).rejects.toMatchObject({ code: 'INPUT_INVALID_URL' });
});

describe('the end of a listing', () => {
  const content = `input\n${rows(50_000, (n) => `text number ${n}`)}`;

  it('proves that all bytes were read', async () => {
    const { proof, items } = await listCsv(content);
    expect(items).toHaveLength(50_000);
    expect(proof).toEqual({
      complete: true,
      evidence: `all ${content.length} bytes of a.csv were read: 50000 rows`,
    });
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['grew', (path) => appendFile(path, 'more\n')],
    ['was cut', (path) => truncate(path, 1000)],
    ['was written anew with the same size', (path) => utimes(path, new Date(1), new Date(1))],
  ])('is incomplete when the file %s since it was opened', async (_name, change) => {
    const path = await files({ 'a.csv': content });
    const loader = await csv.open(path, csv.options.parse({}));
    const before = await loader.fingerprint();
    await change(path);
    expect(await loader.fingerprint()).not.toBe(before);
    const listing = loader.list(testContext());
    let last = await listing.next();
    while (!last.done) last = await listing.next();
    expect(last.value).toMatchObject({ complete: false, reason: expect.stringMatching(/a\.csv/) });
  });

  it.each([
    ['cut', (path: string, at: number) => truncate(path, at)],
    ['appended to', (path: string, at: number) => appendFile(path, content.slice(0, at))],
  ])('does not take half a record for a row when the file was %s', async (_how, change) => {
    const path = await files({ 'a.csv': content });
    const loader = await csv.open(path, csv.options.parse({}));
    await change(path, content.indexOf('number 30000') + 8);
    const listing = loader.list(testContext());
    let last: Listed | undefined;
    let next = await listing.next();
    for (; !next.done; next = await listing.next()) last = next.value;
    expect(last).toMatchObject({ text: 'text number 29999' });
    expect(next.value).toMatchObject({
      complete: false,
      reason: expect.stringContaining(`${content.length} bytes`),
    });
  });

  it('comes at once when the run is aborted, with its reason', async () => {
    const controller = new AbortController();
    const loader = await csv.open(await files({ 'a.csv': content }), csv.options.parse({}));
    const listing = loader.list(testContext({ signal: controller.signal }));
    await listing.next();
    controller.abort(new Error('enough'));
    await expect(
      (async () => {
        for await (const _ of listing);
      })(),
    ).rejects.toThrow('enough');
  });

  it('tells how far it is', async () => {
    const loader = await csv.open(await files({ 'a.csv': content }), csv.options.parse({}));
    expect(loader.progress!()).toEqual({ done: 0, total: content.length });
    for await (const _ of loader.list(testContext()));
    expect(loader.progress!()).toEqual({ done: content.length, total: content.length });
  });
});

it('a source that is not there, or no file, is refused', async () => {
  const folder = await tempFolder();
  await expect(csv.open(join(folder, 'no.csv'), csv.options.parse({}))).rejects.toMatchObject({
    code: 'SOURCE_NOT_FOUND',
  });
  await expect(csv.open(folder, csv.options.parse({}))).rejects.toMatchObject({
    code: 'SOURCE_UNRECOGNISED',
  });
});

it('what fast-csv writes is listed as it was', async () => {
  const cell = fc.string({
    unit: fc.constantFrom('a', 'é', '😀', ',', '"', '\n', ' '),
    minLength: 1,
    maxLength: 10,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(cell, { maxLength: 20 }), async (cells) => {
      const stream = format({ headers: ['inputid', 'input'], alwaysWriteHeaders: true });
      for (const [i, value] of cells.entries()) stream.write([`id${i}`, value]);
      stream.end();
      const { all } = await listCsv((await stream.toArray()).join(''), { csvType: 'raw' });
      expect(all.map((listed) => ('outcome' in listed ? '' : listed.text))).toEqual(
        cells.map((value) => (value.trim() === '' ? '' : value)),
      );
    }),
    { numRuns: 60 },
  );
});

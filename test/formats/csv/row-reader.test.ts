import fc from 'fast-check';
import { format, parseString } from 'fast-csv';
import { describe, expect, it } from 'vitest';
import { RecordCutter } from '../../../src/formats/csv/cutter.ts';
import { cuttable, detectEncoding } from '../../../src/formats/csv/encoding.ts';
import { type CsvRow, RowReader } from '../../../src/formats/csv/row-reader.ts';
import { chunked } from './cutting.ts';

interface ReadOptions {
  columns?: { min: number; max: number };
  chunks?: readonly number[];
  delimiter?: string;
  encoding?: string;
}

function reader(
  bytes: Buffer,
  { delimiter = ',', chunks = [], encoding: forced, columns }: ReadOptions,
): RowReader {
  const encoding = detectEncoding(bytes, 'a.csv', forced);
  const maxRecordBytes = 1_000_000;
  const cutter = new RecordCutter(cuttable(chunked(bytes, chunks), encoding), { delimiter, maxRecordBytes });
  cutter.columns = columns;
  return new RowReader(cutter, { encoding, delimiter, maxRecordBytes });
}

async function read(source: string | Buffer, options: ReadOptions = {}): Promise<CsvRow[]> {
  const rows: CsvRow[] = [];
  const rowReader = reader(Buffer.from(source), options);
  for (let block = await rowReader.read(); block !== undefined; block = await rowReader.read())
    rows.push(...block);
  return rows;
}

const cellsOf = (rows: CsvRow[]): (readonly string[])[] => rows.map(({ cells }) => cells);

function fastCsv(text: string, delimiter = ','): Promise<string[][]> {
  return new Promise((resolve, reject) => {
    const rows: string[][] = [];
    parseString<string[], string[]>(text, { headers: false, delimiter })
      .on('data', (row: string[]) => rows.push(row))
      .on('error', reject)
      .on('end', () => resolve(rows));
  });
}

async function written(rows: string[][], options: Parameters<typeof format>[0]): Promise<string> {
  const stream = format({ headers: false, ...options });
  for (const row of rows) stream.write(row);
  stream.end();
  return (await stream.toArray()).map(String).join('');
}

const cell = fc.string({
  unit: fc.constantFrom('a', 'é', '😀', ',', ';', '\t', '"', '\n', '\r\n', ' ', "'"),
  maxLength: 8,
});
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((width) =>
    fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }),
  );
/** Rows that are no blank lines when they are written. */
const isRow = (row: readonly string[]): boolean => row.some((text) => text.trim() !== '');

describe('rows that fast-csv writes', () => {
  it('are read back as they were, whatever the delimiter, line end, quoting and chunks', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom(',', ';', '\t'),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
        async (rows, delimiter, rowDelimiter, quoteColumns, chunks) => {
          const text = await written(rows, { delimiter, rowDelimiter, quoteColumns });
          const width = rows[0]!.length;
          const back = await read(text, { delimiter, chunks, columns: { min: width, max: width } });
          expect(back.filter(({ fault }) => fault !== undefined)).toEqual([]);
          expect(cellsOf(back).filter(isRow)).toEqual(rows.filter(isRow));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('records without a fault', () => {
  it('have the cells that fast-csv reads in them', async () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'b ', ',', ',', '"', '""', '\n', '\r\n', '",', ',"', '"\n'),
      maxLength: 60,
    });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(text, async (csv) => {
        const rows = await read(csv);
        if (rows.some(({ fault }) => fault !== undefined)) return;
        compared++;
        expect(cellsOf(rows).filter(isRow)).toEqual((await fastCsv(csv)).filter(isRow));
      }),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  it('that RFC 4180 does not describe are read as fast-csv reads them, bad ones among them by themselves', async () => {
    const rows = await read('a, "b c" ,d\n5" pipe,x,y\n\u00a0"q"r,s,t\nlast, "one", z\n');
    expect(cellsOf(rows)).toEqual([['a', 'b c', 'd'], ['5" pipe', 'x', 'y'], [], ['last', 'one', ' z']]);
    expect(rows[2]?.fault).toMatchObject({ line: 3, message: expect.stringMatching(/expected: ','/) });
  });
});

describe('a row with a fault', () => {
  const faults = async (source: string | Buffer, options: ReadOptions = {}): Promise<unknown[]> =>
    (await read(source, { columns: { min: 2, max: 2 }, ...options })).flatMap(({ fault }) => fault ?? []);

  it('says how many cells it has', async () => {
    expect(await faults('a,b\nc\nd,e,f\ng,h,,\n')).toEqual([
      { line: 2, column: 1, message: 'the row has 1 cells, the header says 2', measured: 1, limit: 2 },
      { line: 3, column: 5, message: 'the row has 3 cells, the header says 2', measured: 3, limit: 2 },
    ]);
  });

  it('says where its quote is, in characters', async () => {
    expect(await faults('😀é,"b" c\nd,e\n')).toEqual([expect.objectContaining({ line: 1, column: 6 })]);
    expect(await faults('a,"b\nc,d\n')).toEqual([
      expect.objectContaining({ line: 1, column: 3, message: expect.stringMatching(/never closed/) }),
    ]);
  });

  it('says which lines were taken with it', async () => {
    expect(await faults('a,"x "y" z\nmore",b\nc,d\n')).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/lines 1–2 are taken for this record/) }),
    ]);
  });

  it('holds a NUL', async () => {
    expect(await faults('a,b\nc,d\0e\nf,g\n')).toEqual([
      { line: 2, column: 4, message: 'the record holds a NUL character' },
    ]);
  });

  it('is not valid in the encoding of the file', async () => {
    const late = Buffer.concat([
      Buffer.from('a,é\n'.repeat(70_000)),
      Buffer.from('b,caf\xe9\nc,d\n', 'latin1'),
    ]);
    // The detection sees the head; here the whole file is its head, so it is forced.
    expect(await faults(late, { encoding: 'utf-8' })).toEqual([
      expect.objectContaining({
        line: 70_001,
        message: expect.stringMatching(/not valid UTF-8.*--encoding/),
      }),
    ]);
    const mixed = Buffer.concat([Buffer.from('a,caf\xe9\n', 'latin1'), Buffer.from('b,café\nc,d\n')]);
    expect(await faults(mixed)).toEqual([
      expect.objectContaining({
        line: 2,
        message: expect.stringMatching(/is UTF-8 in a file assumed to be windows-1252/),
      }),
    ]);
  });
});

it('places count lines and doubled quotes inside a cell', async () => {
  const rowReader = reader(Buffer.from('a,"é\n""q"" x",z\n'), {});
  await rowReader.read();
  expect(rowReader.placeOf(0, 1)).toEqual({ line: 1, column: 3 });
  // The text of the cell is é\n"q" x; its sixth character is the x.
  expect(rowReader.placeOf(0, 1, 6)).toEqual({ line: 2, column: 7 });
  expect(rowReader.placeOf(0, 2)).toEqual({ line: 2, column: 10 });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CutOptions, cut } from './cutting.ts';

const lines = (records: { line: number; fault?: string }[]): string[] =>
  records.map(({ line, fault }) => (fault === undefined ? `${line}` : `${line}:${fault}`));

describe('well-formed records', () => {
  it.each([
    ['LF', 'a,b\nc,d\n'],
    ['CRLF', 'a,b\r\nc,d\r\n'],
    ['CR', 'a,b\rc,d\r'],
    ['no line end at the end', 'a,b\nc,d'],
    ['mixed line ends', 'a,b\rc,d\r\n'],
  ])('are cut at %s', async (_name, text) => {
    const records = await cut(text);
    expect(records.map(({ cells }) => cells)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(lines(records)).toEqual(['1', '2']);
  });

  it('keep line breaks, delimiters and doubled quotes inside quotes, and count the lines', async () => {
    const records = await cut('a,"x\r\ny, ""z""\n"\nb,c\r"q\rr",s\nt,u');
    expect(records.map(({ cells }) => cells)).toEqual([
      ['a', 'x\r\ny, ""z""\n'],
      ['b', 'c'],
      ['q\rr', 's'],
      ['t', 'u'],
    ]);
    expect(records.map(({ line, lastLine }) => [line, lastLine])).toEqual([
      [1, 3],
      [4, 4],
      [5, 6],
      [7, 7],
    ]);
  });

  it('are not made of lines that hold nothing but blanks and delimiters', async () => {
    expect(lines(await cut('\n\na,b\n  \n,,,\n \r\nc,d\n\n'))).toEqual(['3', '7']);
  });

  it('are irregular where a quote is neither the first nor the last of its cell', async () => {
    const records = await cut('a,b"c\n1, "x"\n2,"x" \n3,"x"\n4,x y');
    expect(records.map(({ irregular }) => irregular)).toEqual([true, true, true, false, false]);
    expect(records.map(({ cells }) => cells[1])).toEqual(['b"c', 'x', 'x', 'x', 'x y']);
  });
});

describe('a broken record', () => {
  const columns = { min: 2, max: 2 };

  it('with a quote that is never closed costs its own line only', async () => {
    expect(lines(await cut('a,"b\nc,d\ne,f\n', { columns }))).toEqual(['1:unclosedQuote', '2', '3']);
  });

  it('in the last line costs that line only', async () => {
    expect(lines(await cut('a,b\nc,"d', { columns }))).toEqual(['1', '2:unclosedQuote']);
  });

  it('on line 3 of 10 000 leaves lines 4 to 10 000 as they are, quoted or not', async () => {
    for (const cell of ['text', '"text"', '"text, and ""more"""', '", starts with a comma"']) {
      const rows = Array.from({ length: 10_000 }, (_, i) => `row${i + 1},${i === 2 ? '"broken' : cell}`);
      const records = await cut(rows.join('\n'), { columns, chunks: [1000, 20_000] });
      expect(records).toHaveLength(10_000);
      expect(records.filter(({ fault }) => fault !== undefined).map(({ line }) => line)).toEqual([3]);
    }
  });

  it('whose closing quote is followed by text costs its own line only', async () => {
    const records = await cut('a,b\nc,"d" e\nf,g\n', { columns });
    expect(lines(records)).toEqual(['1', '2:closingQuote', '3']);
    expect(records[1]).toMatchObject({ faultAt: 4 });
  });

  it('keeps the other lines of its cell, which must not pass for rows', async () => {
    const text = 'a,"he said "hello" to me\nand left, quickly\nthen came back",x\nb,c\n';
    const records = await cut(text, { columns });
    expect(lines(records)).toEqual(['1:closingQuote', '4']);
    expect(records[0]).toMatchObject({ line: 1, lastLine: 3 });
  });

  it('that is never closed keeps lines that do not look like rows, up to the next quoted row', async () => {
    const prose = 'One, two, three.\nNo comma here\nFour, five, six, seven.\n';
    const records = await cut(`a,"b\n${prose}c,"d"\ne,f\n`, { columns });
    expect(lines(records)).toEqual(['1:closingQuote', '5', '6']);
  });

  it('is noticed where the opening quote of a later row happens to close it', async () => {
    const text = 'a,"b,x\nc,d,x\ne,", and so",x\nf,g,x\n';
    expect(lines(await cut(text, { columns: { min: 3, max: 3 } }))).toEqual([
      '1:swallowedRow',
      '2',
      '3',
      '4',
    ]);
  });

  it('is not seen in a legitimate cell of several lines that has blanks outside its quotes', async () => {
    const records = await cut('a, "one\n\ntwo\nthree" \nb,c\n', { columns });
    expect(lines(records)).toEqual(['1', '5']);
  });

  it('of one column keeps to the same rules', async () => {
    const one = { columns: { min: 1, max: 1 } };
    expect(lines(await cut('"one\n\ntwo\nthree" \nx\n', one))).toEqual(['1', '5']);
    expect(lines(await cut('a\n"b\nc\nd\n"e"\n', one))).toEqual(['1', '2:closingQuote', '3', '4', '5']);
  });
});

describe('a record over the cap', () => {
  const options = { columns: { min: 2, max: 2 }, maxRecordBytes: 100 };

  it('is one fault, and the next line is read', async () => {
    const records = await cut(`a,b\nc,${'x'.repeat(500)}\nd,e\n`, { ...options, chunks: [50, 50, 50, 50] });
    expect(lines(records)).toEqual(['1', '2:overCap', '3']);
  });

  it('that is a quoted cell of many lines is dropped as a whole, and lines are still counted', async () => {
    const cell = 'prose, with, commas and ""quotes""\n'.repeat(30);
    const records = await cut(`a,b\nc,"${cell}"\nd,e\n`, { ...options, chunks: [64, 64, 64] });
    expect(lines(records)).toEqual(['1', '2:overCap', '33']);
  });

  it('does not hold more than a few times the cap in memory', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('a,b\nc,"');
      for (let i = 0; i < 2000; i++) yield Buffer.alloc(10_000, 'x');
      yield Buffer.from('"\nd,e\n');
    }
    const { RecordCutter } = await import('../../../src/formats/csv/cutter.ts');
    const cutter = new RecordCutter(endless(), { delimiter: ',', maxRecordBytes: 50_000 });
    cutter.columns = options.columns;
    let records = 0;
    while (await cutter.read()) {
      records += cutter.table.count;
      expect(cutter.bytes.length).toBeLessThan(400_000);
    }
    expect(records).toBe(3);
  });
});

describe('any text', () => {
  const nasty = fc.string({
    unit: fc.constantFrom(
      'a',
      'b',
      ',',
      ',',
      '"',
      '"',
      '\n',
      '\n',
      '\r',
      ' ',
      '""',
      '",',
      ',"',
      '"\n',
      '\na,b',
    ),
    maxLength: 120,
  });
  const columns = fc.constantFrom<Pick<CutOptions, 'columns'>>(
    {},
    { columns: { min: 1, max: 1 } },
    { columns: { min: 2, max: 2 } },
    { columns: { min: 2, max: 3 } },
  );

  it('is cut into the same records however it is chunked', async () => {
    const chunks = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 200 });
    const caps = fc.constantFrom(8, 16, 40, 1000);
    await fc.assert(
      fc.asyncProperty(nasty, chunks, columns, caps, async (text, sizes, range, maxRecordBytes) => {
        const whole = await cut(text, { ...range, maxRecordBytes });
        expect(await cut(text, { ...range, maxRecordBytes, chunks: sizes })).toEqual(whole);
      }),
      { numRuns: 3000 },
    );
  });

  it('loses no line: what is in no record is blank or dropped with one', async () => {
    await fc.assert(
      fc.asyncProperty(nasty, columns, async (text, range) => {
        const physical = text.split(/\r\n|\n|\r/);
        const records = await cut(text, range);
        const taken = new Set<number>();
        let last = 0;
        for (const record of records) {
          expect(record.line).toBeGreaterThan(last);
          last = record.lastLine;
          for (let line = record.line; line <= record.lastLine; line++) taken.add(line);
        }
        physical.forEach((line, i) => {
          if (/[^ ,]/.test(line)) expect(taken).toContain(i + 1);
        });
      }),
      { numRuns: 2000 },
    );
  });
});

// Quadratic handling of any of these would take hours.
it.each([
  ['opens a quote', 'a,"b\n'],
  ['opens a quote in the middle of a cell', 'a","b\n'],
  ['is nothing but quotes', '"""\n'],
  ['holds doubled quotes after an open one', '"a,""\n'],
  ['has blanks after its closing quote', '"a" x,"\n'],
])('a file in which every line %s is cut in linear time', async (_name, line) => {
  const text = line.repeat(200_000);
  const records = await cut(text, { columns: { min: 2, max: 2 }, chunks: Array(20).fill(65_536) });
  expect(records.length).toBeGreaterThan(0);
});

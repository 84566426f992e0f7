import { parseString } from 'fast-csv';
import { asError } from '../../model/errors.ts';

/**
 * The cells of records that RFC 4180 does not describe (blanks around quotes, a quote inside an unquoted cell), as
 * fast-csv reads them; an Error where it refuses one.
 *
 * Regular records never come here: cut at the delimiters that the scanner found anyway they take a tenth of the
 * time (bench/csv-loader.ts), and a property test holds the two readings equal.
 */
export async function readIrregular(
  records: readonly string[],
  delimiter: string,
): Promise<(string[] | Error)[]> {
  const together = await parse(records.join('\n'), delimiter);
  if (!(together instanceof Error) && together.length === records.length) return together;
  return Promise.all(records.map(async (record) => one(await parse(record, delimiter))));
}

function one(rows: string[][] | Error): string[] | Error {
  if (rows instanceof Error) return rows;
  return rows.length === 1
    ? rows[0]!
    : new Error(`fast-csv reads ${rows.length} rows where one was expected`);
}

function parse(text: string, delimiter: string): Promise<string[][] | Error> {
  return new Promise((resolve) => {
    const rows: string[][] = [];
    parseString<string[], string[]>(text, { headers: false, delimiter })
      .on('data', (row: string[]) => rows.push(row))
      .on('error', (error) => resolve(asError(error)))
      .on('end', () => resolve(rows));
  });
}

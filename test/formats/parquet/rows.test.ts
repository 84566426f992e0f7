import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptParquetError } from '../../../src/formats/parquet/corrupt.ts';
import { openParquet, type ParquetFile } from '../../../src/formats/parquet/file.ts';
import { readRows } from '../../../src/formats/parquet/rows.ts';
import { BinaryValue } from '../../../src/formats/parquet/values.ts';
import { FatalError } from '../../../src/model/errors.ts';
import {
  binary,
  boolean,
  double,
  int,
  list,
  long,
  map,
  media,
  parquetBytes,
  struct,
  text,
} from '../../support/parquet.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const { signal } = new AbortController();

async function open(bytes: Buffer): Promise<ParquetFile> {
  const path = join(await tempFolder(), 'a.parquet');
  await writeFile(path, bytes);
  return openParquet(path, 'a.parquet');
}

/** All rows, as objects; bytes as Buffers. */
async function readAll(file: ParquetFile): Promise<Record<string, unknown>[]> {
  const names = file.schema.children.map(({ element }) => element.name);
  const rows: Record<string, unknown>[] = [];
  try {
    for await (const block of readRows(file, file.schema.children, signal)) {
      expect(block.start).toBe(rows.length);
      for (let i = 0; i < block.count; i++)
        rows.push(Object.fromEntries(names.map((name, c) => [name, plain(block.columns[c]![i])])));
    }
  } finally {
    await file.source.release();
  }
  return rows;
}

function plain(value: unknown): unknown {
  if (value instanceof BinaryValue) return Buffer.from(value.bytes).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
  return value === undefined ? null : value;
}

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null, freq: 4 });
const row = fc.record({
  text: orNull(fc.string({ unit: 'binary', maxLength: 40 })),
  long: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  double: orNull(fc.double({ noNaN: true })),
  boolean: orNull(fc.boolean()),
  bytes: orNull(fc.uint8Array({ maxLength: 40 })),
  list: orNull(fc.array(orNull(fc.string({ maxLength: 5 })), { maxLength: 5 })),
  nested: orNull(
    fc.record({ a: orNull(fc.integer({ min: 0, max: 9 })), b: orNull(fc.string({ maxLength: 3 })) }),
  ),
});

describe('the rows of a Parquet file', () => {
  it('are those that were written, whatever the sizes of pages and row groups', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 60 }),
        fc.constantFrom(16, 200, 100_000),
        fc.integer({ min: 1, max: 70 }),
        async (rows, pageSize, rowGroupSize) => {
          const column = (name: keyof (typeof rows)[number]) => rows.map((cells) => cells[name]);
          const bytes = parquetBytes(
            {
              text: [text, column('text')],
              long: [long, column('long')],
              double: [double, column('double')],
              boolean: [boolean, column('boolean')],
              bytes: [binary, column('bytes')],
              list: [list(text), column('list')],
              nested: [struct({ a: int, b: text }), column('nested')],
            },
            { pageSize, rowGroupSize },
          );
          const read = await readAll(await open(bytes));
          expect(read).toEqual(
            rows.map((cells) => ({
              ...cells,
              long:
                cells.long === null || !Number.isSafeInteger(Number(cells.long))
                  ? (cells.long?.toString() ?? null)
                  : Number(cells.long),
              bytes: cells.bytes === null ? null : Buffer.from(cells.bytes).toString('hex'),
            })),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads maps as objects', async () => {
    const file = await open(parquetBytes({ m: [map(int), [{ a: 1, b: 2 }, null, {}]] }));
    expect(await readAll(file)).toEqual([{ m: { a: 1, b: 2 } }, { m: null }, { m: {} }]);
  });

  it('are read in pieces: no row group is ever in memory as a whole', async () => {
    const cells = Array.from({ length: 200 }, () => randomBytes(100_000));
    const file = await open(parquetBytes({ a: [binary, cells] }, { pageSize: 300_000, rowGroupSize: 200 }));
    expect(file.rowGroups.length).toBe(1);
    let read = 0;
    let largest = 0;
    const { source } = file;
    const counting = {
      ...file,
      source: {
        name: source.name,
        size: source.size,
        fingerprint: source.fingerprint,
        acquire: () => source.acquire(),
        release: () => source.release(),
        stream: (start: number, end: number) => source.stream(start, end),
        changed: () => source.changed(),
        read: (offset: number, length: number) => {
          read += length;
          largest = Math.max(largest, length);
          return source.read(offset, length);
        },
      },
    };
    for await (const block of readRows(counting, file.schema.children, signal)) {
      expect(block.count).toBeGreaterThan(0);
      if (block.start === 0) expect(read).toBeLessThan(3_000_000);
    }
    expect(largest).toBeLessThan(2_000_000);
    await source.release();
  });

  it('give their bytes again when it is their turn, also after the listing has ended', async () => {
    const cells = Array.from({ length: 50 }, (_, i) => ({ bytes: randomBytes(2000 + i), path: `${i}.jpg` }));
    cells[7] = null as never;
    const file = await open(parquetBytes({ image: [media, cells] }, { pageSize: 10_000 }));
    const rereads: [Buffer, () => Promise<Uint8Array>][] = [];
    for await (const { count, columns } of readRows(file, file.schema.children, signal))
      for (let i = 0; i < count; i++) {
        const image = columns[0]![i] as { bytes: BinaryValue } | undefined;
        if (image) rereads.push([Buffer.from(image.bytes.bytes), image.bytes.reread]);
      }
    await file.source.release();
    expect(rereads.length).toBe(49);
    await Promise.all(
      rereads.map(async ([bytes, reread]) => expect(Buffer.from(await reread()).equals(bytes)).toBe(true)),
    );
  });
});

describe('a broken Parquet file', () => {
  const good = parquetBytes(
    {
      text: [text, Array.from({ length: 300 }, (_, i) => `text ${i % 50}`)],
      list: [list(int), Array.from({ length: 300 }, (_, i) => [i, i + 1])],
      image: [
        media,
        Array.from({ length: 300 }, (_, i) => ({ bytes: Buffer.from([i & 255]), path: `${i}` })),
      ],
    },
    { pageSize: 500, rowGroupSize: 100 },
  );

  it.each<[string, Buffer, RegExp]>([
    ['is empty', Buffer.alloc(0), /is no Parquet file: it has 0 bytes/],
    ['is cut off', good.subarray(0, -20), /does not end with PAR1/],
    [
      'has a footer longer than the file',
      patched(good, -8, [255, 255, 255, 127]),
      /has a footer of 2147483647 bytes/,
    ],
    ['has a footer of zeros', patched(good, -60, Array(50).fill(0)), /footer/],
  ])('that %s is named so', async (_, bytes, message) => {
    const error = await open(bytes).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CorruptParquetError);
    expect((error as Error).message).toMatch(message);
  });

  it('with an encrypted footer is unsupported, not corrupt', async () => {
    const bytes = Buffer.concat([good.subarray(0, -4), Buffer.from('PARE')]);
    await expect(open(bytes)).rejects.toMatchObject({ code: 'SOURCE_FEATURE_UNSUPPORTED' });
  });

  it('is corrupt, unsupported or read whole, whichever byte is wrong; nothing else is thrown', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bytes = Buffer.from(good);
        bytes[at] = bytes[at]! ^ change;
        try {
          const file = await open(bytes);
          expect((await readAll(file)).length).toBe(file.rows);
        } catch (error) {
          const known = error instanceof CorruptParquetError || error instanceof FatalError;
          expect(known, String((error as Error).stack)).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});

function patched(bytes: Buffer, at: number, values: number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, bytes.length + at);
  return copy;
}

import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordFile } from '../../src/io/record-file.ts';

describe('a file of records', () => {
  it('gives every record back, by its offset and in order, whatever its length', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            n: fc.integer(),
            text: fc.string({ unit: 'grapheme' }),
            times: fc.constantFrom(1, 3000),
          }),
          {
            maxLength: 40,
          },
        ),
        async (made) => {
          const records = made.map(({ n, text, times }) => ({ n, text: `${text}\n`.repeat(times) }));
          const file = await RecordFile.create();
          try {
            const offsets: number[] = [];
            for (const record of records) offsets.push(await file.add(record));
            const all: unknown[] = [];
            for await (const each of file.all()) all.push(each);
            expect(all).toEqual(records.map((record, i) => ({ offset: offsets[i], record })));
            for (const i of offsets.keys()) expect(await file.at(offsets[i]!)).toEqual(records[i]);
          } finally {
            await file.close();
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('leaves nothing behind', async () => {
    const before = await ours();
    const file = await RecordFile.create();
    await file.add({ a: 1 });
    expect(await file.at(0)).toEqual({ a: 1 });
    await file.close();
    await file.close();
    expect(await ours()).toEqual(before);
  });
});

const ours = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('sluice-records-'));

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../../../src/stores/local/id-order.ts';
import { columnNames, connectTables, idIn, inDataset, makeTable } from '../../../src/stores/local/lance.ts';
import {
  encodeRows,
  type InputRow,
  inputSchema,
  type KnownRow,
  largeBytes,
  readKnownRows,
  readRows,
  smallColumns,
} from '../../../src/stores/local/rows.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { unread } from './support.ts';

const wellFormed = fc.string({ unit: 'grapheme', maxLength: 12 });
const hostile = fc.oneof(
  wellFormed,
  fc.constantFrom(
    "O'Reilly",
    "'; DROP TABLE inputs --",
    '%',
    '_',
    '\\',
    'a\nb',
    'nul\0',
    '日本',
    '😀',
    '~',
    '',
  ),
);
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

const row: fc.Arbitrary<InputRow> = fc.record({
  id: hostile,
  kind: fc.constantFrom('image', 'text', 'video', 'audio'),
  uri: hostile,
  sha256: hostile,
  bytes: count,
  fingerprint: maybe(hostile),
  media: fc.record({ format: hostile, width: fc.nat() }),
  text: maybe(wellFormed.map((text) => Buffer.from(text))),
  concepts: fc.array(fc.record({ id: hostile, name: hostile, value: fc.constantFrom(0, 1) }), {
    maxLength: 3,
  }),
  metadata: fc.dictionary(hostile, fc.oneof(hostile, fc.integer(), fc.constant(null)), { maxKeys: 3 }),
  geo: maybe(fc.record({ latitude: fc.double({ noNaN: true }), longitude: fc.double({ noNaN: true }) })),
  datasets: fc.uniqueArray(hostile, { maxLength: 3 }),
  split: maybe(hostile),
  source: maybe(hostile),
  runId: hostile,
  runCode: fc.constantFrom('INPUT_SUCCESS', 'INPUT_UPDATED'),
  createdAt: fc.integer({ min: 0, max: 8_640_000_000_000 }),
  updatedAt: fc.integer({ min: 0, max: 8_640_000_000_000 }),
  annotations: fc.oneof(
    fc.constant('[]'),
    fc.array(fc.record({ id: hostile }), { minLength: 1, maxLength: 3 }).map((all) => JSON.stringify(all)),
  ),
});

test('rows come back from LanceDB as they were, and are found by any id and dataset', async () => {
  const connection = await connectTables(await tempFolder());
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(row, { selector: ({ id }) => id, minLength: 1, maxLength: 12 }),
      async (rows) => {
        const table = await makeTable(connection, `t${round++}`, inputSchema);
        await table.add(encodeRows(rows).table);
        const read = async (where?: string) => {
          const query = table.query();
          if (where !== undefined) query.where(where);
          const found: InputRow[] = [];
          for await (const batch of query) found.push(...readRows(batch));
          return found;
        };
        expect(await read()).toEqual(rows);
        const known: KnownRow[] = [];
        const small = smallColumns(await columnNames(table));
        for await (const batch of table.query().select(small)) known.push(...readKnownRows(batch));
        expect(known).toEqual(rows.map(unread));
        expect(known.map(largeBytes)).toEqual(rows.map(largeBytes));
        expect(await read(idIn(rows.map(({ id }) => id)))).toHaveLength(rows.length);
        const { id, datasets } = rows[0]!;
        expect((await read(idIn([id]))).map((r) => r.id)).toEqual([id]);
        for (const dataset of datasets) {
          const members = rows.filter((r) => r.datasets.includes(dataset)).map((r) => r.id);
          expect((await read(inDataset(dataset))).map((r) => r.id)).toEqual(members);
        }
        table.close();
      },
    ),
    { numRuns: 40 },
  );
});

test('strings are ordered by their UTF-8, as Lance orders them', () => {
  const points = fc.string({
    unit: fc.constantFrom('a', 'é', '\u{ffee}', '\u{1f600}', '\u{10000}', '\u{d7ff}'),
  });
  fc.assert(
    fc.property(points, points, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

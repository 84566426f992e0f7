import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { expect, test } from 'vitest';
import type { IndexedModel } from '../../../src/model/workflow.ts';
import { openIndexWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { frame, model, vectorOf, whole } from './support.ts';

const ctx = testContext();
const A = 'aaaa';

const opened = (store: string, models: IndexedModel[] = [model(A)], runId = 'run-1') =>
  openIndexWriter(store, models, { runId, wait: false, reserveBytes: 0 }, ctx);

/** Rows as another program sees them, in the order of ids and parts. */
async function stored(store: string, table = `vectors_${A}`): Promise<Record<string, unknown>[]> {
  const connection = await connect(join(store, 'index', 'db'));
  const rows = await (await connection.openTable(table)).query().toArray();
  connection.close();
  return rows
    .map((row) => ({ ...row.toJSON(), ...(row.vector ? { vector: [...row.vector] } : {}) }))
    .sort((a, b) =>
      JSON.stringify([a.inputId, a.part, Number(a.timeMs)]).localeCompare(
        JSON.stringify([b.inputId, b.part, Number(b.timeMs)]),
      ),
    );
}

test('rows that were appended are there, bit for bit, and known to the next writer', async () => {
  const store = await tempFolder();
  const writer = await opened(store);
  expect(writer.has(A, 'a', 'c1')).toBe(false);
  const region = {
    inputId: 'b',
    content: 'c2.0123',
    part: 'region' as const,
    annotationId: 'box-1',
    box: { top: 0.1, left: 0.2, bottom: 0.3, right: 0.4 },
    vector: vectorOf(0.3),
  };
  const appended = writer.append(A, [
    whole('a', 'c1', 1 / 3),
    frame('a', 'c1', 0),
    frame('a', 'c1', 5_000_000_000),
    whole('b', 'c2.0123'),
    region,
  ]);
  await Promise.all([appended, writer.flush()]);
  expect(writer.has(A, 'a', 'c1')).toBe(true);
  expect(writer.has(A, 'a', 'c2')).toBe(false);
  expect(writer.hasContent(A, 'c1')).toBe(true);
  await writer.close();

  const rows = await stored(store);
  expect(rows.map(({ inputId, part, timeMs }) => [inputId, part, timeMs])).toEqual([
    ['a', 'frame', 0n],
    ['a', 'frame', 5_000_000_000n],
    ['a', 'whole', null],
    ['b', 'region', null],
    ['b', 'whole', null],
  ]);
  expect(rows[2]).toMatchObject({ content: 'c1', vector: [...vectorOf(1 / 3)], runId: 'run-1', top: null });
  expect(rows[3]).toMatchObject({ annotationId: 'box-1', top: 0.1, left: 0.2, bottom: 0.3, right: 0.4 });
  const again = await opened(store, [model(A), model('bbbb')]);
  expect([again.has(A, 'b', 'c2.0123'), again.has(A, 'b', 'c1'), again.has('bbbb', 'a', 'c1')]).toEqual([
    true,
    false,
    false,
  ]);
  await again.close();
});

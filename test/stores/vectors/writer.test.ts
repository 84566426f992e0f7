import { join } from 'node:path';
import { connect } from '@lancedb/lancedb';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/io/clock.ts';
import type { Clock } from '../../../src/model/contracts.ts';
import { openIndexWriter, openWriter } from '../../../src/stores/index.ts';
import { testContext } from '../../support/context.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { textItem, writerOptions } from '../local/support.ts';
import { appendNow, frame, idsOf, model, opened, storedRows, vectorOf, whole } from './support.ts';

const A = 'aaaa';
const B = 'bbbb';

test('rows that were appended are there, bit for bit, and known to the next writer', async () => {
  const store = await tempFolder();
  const writer = await opened(store);
  expect(writer.has(A, 'a', 'c1')).toBe(false);
  const region = {
    ...whole('b', 'c2.0123', 0.3),
    part: 'region' as const,
    annotationId: 'box-1',
    box: { top: 0.1, left: 0.2, bottom: 0.3, right: 0.4 },
  };
  await appendNow(writer, A, [
    ...[whole('a', 'c1', 1 / 3), frame('a', 'c1', 0), frame('a', 'c1', 5_000_000_000)],
    ...[whole('b', 'c2.0123'), region],
  ]);
  expect([writer.has(A, 'a', 'c1'), writer.has(A, 'a', 'c2'), writer.hasContent(A, 'c1')]).toEqual([
    true,
    false,
    true,
  ]);
  await writer.close();

  const rows = await storedRows(store);
  expect(rows.map(({ inputId, part, timeMs }) => [inputId, part, timeMs])).toEqual([
    ['a', 'frame', 0n],
    ['a', 'frame', 5_000_000_000n],
    ['a', 'whole', null],
    ['b', 'region', null],
    ['b', 'whole', null],
  ]);
  expect(rows[2]).toMatchObject({ content: 'c1', vector: [...vectorOf(1 / 3)], runId: 'run-1', top: null });
  expect(rows[3]).toMatchObject({ annotationId: 'box-1', top: 0.1, left: 0.2, bottom: 0.3, right: 0.4 });
  const again = await opened(store, [model(A), model(B)]);
  const known = [again.has(A, 'b', 'c2.0123'), again.has(A, 'b', 'c1'), again.has(B, 'a', 'c1')];
  expect(known).toEqual([true, false, false]);
  await again.close();
});

test('a second writer is refused by name, and inputs are ingested meanwhile', async () => {
  const store = await tempFolder();
  const writer = await opened(store, [model(A)], 'run-first');
  const refused = opened(store, [model(A)], 'run-second');
  await expect(refused).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringContaining('the index is being written by run run-first'),
  });
  const inputs = await openWriter(store, writerOptions(), testContext());
  await Promise.all([inputs.write([textItem('a', 'A')]), inputs.flush()]);
  await inputs.close();
  await writer.close();
  await (await opened(store, [model(A)], 'run-second')).close();
});

test('what is appended twice, at once or later, is there once', async () => {
  const store = await tempFolder();
  const writer = await opened(store);
  const rows = [whole('a', 'c1'), frame('a', 'c1', 0)];
  const both = [writer.append(A, rows), writer.append(A, [...rows, whole('b', 'c1')])];
  await Promise.all([...both, writer.flush()]);
  await appendNow(writer, A, rows);
  await writer.close();
  const again = await opened(store);
  await appendNow(again, A, rows);
  await again.close();
  expect(idsOf(await storedRows(store))).toEqual(['a', 'a', 'b']);
});

test('appends of a moment are one commit', async () => {
  const store = await tempFolder();
  const writer = await opened(store);
  const appends = Array.from({ length: 50 }, (_, n) => writer.append(A, [whole(`i${n}`, `c${n}`)]));
  await Promise.all([...appends, writer.flush()]);
  const connection = await connect(join(store, 'index', 'db'));
  const { fragmentStats } = await (await connection.openTable(`vectors_${A}`)).stats();
  connection.close();
  expect(fragmentStats.numFragments).toBeLessThanOrEqual(2);
  await writer.close();
});

test('many small commits are joined as they come, without a change to what they hold', async () => {
  const store = await tempFolder();
  const writer = await opened(store);
  const rows = Array.from({ length: 150 }, (_, n) => whole(`i${String(n).padStart(3, '0')}`, `c${n}`, n));
  for (const row of rows) await appendNow(writer, A, [row]);
  await writer.close();
  const connection = await connect(join(store, 'index', 'db'));
  const { fragmentStats } = await (await connection.openTable(`vectors_${A}`)).stats();
  connection.close();
  expect(fragmentStats.numFragments).toBeLessThan(64);
  const stored = await storedRows(store);
  expect(idsOf(stored)).toEqual(rows.map(({ inputId }) => inputId));
  expect(stored.map(({ vector }) => vector)).toEqual(rows.map(({ vector }) => [...vector]));
  expect(new Set(stored.map((row) => row['runId']))).toEqual(new Set(['run-1']));
});

test('an append that nobody flushes is committed when it is old enough', async () => {
  const store = await tempFolder();
  const clock: Clock = {
    now: () => systemClock.now(),
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal),
  };
  const writer = await opened(store, [model(A)], 'run-1', testContext({ clock }));
  await writer.append(A, [whole('a', 'c')]);
  expect(idsOf(await storedRows(store))).toEqual(['a']);
  await writer.close();
});

test('vectors are copied to inputs with equal content, with frames, and to no others', async () => {
  const store = await tempFolder();
  const video = model(A, { kind: 'video' });
  const writer = await opened(store, [video]);
  const donors = Array.from({ length: 20 }, (_, n) => [
    whole(`d${n}`, `c${n}`, n + 1),
    frame(`d${n}`, `c${n}`, n, n),
  ]);
  await appendNow(writer, A, donors.flat());
  const wanted = Array.from({ length: 20 }, (_, n) => ({ inputId: `e${n}`, content: `c${n}` }));
  const copied = await writer.copy(A, [
    ...wanted,
    ...[
      { inputId: 'f', content: 'c0' },
      { inputId: 'g', content: 'unknown' },
      { inputId: 'd1', content: 'c1' },
    ],
  ]);
  expect([...copied.keys()].sort()).toEqual([...wanted.map(({ inputId }) => inputId), 'f'].sort());
  expect(copied.get('e7')).toBe(2);
  expect(writer.has(A, 'e7', 'c7')).toBe(true);
  // Of two donors, one gives.
  expect([...(await writer.copy(A, [{ inputId: 'h', content: 'c0' }]))]).toEqual([['h', 2]]);
  await writer.close();
  const rows = await storedRows(store);
  expect(rows).toHaveLength(44 * 2 - 4);
  expect(rows.filter(({ inputId }) => inputId === 'e7')).toMatchObject([
    { content: 'c7', part: 'frame', timeMs: 7n, vector: [...vectorOf(7)] },
    { content: 'c7', part: 'whole', timeMs: null, vector: [...vectorOf(8)] },
  ]);
});

test('what is stale goes: of inputs that are gone, and of content that they no longer have', async () => {
  const store = await tempFolder();
  const writer = await opened(store, [model(A), model(B)]);
  // Each one's old content is the other one's new content.
  await appendNow(writer, A, [
    whole('a', 'x'),
    whole('a', 'y'),
    whole('b', 'y'),
    whole('b', 'x'),
    frame('b', 'x', 0),
  ]);
  await appendNow(writer, A, [whole("it's: gone", 'x'), frame("it's: gone", 'x', 1)]);
  await appendNow(writer, B, [whole('a', 'x')]);
  await Promise.all([
    writer.fail(A, [{ inputId: 'gone', content: 'x', code: 'EMBED_FAILED', message: 'why' }]),
    writer.flush(),
  ]);
  const current = new Map([
    ['a', 'y'],
    ['b', 'x'],
  ]);
  const isCurrent = (id: string, content: string) => current.get(id) === content;
  expect(await writer.removeStale(isCurrent)).toBe(5);
  expect([writer.has(A, 'a', 'x'), writer.has(A, 'a', 'y'), writer.hasContent(A, 'y')]).toEqual([
    false,
    true,
    true,
  ]);
  expect(await writer.removeStale(isCurrent)).toBe(0);
  // What was removed can come back.
  await appendNow(writer, A, [whole('a', 'x')]);
  expect(writer.has(A, 'a', 'x')).toBe(true);
  await writer.close();
  const rows = await storedRows(store);
  expect(rows.map(({ inputId, content, part }) => `${inputId} ${content} ${part}`)).toEqual([
    ...['a x whole', 'a y whole', 'b x frame', 'b x whole'],
  ]);
  expect(await storedRows(store, 'failures')).toEqual([]);
});

describe('failures', () => {
  const failure = (inputId: string, message: string) => ({
    ...{ inputId, content: 'c1', code: 'EMBED_FAILED' as const, message },
  });

  test('the last one of an input stays, until the input is embedded', async () => {
    const store = await tempFolder();
    const writer = await opened(store, [model(A), model(B)]);
    const fails = [
      writer.fail(A, [failure('a', 'one')]),
      writer.fail(A, [failure('a', 'two'), failure('b', 'x')]),
    ];
    await Promise.all([...fails, writer.fail(B, [failure('a', 'other')]), writer.flush()]);
    await writer.close();
    const again = await opened(store, [model(A), model(B)], 'run-2');
    await Promise.all([again.fail(A, [failure('a', 'three')]), again.flush()]);
    const messages = async () =>
      (await storedRows(store, 'failures')).map(
        (row) => `${row['fingerprint']} ${row.inputId} ${row['message']}`,
      );
    expect((await messages()).sort()).toEqual(['aaaa a three', 'aaaa b x', 'bbbb a other']);
    await appendNow(again, A, [whole('a', 'c1')]);
    expect((await messages()).sort()).toEqual(['aaaa b x', 'bbbb a other']);
    await again.close();
  });
});

describe('vectors of another length', () => {
  test('are refused before anything is written', async () => {
    const store = await tempFolder();
    const writer = await opened(store);
    const wrong = { ...whole('a', 'c1'), vector: new Float32Array(5) };
    await expect(writer.append(A, [wrong])).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      measured: 5,
      limit: 4,
    });
    await writer.close();
    expect(await storedRows(store)).toEqual([]);
  });

  test('are refused when the index is opened, which is free again after', async () => {
    const store = await tempFolder();
    await (await opened(store)).close();
    const refused = opened(store, [model(A, { dimensions: 8 })]);
    await expect(refused).rejects.toMatchObject({ code: 'MODEL_INVALID', measured: 8, limit: 4 });
    await (await opened(store)).close();
  });
});

test('too little room for the reserve is STORE_FULL, and lets go of the index', async () => {
  const store = await tempFolder();
  const full = { runId: 'run-1', wait: false, reserveBytes: Number.MAX_SAFE_INTEGER };
  const refused = openIndexWriter(store, [model(A)], full, testContext());
  await expect(refused).rejects.toMatchObject({ code: 'STORE_FULL' });
  await (await opened(store)).close();
});

test('an abort lets go of what waits, and says why', async () => {
  const store = await tempFolder();
  const abort = new AbortController();
  const writer = await opened(store, [model(A)], 'run-1', testContext({ signal: abort.signal }));
  const append = writer.append(A, [whole('a', 'c1')]);
  const reason = new Error('stopped');
  abort.abort(reason);
  await expect(append).rejects.toBe(reason);
  await expect(writer.append(A, [whole('b', 'c1')])).rejects.toBe(reason);
  await writer.close();
  expect(await storedRows(store)).toEqual([]);
});

test('a reader beside the writer sees whole commits only', async () => {
  const store = await tempFolder();
  const writer = await opened(store);
  let done = false;
  const writing = (async () => {
    for (let n = 0; n < 40; n++) {
      await appendNow(writer, A, [whole(`i${n}`, 'c'), frame(`i${n}`, 'c', 0), frame(`i${n}`, 'c', 1)]);
    }
    done = true;
  })();
  const counts: number[] = [];
  while (!done) counts.push((await storedRows(store)).length);
  await writing;
  await writer.close();
  expect(counts.filter((count) => count % 3 !== 0)).toEqual([]);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
});

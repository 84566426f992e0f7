import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBatched } from '../../../src/embed/onnx/batched.ts';
import type { Preparation } from '../../../src/embed/onnx/preparation.ts';
import type { OpenTower } from '../../../src/embed/tower.ts';
import { SluiceError } from '../../../src/model/errors.ts';
import { testContext } from '../../support/context.ts';
import { idItem, idPreparation } from '../../support/graphs.ts';
import { type Answer, fakeSessions } from '../../support/sessions.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const never = new AbortController().signal;
const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

async function open(
  answer: Answer,
  {
    preparation = idPreparation(),
    deviceBatch = 4,
    cores = 1,
  }: Partial<{ preparation: Preparation<number>; deviceBatch: number; cores: number }> = {},
): Promise<OpenTower> {
  const cacheDir = await tempFolder();
  const options = { devices: ['cpu'] as const, cores, deviceBatch, cacheDir };
  const tower = await openBatched(
    `${cacheDir}/x.onnx`,
    preparation,
    options,
    testContext(),
    fakeSessions(answer).open,
  );
  onTestFinished(() => tower.close());
  return tower;
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

describe('items of a batched model', () => {
  it('are each computed once, answered in order, and fail alone, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          requests: fc.array(fc.array(fc.nat(200), { maxLength: 40 }), { maxLength: 6 }),
          unreadable: fc.integer({ min: 2, max: 30 }),
          poison: fc.integer({ min: 2, max: 30 }),
          memory: fc.integer({ min: 1, max: 20 }),
          huge: fc.integer({ min: 5, max: 60 }),
          deviceBatch: fc.integer({ min: 1, max: 20 }),
          cores: fc.integer({ min: 1, max: 3 }),
          lengths: fc.boolean(),
          rows: fc.boolean(),
        }),
        async ({ requests, unreadable, poison, memory, huge, deviceBatch, cores, lengths, rows }) => {
          const rowsOf = (id: number) => (rows ? (id % 3) + 1 : 1);
          const answered = new Map<number, number>();
          const preparation = idPreparation({
            async prepare(item, role, signal) {
              const id = await idPreparation().prepare(item, role, signal);
              for (let i = 0; i < id % 3; i++) await soon();
              return id % unreadable === 1 ? idPreparation().prepare({ text: 'none' }, role, signal) : id;
            },
            collate: (ids) =>
              idPreparation().collate(ids.flatMap((id) => Array<number>(rowsOf(id)).fill(id))),
            rows: rowsOf,
            ...(lengths && { length: (id: number) => (id * 7) % 50 }),
          });
          const tower = await open(
            (ids) => {
              if (ids.some((id) => id % poison === 2)) throw new Error('bad item');
              const items = ids.length / (rows ? 2 : 1);
              if (items > memory || ids.some((id) => id % huge === 4)) throw new Error('out of memory');
              return ids;
            },
            { preparation: { ...preparation, sample: () => 6 * poison * huge }, deviceBatch, cores },
          );
          const answers = await Promise.all(
            requests.map((ids) => tower.embed(ids.map(idItem), 'document', never)),
          );
          for (const [r, ids] of requests.entries()) {
            expect(answers[r]).toHaveLength(ids.length);
            for (const [i, id] of ids.entries()) {
              const result = answers[r]![i]!;
              answered.set(id, (answered.get(id) ?? 0) + 1);
              if (id % unreadable === 1) expect(result).toMatchObject({ code: 'EMBED_UNREADABLE' });
              else if (id % poison === 2) expect(result).toMatchObject({ code: 'EMBED_FAILED' });
              else if (id % huge === 4 || rowsOf(id) / (rows ? 2 : 1) > memory)
                expect(result).toMatchObject({ code: 'EMBED_OUT_OF_MEMORY' });
              else expect(result).toEqual(Float32Array.of(id));
            }
          }
          await tower.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are computed while others are prepared', async () => {
    const steps: string[] = [];
    let prepared = 0;
    const preparation = idPreparation({
      async prepare(item, role, signal) {
        const id = await idPreparation().prepare(item, role, signal);
        await soon();
        prepared++;
        return id;
      },
    });
    const tower = await open(
      (ids) => {
        steps.push(`${ids.length} computed, ${prepared} prepared`);
        return ids;
      },
      { preparation },
    );
    steps.length = 0;
    await tower.embed(numbers(0, 128).map(idItem), 'document', never);
    const [first] = steps;
    expect(first).toMatch(/^4 computed/);
    expect(Number(first!.match(/(\d+) prepared/)![1])).toBeLessThan(128);
    expect(steps).toHaveLength(32);
  });

  it('of several requests share calls', async () => {
    const calls: number[] = [];
    const tower = await open(
      (ids) => {
        calls.push(ids.length);
        return ids;
      },
      { deviceBatch: 16 },
    );
    calls.length = 0;
    await Promise.all(numbers(0, 64).map((id) => tower.embed([idItem(id)], 'document', never)));
    expect(calls.length).toBeLessThan(16);
  });

  it('are prepared no faster than they are computed', async () => {
    let gate: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      gate = resolve;
    });
    let prepared = 0;
    const preparation = idPreparation({
      async prepare(item, role, signal) {
        prepared++;
        return idPreparation().prepare(item, role, signal);
      },
    });
    let opening = true;
    const tower = await open(
      async (ids) => {
        if (!opening) await closed;
        return ids;
      },
      { preparation },
    );
    opening = false;
    const requests = numbers(0, 20).map(() => tower.embed(numbers(0, 128).map(idItem), 'document', never));
    for (let i = 0; i < 200; i++) await soon();
    expect(prepared).toBeGreaterThanOrEqual(128);
    expect(prepared).toBeLessThan(256);
    gate();
    expect((await Promise.all(requests)).flat()).toHaveLength(20 * 128);
  });

  it('of similar length are computed together', async () => {
    const calls: number[][] = [];
    const preparation = idPreparation({ length: (id) => id });
    const tower = await open(
      (ids) => {
        calls.push(ids);
        return ids;
      },
      { preparation, deviceBatch: 8 },
    );
    calls.length = 0;
    const shuffled = numbers(0, 128).map((i) => (i * 37) % 128);
    await tower.embed(shuffled.map(idItem), 'document', never);
    const padding = calls.reduce(
      (sum, ids) => sum + Math.max(...ids) * ids.length - ids.reduce((a, b) => a + b),
      0,
    );
    const unsorted = numbers(0, 16).reduce((sum, call) => {
      const ids = shuffled.slice(call * 8, call * 8 + 8);
      return sum + Math.max(...ids) * ids.length - ids.reduce((a, b) => a + b);
    }, 0);
    expect(padding).toBeLessThan(unsorted / 4);
  });

  it('go on in smaller calls once the device had too little memory', async () => {
    const calls: number[] = [];
    const tower = await open(
      (ids) => {
        calls.push(ids.length);
        if (ids.length > 5) throw new Error('CUDA failure 2: out of memory');
        return ids;
      },
      { deviceBatch: 32 },
    );
    const results = await tower.embed(numbers(0, 128).map(idItem), 'document', never);
    expect(results).toEqual(numbers(0, 128).map((id) => Float32Array.of(id)));
    expect(tower.device.deviceBatch).toBe(4);
    calls.length = 0;
    await tower.embed(numbers(0, 64).map(idItem), 'document', never);
    expect(Math.max(...calls)).toBe(4);
  });

  it('fail alone when a library overflows on one of them', async () => {
    const preparation = idPreparation({
      async prepare(item, role, signal) {
        const id = await idPreparation().prepare(item, role, signal);
        if (id === 2) throw new RangeError('Maximum call stack size exceeded');
        return id;
      },
    });
    const tower = await open((ids) => ids, { preparation });
    const [one, two, three] = await tower.embed(numbers(1, 3).map(idItem), 'document', never);
    expect([one, three]).toEqual([Float32Array.of(1), Float32Array.of(3)]);
    expect(two).toMatchObject({ code: 'EMBED_UNREADABLE', message: expect.stringContaining('call stack') });
  });

  it('reject the request when the code that prepares them is wrong', async () => {
    const preparation = idPreparation({
      prepare() {
        throw new TypeError('a bug');
      },
    });
    const tower = await open((ids) => ids, { preparation });
    const failed = await tower.embed([idItem(1)], 'document', never).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TypeError);
    expect(failed).not.toBeInstanceOf(SluiceError);
  });
});

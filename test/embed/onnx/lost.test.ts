import type { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBatched } from '../../../src/embed/onnx/batched.ts';
import { openEngine } from '../../../src/embed/onnx/engine.ts';
import type { Context } from '../../../src/model/contracts.ts';
import { testContext } from '../../support/context.ts';
import { graphFile, idItem, idPreparation, tableGraph } from '../../support/graphs.ts';
import { type Answer, fakeSessions } from '../../support/sessions.ts';

const never = new AbortController().signal;
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The threads that are started from now on in this test. */
function startedWorkers(): Worker[] {
  const workers: Worker[] = [];
  const add = (worker: Worker) => workers.push(worker);
  process.on('worker', add);
  onTestFinished(() => void process.off('worker', add));
  return workers;
}

/** Ends a thread with an error of its code, between two of its calls: inside one it cannot be stopped. */
const crash = (worker: Worker) => worker.postMessage(null);

function listening(): { ctx: Context; warnings: string[] } {
  const warnings: string[] = [];
  const ctx = testContext();
  return {
    ctx: { ...ctx, logger: { ...ctx.logger, warn: (_, message) => warnings.push(message) } },
    warnings,
  };
}

async function openFake(answer: Answer, devices: readonly ('webgpu' | 'cpu')[]) {
  const { ctx, warnings } = listening();
  const { open, opened, closed } = fakeSessions(answer);
  const options = { devices, cores: 2, deviceBatch: 4, cacheDir: '/nowhere' };
  const tower = await openBatched('/nowhere/model.onnx', idPreparation(), options, ctx, open);
  return { tower, warnings, opened, closed };
}

/** Makes calls, before some of which their thread is ended. `fatal`: by their number, the one that tries the device is 0. */
function crashing(workers: readonly Worker[], fatal: (call: number) => boolean) {
  let call = 0;
  const { collate } = idPreparation();
  return idPreparation({
    collate(ids) {
      if (fatal(call++)) crash(workers.at(-1)!);
      return collate(ids);
    },
  });
}

describe('a thread that ends while it computes', () => {
  it('is started again, and nothing is lost', async () => {
    const workers = startedWorkers();
    const { path, cacheDir } = await graphFile(tableGraph());
    const { ctx, warnings } = listening();
    const options = { devices: ['cpu'] as const, cores: 1, deviceBatch: 2, cacheDir };
    const preparation = crashing(workers, (call) => call === 4);
    const tower = await openBatched(path, preparation, options, ctx);
    expect(workers).toHaveLength(1);
    const results = await tower.embed(numbers(20).map(idItem), 'document', never);
    expect(results).toEqual(numbers(20).map((id) => Float32Array.of(id, 2 * id, 1)));
    expect(workers).toHaveLength(2);
    expect(warnings).toEqual([expect.stringContaining('the device cpu stopped while it was in use')]);
    expect(tower.device).toMatchObject({
      got: 'cpu',
      tried: [{ device: 'cpu', error: expect.stringContaining('started again') }],
    });
    await tower.close();
  });

  it('and ends again leaves no device', async () => {
    const workers = startedWorkers();
    const { path, cacheDir } = await graphFile(tableGraph());
    const options = { devices: ['cpu'] as const, cores: 1, deviceBatch: 1, cacheDir };
    const tower = await openBatched(
      path,
      crashing(workers, (call) => call % 5 === 4),
      options,
      testContext(),
    );
    const whole = tower.embed(numbers(128).map(idItem), 'document', never);
    await expect(whole).rejects.toMatchObject({ code: 'ENGINE_LOST' });
    const next = tower.embed([idItem(1)], 'document', never);
    await expect(next).rejects.toMatchObject({ code: 'ENGINE_LOST' });
    await tower.close();
  });
});

describe('a device that is lost', () => {
  it('is tried once more, then the next one is taken; items are computed there', async () => {
    let calls = 0;
    const { tower, warnings, opened, closed } = await openFake(
      (ids, { device }) => {
        // The first call tries the device; the second time it works a while.
        if (device === 'webgpu' && ++calls % 3 === 0) throw new Error('the GPU device was lost');
        return ids;
      },
      ['webgpu', 'cpu'],
    );
    const results = await tower.embed(numbers(100).map(idItem), 'document', never);
    expect(results).toEqual(numbers(100).map((id) => Float32Array.of(id)));
    expect(opened.map(({ device }) => device)).toEqual(['webgpu', 'webgpu', 'cpu', 'cpu']);
    expect(closed.map(({ device }) => device)).toEqual(['webgpu', 'webgpu']);
    expect(warnings).toHaveLength(2);
    expect(tower.device).toMatchObject({ asked: ['webgpu', 'cpu'], got: 'cpu', sessions: 2 });
    expect(tower.device.tried.map(({ device }) => device)).toEqual(['webgpu', 'webgpu']);
    await tower.close();
  });

  it('fails everything that is asked for when none is left', async () => {
    let calls = 0;
    const { tower } = await openFake(
      (ids) => {
        if (++calls > 1) throw new Error('Device lost');
        return ids;
      },
      ['webgpu'],
    );
    const requests = numbers(5).map(() => tower.embed(numbers(10).map(idItem), 'document', never));
    for (const result of await Promise.allSettled(requests)) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'ENGINE_LOST', message: expect.stringContaining('Device lost') },
      });
    }
    await tower.close();
  });
});

describe('an engine', () => {
  it('makes a call again with the same numbers when its thread ended', async () => {
    const workers = startedWorkers();
    const { path, cacheDir } = await graphFile(tableGraph());
    const engine = await openEngine(path, { devices: ['cpu'], cores: 1, cacheDir }, testContext());
    const feeds = idPreparation().collate([1, 2]);
    crash(workers[0]!);
    const under = engine.run(feeds, never);
    expect((await under)['y']!.dims).toEqual([2, 3]);
    expect(await engine.run(feeds, never)).toEqual(await under);
    expect(workers).toHaveLength(2);
    expect(engine.inputs).toEqual([{ name: 'ids', type: 'int64', dims: ['N'] }]);
    expect(engine.outputs).toEqual([{ name: 'y', type: 'float32', dims: ['N', 3] }]);
    await engine.close();
  });
});

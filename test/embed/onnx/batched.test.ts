import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openBatched } from '../../../src/embed/onnx/batched.ts';
import type { Preparation } from '../../../src/embed/onnx/preparation.ts';
import type { OpenTower } from '../../../src/embed/tower.ts';
import type { Device } from '../../../src/model/embedding.ts';
import { RetryableError } from '../../../src/model/errors.ts';
import { testContext } from '../../support/context.ts';
import {
  graphFile,
  greedyGraph,
  idItem,
  idPreparation,
  slowGraph,
  tableGraph,
} from '../../support/graphs.ts';

// The provider is no part of the package that is installed; whoever adds it has it for a graphics card.
const hasCuda = existsSync(
  fileURLToPath(
    new URL(
      '../../../node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so',
      import.meta.url,
    ),
  ),
);
const never = new AbortController().signal;

async function open(
  bytes: Uint8Array,
  {
    preparation = idPreparation(),
    devices = ['cpu'],
    deviceBatch,
    cores = 2,
  }: { preparation?: Preparation<number>; devices?: Device[]; deviceBatch?: number; cores?: number } = {},
): Promise<OpenTower> {
  const { path, cacheDir } = await graphFile(bytes);
  const options = { devices, cores, cacheDir, ...(deviceBatch !== undefined && { deviceBatch }) };
  const tower = await openBatched(path, preparation, options, testContext());
  onTestFinished(() => tower.close());
  return tower;
}

const row = (id: number) => [id, 2 * id, 1];
const ids = (count: number) => Array.from({ length: count }, (_, i) => (i * 37) % 1000);

describe('a batched model', () => {
  it('answers a vector for each item, in order', async () => {
    const tower = await open(tableGraph());
    const results = await tower.embed(ids(128).map(idItem), 'document', never);
    expect(results.map((result) => [...(result as Float32Array)])).toEqual(ids(128).map(row));
    expect(tower.device).toMatchObject({ asked: ['cpu'], tried: [], got: 'cpu', sessions: 2, threads: 1 });
  });

  it('answers several requests at once, each its own, and one without items', async () => {
    const tower = await open(tableGraph(), { deviceBatch: 5 });
    const requests = Array.from({ length: 9 }, (_, i) => ids(128).slice(i * 7, i * 7 + i));
    const answers = await Promise.all(
      requests.map((items) => tower.embed(items.map(idItem), 'query', never)),
    );
    for (const [i, request] of requests.entries()) {
      expect(answers[i]!.map((result) => [...(result as Float32Array)])).toEqual(request.map(row));
    }
  });

  it('gives the same vectors alone as 128 at a time', async () => {
    const one = await open(tableGraph(), { deviceBatch: 1 });
    const many = await open(tableGraph(), { deviceBatch: 128, cores: 1 });
    const items = ids(128).map(idItem);
    expect(await one.embed(items, 'document', never)).toEqual(await many.embed(items, 'document', never));
  });

  it('takes the mean of an item of several rows', async () => {
    // An item `n` is the rows n, n + 1 and so on, as many as its last digit and one.
    const rows = (id: number) => Array.from({ length: (id % 10) + 1 }, (_, i) => id + i);
    const preparation = idPreparation({
      rows: (id) => rows(id).length,
      collate: (items) => {
        const all = items.flatMap(rows);
        return { ids: { type: 'int64', dims: [all.length], data: BigInt64Array.from(all, BigInt) } };
      },
    });
    const tower = await open(tableGraph(), { preparation, deviceBatch: 4 });
    const results = await tower.embed([10, 11, 19, 12].map(idItem), 'document', never);
    expect(results.map((result) => (result as Float32Array)[0])).toEqual([10, 11.5, 23.5, 13]);
  });

  it('says of an item that cannot be read why, and embeds the others', async () => {
    const tower = await open(tableGraph());
    const results = await tower.embed([idItem(1), { text: 'one' }, idItem(2)], 'document', never);
    expect(results[1]).toMatchObject({ code: 'EMBED_UNREADABLE' });
    expect([results[0], results[2]]).toEqual([Float32Array.from(row(1)), Float32Array.from(row(2))]);
  });

  it('finds the items that the engine fails on among others', async () => {
    const tower = await open(tableGraph(), { deviceBatch: 32, cores: 1 });
    const wanted = ids(100).map((id, i) => (i === 13 || i === 14 || i === 77 ? 5000 + i : id));
    const results = await tower.embed(wanted.map(idItem), 'document', never);
    for (const [i, result] of results.entries()) {
      if (wanted[i]! < 1000) expect([...(result as Float32Array)]).toEqual(row(wanted[i]!));
      else
        expect(result).toMatchObject({
          code: 'EMBED_FAILED',
          message: expect.stringContaining('out of data bounds'),
        });
    }
    expect(results[13]).toBeInstanceOf(RetryableError);
    expect(tower.device.deviceBatch).toBe(32);
  });

  it('says of an item that the device has no memory for even alone that this is so', async () => {
    const tower = await open(greedyGraph(), { deviceBatch: 8, cores: 1 });
    const wanted = [3, 2 ** 46, 5, 7, 11, 13, 17, 19];
    const results = await tower.embed(wanted.map(idItem), 'document', never);
    expect(results[1]).toMatchObject({ code: 'EMBED_OUT_OF_MEMORY' });
    expect(results.toSpliced(1, 1)).toEqual(wanted.toSpliced(1, 1).map((id) => Float32Array.of(id)));
    // The size of calls was not to blame.
    expect(tower.device.deviceBatch).toBe(8);
  });

  it('lets go at once when it is told to, and can be used on', async () => {
    const tower = await open(slowGraph(8), { deviceBatch: 1, cores: 1 });
    const stop = new AbortController();
    const under = tower.embed(ids(64).map(idItem), 'document', stop.signal);
    const other = tower.embed([idItem(4)], 'document', never);
    setTimeout(() => stop.abort(new Error('enough')), 5);
    await expect(under).rejects.toThrow('enough');
    expect(await other).toHaveLength(1);
    await expect(tower.embed([idItem(4)], 'document', stop.signal)).rejects.toThrow('enough');
  });

  it('gives up what is under way when it is closed', async () => {
    const tower = await open(slowGraph(8), { deviceBatch: 1, cores: 1 });
    const under = expect(tower.embed(ids(64).map(idItem), 'document', never)).rejects.toMatchObject({
      code: 'ENGINE_LOST',
    });
    await tower.close();
    await under;
    await expect(tower.embed([idItem(1)], 'document', never)).rejects.toMatchObject({ code: 'ENGINE_LOST' });
  });
});

describe('a model that cannot be opened', () => {
  it('is told apart by its file when that is damaged', async () => {
    for (const bytes of [tableGraph().subarray(0, 100), Buffer.alloc(0), Buffer.alloc(1000, 7)]) {
      const opened = open(bytes, { devices: ['cuda', 'cpu'] });
      await expect(opened).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('model.onnx'),
      });
    }
  });

  it('is invalid when its output is not what is wanted', async () => {
    for (const output of ['ids', 'z']) {
      const opened = open(tableGraph(), { preparation: idPreparation({ output }) });
      await expect(opened).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    }
  });

  it.skipIf(hasCuda)('names each device that was tried, and why', async () => {
    const opened = open(tableGraph(), { devices: ['cuda'] });
    await expect(opened).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringMatching(/cuda: .*(shared library|CUDA|GPU)/i),
    });
  });

  it.skipIf(hasCuda)('does not stand in the way of a device further down the list', async () => {
    const tower = await open(tableGraph(), { devices: ['cuda', 'cpu'] });
    expect(tower.device).toMatchObject({
      got: 'cpu',
      tried: [{ device: 'cuda', error: expect.stringMatching(/./) }],
    });
  });
});

describe('the number of items of a call', () => {
  it('is measured once, and remembered', async () => {
    const { path, cacheDir } = await graphFile(tableGraph());
    const collated: number[] = [];
    const { collate } = idPreparation();
    const preparation = idPreparation({
      collate(items) {
        collated.push(items.length);
        return collate(items);
      },
    });
    const start = async () => {
      collated.length = 0;
      const tower = await openBatched(
        path,
        preparation,
        { devices: ['cpu'], cores: 2, cacheDir },
        testContext(),
      );
      await tower.close();
      return tower.device.deviceBatch;
    };
    const first = await start();
    expect(Math.max(...collated)).toBeGreaterThan(1);
    expect([1, 2, 4, 8, 16, 32]).toContain(first);
    expect(await start()).toBe(first);
    expect(new Set(collated)).toEqual(new Set([1]));
  });

  it('is the one that is asked for, without measuring', async () => {
    const tower = await open(tableGraph(), { deviceBatch: 3 });
    expect(tower.device.deviceBatch).toBe(3);
  });

  it('is measured again where nothing can be kept', async () => {
    const { path, cacheDir } = await graphFile(tableGraph());
    await writeFile(`${cacheDir}/file`, '');
    const options = { devices: ['cpu'] as const, cores: 1, cacheDir: `${cacheDir}/file` };
    const tower = await openBatched(path, idPreparation(), options, testContext());
    expect(tower.device.deviceBatch).toBeGreaterThan(0);
    await tower.close();
  });
});

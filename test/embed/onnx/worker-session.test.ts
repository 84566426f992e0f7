import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SessionLostError } from '../../../src/embed/onnx/session.ts';
import { openWorkerSession } from '../../../src/embed/onnx/worker-session.ts';
import { graphFile, idPreparation, slowGraph, tableGraph } from '../../support/graphs.ts';

async function open(bytes: Uint8Array) {
  const { path } = await graphFile(bytes);
  return openWorkerSession({ graph: path, device: 'cpu', threads: 1 });
}
const { collate } = idPreparation();

const CLOSES = fileURLToPath(new URL('./closes-while-computing.ts', import.meta.url));
const ENDS = fileURLToPath(new URL('./ends-while-computing.ts', import.meta.url));

describe('a session on a thread of its own', () => {
  it('lets the main thread go on while it computes', async () => {
    const session = await open(slowGraph(20));
    const under = session.run(collate([1]));
    let over = false;
    void under.finally(() => {
      over = true;
    });
    let ticks = 0;
    for (; !over; ticks++) await new Promise((resolve) => setTimeout(resolve, 1));
    // On the main thread, there would be one.
    expect(ticks).toBeGreaterThan(5);
    await session.close();
  });

  it('takes the arrays over, and copies those that are a part of a larger one or shared', async () => {
    const session = await open(tableGraph());
    const own = BigInt64Array.of(1n, 2n);
    const part = BigInt64Array.of(0n, 3n, 4n, 0n).subarray(1, 3);
    const shared = new BigInt64Array(new SharedArrayBuffer(16));
    const firsts: number[][] = [];
    for (const data of [own, part, shared]) {
      const { y } = await session.run({ ids: { type: 'int64', dims: [2], data } });
      firsts.push([y!.data[0], y!.data[3]] as number[]);
    }
    expect(firsts).toEqual([
      [1, 2],
      [3, 4],
      [0, 0],
    ]);
    expect([own.length, part.length, shared.length]).toEqual([0, 2, 2]);
    await session.close();
  });

  it('answers what was asked before it was closed, and nothing after', async () => {
    const session = await open(slowGraph(2));
    const asked = [session.run(collate([1])), session.run(collate([2]))];
    const closing = session.close();
    await expect(session.run(collate([3]))).rejects.toBeInstanceOf(SessionLostError);
    await closing;
    expect(await Promise.all(asked)).toHaveLength(2);
    await session.close();
  });

  it('lets the process end while it computes, with the exit code that it was given', async () => {
    const { path } = await graphFile(slowGraph(20));
    const { status, stderr } = spawnSync(process.execPath, [ENDS, path], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
  });

  it('keeps the process until it is closed, also while it computes', async () => {
    const { path } = await graphFile(slowGraph(20));
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLOSES, path], { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'closed\n', stderr: '' });
  });

  it('leaves no thread behind, and no memory', async () => {
    let running = 0;
    const count = (worker: Worker) => {
      running++;
      worker.once('exit', () => running--);
    };
    process.on('worker', count);
    onTestFinished(() => void process.off('worker', count));
    // 4 MB of weights: 80 MB were none of them given back.
    const { path } = await graphFile(slowGraph(1));
    const cycle = async () => {
      const session = await openWorkerSession({ graph: path, device: 'cpu', threads: 1 });
      await session.run(collate([1]));
      await session.close();
    };
    for (let i = 0; i < 5; i++) await cycle();
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 20; i++) await cycle();
    expect(running).toBe(0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(60e6);
  });
});

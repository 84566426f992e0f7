import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ELEMENT } from '../../src/formats/onnx/types.ts';
import { writeModel } from '../../src/formats/onnx/write.ts';
import type { DeviceReport } from '../../src/model/embedding.ts';
import { graphFile } from '../support/graphs.ts';
import { randomFrom } from '../support/random.ts';

// Debian's chromium brings a Vulkan driver that computes on the CPU, and the loader for it.
const CHROMIUM = '/usr/lib/chromium';
const FILES = ['libvk_swiftshader.so', 'vk_swiftshader_icd.json', 'libvulkan.so.1'];
const missing = FILES.map((file) => `${CHROMIUM}/${file}`).filter((path) => !existsSync(path));
const SOFTWARE = { LD_LIBRARY_PATH: CHROMIUM, VK_ICD_FILENAMES: `${CHROMIUM}/vk_swiftshader_icd.json` };
const CHILD = fileURLToPath(new URL('./webgpu-child.ts', import.meta.url));

/** An embedding table, two layers with a ReLU between them. */
function perceptron(): Uint8Array {
  const { float, int64 } = ELEMENT;
  const random = randomFrom(1);
  const weights = (name: string, ...dims: number[]) => {
    const length = dims.reduce((product, dim) => product * dim, 1);
    return { name, type: float, dims, data: Float32Array.from({ length }, () => random() - 0.5) };
  };
  return writeModel({
    opset: 17,
    name: 'perceptron',
    nodes: [
      { op: 'Gather', inputs: ['table', 'ids'], outputs: ['rows'] },
      { op: 'MatMul', inputs: ['rows', 'w1'], outputs: ['sums'] },
      { op: 'Add', inputs: ['sums', 'b1'], outputs: ['shifted'] },
      { op: 'Relu', inputs: ['shifted'], outputs: ['hidden'] },
      { op: 'MatMul', inputs: ['hidden', 'w2'], outputs: ['y'] },
    ],
    tensors: [weights('table', 16, 32), weights('w1', 32, 64), weights('b1', 64), weights('w2', 64, 24)],
    inputs: [{ name: 'ids', type: int64, dims: ['N'] }],
    outputs: [{ name: 'y', type: float, dims: ['N', 24] }],
  });
}

async function embed(graph: { path: string; cacheDir: string }, devices: string[], env: NodeJS.ProcessEnv) {
  const argv = [CHILD, graph.path, graph.cacheDir, ...devices];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as { device: DeviceReport; vectors: number[][] };
}

describe('WebGPU', () => {
  it.skipIf(missing.length > 0)(
    `computes the vectors that the CPU computes${missing.length > 0 ? ` (skipped: there is no ${missing.join(', ')})` : ''}`,
    async () => {
      const graph = await graphFile(perceptron());
      const cpu = await embed(graph, ['cpu'], {});
      const gpu = await embed(graph, ['webgpu', 'cpu'], SOFTWARE);
      expect(gpu.device).toMatchObject({ asked: ['webgpu', 'cpu'], tried: [], got: 'webgpu', sessions: 1 });
      expect(gpu.vectors).toHaveLength(16);
      for (const [i, vector] of gpu.vectors.entries()) {
        const difference = Math.max(...vector.map((value, at) => Math.abs(value - cpu.vectors[i]![at]!)));
        expect(difference).toBeLessThan(1e-4);
      }
    },
  );

  it.skipIf(process.platform !== 'linux' || existsSync('/dev/dri') || existsSync('/dev/nvidia0'))(
    'is passed over where there is no graphics card, unless it is named first',
    async () => {
      const graph = await graphFile(perceptron());
      const { device } = await embed(graph, ['cuda', 'webgpu', 'cpu'], SOFTWARE);
      expect(device.got).toBe('cpu');
      expect(device.tried).toEqual([
        { device: 'cuda', error: expect.stringMatching(/./) },
        { device: 'webgpu', error: expect.stringContaining('no graphics card') },
      ]);
    },
  );
});

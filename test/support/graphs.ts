import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Preparation } from '../../src/embed/onnx/preparation.ts';
import { ELEMENT, type OnnxNode, type OnnxTensor } from '../../src/formats/onnx/types.ts';
import { writeModel } from '../../src/formats/onnx/write.ts';
import type { EmbedItem } from '../../src/model/embedding.ts';
import { RejectedItemError } from '../../src/model/errors.ts';
import { tempFolder } from './temp-folder.ts';

const { float, int64 } = ELEMENT;

/** Writes a graph into a fresh folder, which is its cache folder as well. */
export async function graphFile(bytes: Uint8Array): Promise<{ path: string; cacheDir: string }> {
  const cacheDir = await tempFolder();
  const path = join(cacheDir, 'model.onnx');
  await writeFile(path, bytes);
  return { path, cacheDir };
}

/** `ids` int64 [N] → `y` float32 [N, 3]: row `id` of a table of `rows`, which is id, 2 · id, 1. Throws for any other id. */
export const tableGraph = (rows = 1000): Uint8Array =>
  writeModel({
    opset: 17,
    name: 'table',
    nodes: [{ op: 'Gather', inputs: ['table', 'ids'], outputs: ['y'] }],
    tensors: [
      {
        name: 'table',
        type: float,
        dims: [rows, 3],
        data: Float32Array.from(
          { length: rows * 3 },
          (_, i) => [Math.floor(i / 3), 2 * Math.floor(i / 3), 1][i % 3]!,
        ),
      },
    ],
    inputs: [{ name: 'ids', type: int64, dims: ['N'] }],
    outputs: [{ name: 'y', type: float, dims: ['N', 3] }],
  });

/** As `tableGraph`, but takes as many floats of memory as the ids are together. */
export const greedyGraph = (): Uint8Array =>
  writeModel({
    opset: 17,
    name: 'greedy',
    nodes: [
      { op: 'ReduceSum', inputs: ['ids'], outputs: ['total'], attributes: { keepdims: { i: 1 } } },
      { op: 'ConstantOfShape', inputs: ['total'], outputs: ['zeros'] },
      { op: 'ReduceSum', inputs: ['zeros'], outputs: ['zero'], attributes: { keepdims: { i: 1 } } },
      { op: 'Cast', inputs: ['ids'], outputs: ['floats'], attributes: { to: { i: float } } },
      { op: 'Add', inputs: ['floats', 'zero'], outputs: ['sum'] },
      { op: 'Reshape', inputs: ['sum', 'column'], outputs: ['y'] },
    ],
    tensors: [{ name: 'column', type: int64, dims: [2], data: BigInt64Array.of(-1n, 1n) }],
    inputs: [{ name: 'ids', type: int64, dims: ['N'] }],
    outputs: [{ name: 'y', type: float, dims: ['N', 1] }],
  });

/** `ids` int64 [N] → `y` float32 [N, 1], after multiplying large matrices so many times. */
export function slowGraph(times: number): Uint8Array {
  const size = 1024;
  const nodes: OnnxNode[] = Array.from({ length: times }, (_, i) => ({
    op: 'MatMul',
    inputs: [i === 0 ? 'square' : `m${i}`, 'weights'],
    outputs: [`m${i + 1}`],
  }));
  const tensors: OnnxTensor[] = [
    { name: 'weights', type: float, dims: [size, size], data: new Float32Array(size * size).fill(1e-3) },
    { name: 'side', type: int64, dims: [2], data: BigInt64Array.of(BigInt(size), BigInt(size)) },
    { name: 'column', type: int64, dims: [2], data: BigInt64Array.of(-1n, 1n) },
  ];
  return writeModel({
    opset: 17,
    name: 'slow',
    nodes: [
      { op: 'Cast', inputs: ['ids'], outputs: ['floats'], attributes: { to: { i: float } } },
      // Of the input, so that nothing is computed when the graph is loaded.
      { op: 'ReduceMax', inputs: ['floats'], outputs: ['largest'], attributes: { keepdims: { i: 0 } } },
      { op: 'Expand', inputs: ['largest', 'side'], outputs: ['square'] },
      ...nodes,
      { op: 'ReduceMax', inputs: [`m${times}`], outputs: ['max'], attributes: { keepdims: { i: 0 } } },
      { op: 'Mul', inputs: ['floats', 'max'], outputs: ['product'] },
      { op: 'Reshape', inputs: ['product', 'column'], outputs: ['y'] },
    ],
    tensors,
    inputs: [{ name: 'ids', type: int64, dims: ['N'] }],
    outputs: [{ name: 'y', type: float, dims: ['N', 1] }],
  });
}

/** The item of an id. */
export const idItem = (id: number): EmbedItem => ({ text: String(id) });

/** Of a text the number that it is; a text that is none cannot be read. */
export function idPreparation(more: Partial<Preparation<number>> = {}): Preparation<number> {
  return {
    prepare(item) {
      const id = 'text' in item ? Number(item.text) : Number.NaN;
      if (Number.isNaN(id)) throw new RejectedItemError('EMBED_UNREADABLE', 'the text is no number');
      return id;
    },
    collate: (ids) => ({
      ids: { type: 'int64', dims: [ids.length], data: BigInt64Array.from(ids, BigInt) },
    }),
    output: 'y',
    sample: () => 1,
    ...more,
  };
}

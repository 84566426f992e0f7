import { describe, expect, it } from 'vitest';
import { readGraphModel } from '../../../src/formats/tfjs/graph-model.ts';

const weights = [
  { name: 'whole', shape: [2], dtype: 'float32' },
  { name: 'counts', shape: [], dtype: 'int32' },
  { name: 'half', shape: [2, 3], dtype: 'float32', quantization: { dtype: 'float16' } },
  { name: 'bytes', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
];
/** 1, -2, the greatest, the least normal one, the least of all, infinity; as IEEE 754 has them. */
const HALVES = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00];
const bytes = Buffer.concat([
  Buffer.from(new Float32Array([1.5, -3]).buffer),
  Buffer.from(new Int32Array([-7]).buffer),
  Buffer.from(new Uint16Array(HALVES).buffer),
  Buffer.from([0, 1, 255]),
]);

const model = (changes: object = {}) => ({
  modelTopology: {
    node: [
      {
        name: 'conv',
        op: 'Conv',
        input: ['a:0', 'whole'],
        attr: {
          padding: { s: 'U0FNRQ==' },
          format: { s: [78, 72, 87, 67] },
          keep: { b: true },
          T: { type: 'DT_FLOAT' },
          strides: { list: { i: ['1', '2'] } },
          fused: { list: { s: ['UmVsdQ=='] } },
        },
      },
    ],
  },
  weightsManifest: [{ paths: ['a.bin', 'b.bin'], weights }],
  ...changes,
});

/** The weights lie in two files, cut in the middle of a number. */
const files: Record<string, Buffer> = { 'a.bin': bytes.subarray(0, 5), 'b.bin': bytes.subarray(5) };
const read = (json: object | string, held = files) =>
  readGraphModel(
    Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)),
    async (file) => held[file]!,
    'x/model.json',
  );

describe('a graph model of TensorFlow.js', () => {
  it('has its weights as numbers, whole or quantised, from several files', async () => {
    const { weights } = await read(model());
    expect(weights.get('whole')).toEqual({ shape: [2], data: new Float32Array([1.5, -3]) });
    expect(weights.get('counts')).toEqual({ shape: [], data: new Int32Array([-7]) });
    expect(weights.get('half')).toEqual({
      shape: [2, 3],
      data: new Float32Array([1, -2, 65504, 2 ** -14, 2 ** -24, Number.POSITIVE_INFINITY]),
    });
    expect(weights.get('bytes')).toEqual({ shape: [3], data: new Float32Array([-1, -0.5, 126.5]) });
  });

  it('has its nodes by name, with attributes as they are meant', async () => {
    const { nodes } = await read(model());
    expect(nodes.get('conv')).toEqual({
      name: 'conv',
      op: 'Conv',
      input: ['a:0', 'whole'],
      attr: {
        padding: { s: 'SAME' },
        format: { s: 'NHWC' },
        keep: { b: true },
        T: {},
        strides: { list: { i: [1, 2] } },
        fused: { list: { s: ['Relu'] } },
      },
    });
  });

  it.each([
    ['JSON that is cut off', '{"modelTopology": {', /x\/model\.json is no graph model/],
    ['a layers model', model({ modelTopology: { model_config: {} } }), /x\/model\.json is no graph model/],
    [
      'a type of weights that is not known',
      model({ weightsManifest: [{ paths: [], weights: [{ name: 'w', shape: [1], dtype: 'string' }] }] }),
      /x\/model\.json is no graph model/,
    ],
  ])('of %s is refused', async (_, json, message) => {
    await expect(read(json)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('whose weights are cut off is refused with both numbers', async () => {
    const cut = { ...files, 'b.bin': bytes.subarray(5, 20) };
    await expect(read(model(), cut)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: `a.bin and b.bin of x/model.json has 20 bytes where its weights are ${bytes.length}`,
      measured: 20,
      limit: bytes.length,
    });
  });
});

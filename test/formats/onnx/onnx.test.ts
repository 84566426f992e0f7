import fc from 'fast-check';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { editModel } from '../../../src/formats/onnx/edit.ts';
import { externalFiles, readSignature } from '../../../src/formats/onnx/read.ts';
import { ELEMENT, type OnnxAttribute, type OnnxValue } from '../../../src/formats/onnx/types.ts';
import { integer, nested, text } from '../../../src/formats/onnx/wire.ts';
import { type OnnxModel, writeModel } from '../../../src/formats/onnx/write.ts';
import { FatalError } from '../../../src/model/errors.ts';
import { decodeOnnx, runOnnx } from '../../support/onnx.ts';

const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
const element = fc.constantFrom(...Object.values(ELEMENT));
const value: fc.Arbitrary<OnnxValue> = fc.record({
  name,
  type: element,
  dims: fc.array(fc.oneof(fc.nat(), name), { maxLength: 4 }),
});
const attribute: fc.Arbitrary<OnnxAttribute> = fc.oneof(
  fc.record({ i: fc.maxSafeInteger() }),
  fc.record({ f: fc.float({ noNaN: true }) }),
  fc.record({ s: name }),
  fc.record({ ints: fc.array(fc.integer(), { minLength: 1, maxLength: 5 }) }),
);
const model: fc.Arbitrary<OnnxModel> = fc.record({
  opset: fc.integer({ min: 1, max: 25 }),
  name,
  nodes: fc.array(
    fc.record({
      op: name,
      inputs: fc.array(name, { maxLength: 3 }),
      outputs: fc.array(name, { minLength: 1, maxLength: 3 }),
      attributes: fc.dictionary(name, attribute, { maxKeys: 3 }),
    }),
    { maxLength: 5 },
  ),
  tensors: fc.array(
    fc.float32Array({ maxLength: 8, noNaN: true }).chain((data) =>
      fc.record({
        name,
        type: fc.constant(ELEMENT.float),
        dims: fc.constant([data.length]),
        data: fc.constant(data),
      }),
    ),
    { maxLength: 3 },
  ),
  inputs: fc.array(value, { maxLength: 3 }),
  outputs: fc.array(value, { maxLength: 3 }),
});

/** y = x · w, for rows of two. */
const product: OnnxModel = {
  opset: 17,
  name: 'product',
  nodes: [{ op: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
  tensors: [{ name: 'w', type: ELEMENT.float, dims: [2], data: new Float32Array([3, 4]) }],
  inputs: [{ name: 'x', type: ELEMENT.float, dims: ['N', 2] }],
  outputs: [{ name: 'y', type: ELEMENT.float, dims: ['N', 2] }],
};

const fatal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FatalError);
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('an ONNX file that was written', () => {
  it('says what was given, to an independent reader', () => {
    fc.assert(
      fc.property(model, (given) => {
        const read = decodeOnnx(writeModel(given)) as {
          opset_import: { version: number }[];
          graph: {
            name: string;
            node: {
              input: string[];
              output: string[];
              op_type: string;
              attribute: Record<string, unknown>[];
            }[];
            initializer: { name: string; dims: number[]; data_type: number; raw_data: Buffer }[];
          };
        };
        expect(read.opset_import[0]?.version).toBe(given.opset);
        expect(read.graph.name).toBe(given.name);
        expect(read.graph.node).toMatchObject(
          given.nodes.map(({ op, inputs, outputs }) => ({ op_type: op, input: inputs, output: outputs })),
        );
        for (const [index, { attributes = {} }] of given.nodes.entries()) {
          const found = read.graph.node[index]?.attribute ?? [];
          for (const [key, wanted] of Object.entries(attributes)) {
            const attribute = found.find(({ name }) => name === key);
            const [kind, content] = Object.entries(wanted)[0] as [string, unknown];
            expect(attribute?.[kind]).toEqual(kind === 's' ? Buffer.from(content as string) : content);
          }
        }
        for (const [index, tensor] of given.tensors.entries()) {
          const found = read.graph.initializer[index];
          expect(found).toMatchObject({ name: tensor.name, dims: tensor.dims, data_type: ELEMENT.float });
          expect(new Uint8Array(found?.raw_data ?? [])).toEqual(
            new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength),
          );
        }
      }),
    );
  });

  it('has the signature that was given', () => {
    fc.assert(
      fc.property(model, (given) => {
        const weights = new Set(given.tensors.map((tensor) => tensor.name));
        expect(readSignature(writeModel(given))).toEqual({
          opset: given.opset,
          inputs: given.inputs.filter((input) => !weights.has(input.name)),
          outputs: given.outputs,
        });
      }),
    );
  });

  it('is the same each time, and runs', async () => {
    expect(writeModel(product)).toEqual(writeModel(product));
    const x = new Tensor('float32', [1, 2, 10, 20], [2, 2]);
    expect(await runOnnx(writeModel(product), { x })).toEqual({ y: { dims: [2, 2], data: [3, 8, 30, 80] } });
  });
});

describe('an edit of an ONNX file', () => {
  it('without changes computes the same', async () => {
    const x = new Tensor('float32', [1, 2], [1, 2]);
    expect(await runOnnx(editModel(writeModel(product), {}), { x })).toMatchObject({ y: { data: [3, 8] } });
  });

  it('puts nodes in front and behind, with weights and a signature of their own', async () => {
    const edited = editModel(writeModel(product), {
      before: [
        { op: 'Cast', inputs: ['bytes'], outputs: ['float'], attributes: { to: { i: ELEMENT.float } } },
        { op: 'Add', inputs: ['float', 'one'], outputs: ['x'] },
      ],
      after: [
        { op: 'ReduceSum', inputs: ['y', 'axes'], outputs: ['sum'], attributes: { keepdims: { i: 0 } } },
      ],
      tensors: [
        { name: 'one', type: ELEMENT.float, dims: [], data: new Float32Array([1]) },
        { name: 'axes', type: ELEMENT.int64, dims: [1], data: new BigInt64Array([-1n]) },
      ],
      inputs: [{ name: 'bytes', type: ELEMENT.uint8, dims: ['N', 2] }],
      outputs: [{ name: 'sum', type: ELEMENT.float, dims: ['N'] }],
    });
    expect(readSignature(edited)).toEqual({
      opset: 17,
      inputs: [{ name: 'bytes', type: ELEMENT.uint8, dims: ['N', 2] }],
      outputs: [{ name: 'sum', type: ELEMENT.float, dims: ['N'] }],
    });
    const bytes = new Tensor('uint8', [0, 1, 9, 19], [2, 2]);
    expect(await runOnnx(edited, { bytes })).toEqual({ sum: { dims: [2], data: [11, 110] } });
  });

  it('keeps what it does not know, byte by byte', () => {
    fc.assert(
      fc.property(model, fc.uint8Array({ maxLength: 40 }), (given, strange) => {
        const whole = Buffer.concat([writeModel(given), ...nested(14, [strange])]);
        const edited = Buffer.from(editModel(whole, {}));
        expect(edited.subarray(edited.length - strange.length)).toEqual(Buffer.from(strange));
        expect((decodeOnnx(edited)['graph'] as object | undefined) ?? {}).toEqual(
          decodeOnnx(whole)['graph'] ?? {},
        );
      }),
    );
  });

  it('makes weights constant in files of the first version, which list them among the inputs', async () => {
    const { inputs } = product;
    const old = writeModel({
      ...product,
      inputs: [...inputs, { name: 'w', type: ELEMENT.float, dims: [2] }],
    });
    old[1] = 3; // ir_version
    expect(readSignature(old).inputs).toEqual(inputs);
    const x = new Tensor('float32', [1, 2], [1, 2]);
    expect(await runOnnx(editModel(old, { inputs }), { x })).toMatchObject({ y: { data: [3, 8] } });
  });
});

describe('weights in files of their own', () => {
  it('are named once each', () => {
    const entry = (key: string, value: string) => nested(13, [text(1, key), text(2, value)]);
    const weight = (file: string) =>
      nested(5, [text(8, 'w'), ...entry('offset', '0'), ...entry('location', file), integer(14, 1)]);
    const graph = [...weight('a.onnx_data'), ...weight('b.onnx_data'), ...weight('a.onnx_data')];
    expect(externalFiles(Buffer.concat(nested(7, graph)))).toEqual(['a.onnx_data', 'b.onnx_data']);
    expect(externalFiles(writeModel(product))).toEqual([]);
  });
});

describe('a damaged ONNX file', () => {
  const whole = writeModel(product);

  it.each([
    ['is empty', Buffer.alloc(0), /it holds no graph/],
    ['is a page of HTML', Buffer.from('<!DOCTYPE html><html></html>'), /no ONNX file/],
    [
      'is a pointer to a large file',
      Buffer.from('version https://git-lfs.github.com/spec/v1\n'),
      /no ONNX file/,
    ],
    ['is cut off', whole.subarray(0, whole.length - 20), /its last \d+ bytes are missing/],
    ['is zeros', Buffer.alloc(100), /damaged/],
  ])('that %s is refused with its name', (_, bytes, message) => {
    const error = thrownBy(() => readSignature(bytes, 'clip/model.onnx'));
    expect(error).toEqual(fatal('MODEL_INVALID', message));
    expect(error).toEqual(fatal('MODEL_INVALID', /^clip\/model\.onnx /));
    expect(thrownBy(() => editModel(bytes, {}, 'clip/model.onnx'))).toEqual(fatal('MODEL_INVALID', message));
  });

  it('is refused or read wherever it is cut or changed, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const bytes = cut ? whole.subarray(0, at) : Buffer.from(whole);
        if (!cut) bytes[at] = byte;
        for (const read of [readSignature, externalFiles, (b: Uint8Array) => editModel(b, {})]) {
          try {
            read(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(FatalError);
          }
        }
      }),
    );
  });

  it('with inputs that are no tensors of numbers is not supported', () => {
    const strings = { name: 'words', type: 8 as typeof ELEMENT.float, dims: [] };
    expect(thrownBy(() => readSignature(writeModel({ ...product, inputs: [strings] })))).toEqual(
      fatal('MODEL_UNSUPPORTED', /words is a tensor of the type 8/),
    );
  });
});

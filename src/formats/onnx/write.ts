import {
  ATTRIBUTE,
  DIM,
  GRAPH,
  MODEL,
  NODE,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE,
} from './fields.ts';
import type { OnnxAttribute, OnnxNode, OnnxTensor, OnnxValue } from './types.ts';
import { float, integer, nested, type Parts, text } from './wire.ts';

/** Of operator set 17, the newest that the graphs made here need. */
const IR_VERSION = 8;

/** `AttributeProto.AttributeType`. */
const FLOAT = 1;
const INT = 2;
const STRING = 3;
const INTS = 7;

export interface OnnxModel {
  opset: number;
  name: string;
  nodes: OnnxNode[];
  tensors: OnnxTensor[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

/** The bytes of an ONNX file; the same for the same model. */
export function writeModel({ opset, name, nodes, tensors, inputs, outputs }: OnnxModel): Uint8Array {
  const graph = [
    ...nodes.flatMap(nodeField),
    text(GRAPH.name, name),
    ...tensors.flatMap(tensorField),
    ...inputs.flatMap((value) => valueField(GRAPH.input, value)),
    ...outputs.flatMap((value) => valueField(GRAPH.output, value)),
  ];
  return Buffer.concat([
    integer(MODEL.irVersion, IR_VERSION),
    text(MODEL.producer, 'sluice'),
    ...nested(MODEL.graph, graph),
    ...nested(MODEL.opset, [integer(OPSET.version, opset)]),
  ]);
}

/** A node as a field of a graph. */
export function nodeField({ op, inputs, outputs, attributes = {} }: OnnxNode): Parts {
  return nested(GRAPH.node, [
    ...inputs.map((input) => text(NODE.input, input)),
    ...outputs.map((output) => text(NODE.output, output)),
    text(NODE.name, outputs[0] ?? op),
    text(NODE.op, op),
    ...Object.entries(attributes).flatMap(([name, value]) =>
      nested(NODE.attribute, [text(ATTRIBUTE.name, name), ...attributeParts(value)]),
    ),
  ]);
}

function attributeParts(value: OnnxAttribute): Parts {
  if ('i' in value) return [integer(ATTRIBUTE.i, value.i), integer(ATTRIBUTE.type, INT)];
  if ('f' in value) return [float(ATTRIBUTE.f, value.f), integer(ATTRIBUTE.type, FLOAT)];
  if ('s' in value) return [text(ATTRIBUTE.s, value.s), integer(ATTRIBUTE.type, STRING)];
  return [...value.ints.map((item) => integer(ATTRIBUTE.ints, item)), integer(ATTRIBUTE.type, INTS)];
}

/** Constant data as a field of a graph. */
export function tensorField({ name, type, dims, data }: OnnxTensor): Parts {
  return nested(GRAPH.tensor, [
    ...dims.map((dim) => integer(TENSOR.dims, dim)),
    integer(TENSOR.type, type),
    text(TENSOR.name, name),
    // Raw data is little-endian, as are all machines that this runs on.
    ...nested(TENSOR.raw, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  ]);
}

/** An input or output as a field of a graph. */
export function valueField(field: typeof GRAPH.input | typeof GRAPH.output, value: OnnxValue): Parts {
  const dims = value.dims.flatMap((dim) =>
    nested(SHAPE.dim, [typeof dim === 'number' ? integer(DIM.value, dim) : text(DIM.name, dim)]),
  );
  const tensor = [integer(TENSOR_TYPE.element, value.type), ...nested(TENSOR_TYPE.shape, dims)];
  return nested(field, [text(VALUE.name, value.name), ...nested(VALUE.type, nested(TYPE.tensor, tensor))]);
}

/** `TensorProto.DataType` of onnx.proto3. */
export const ELEMENT = {
  float: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
} as const;
export type ElementType = (typeof ELEMENT)[keyof typeof ELEMENT];

/** An input or output of a graph; a dimension that is free has a name. */
export interface OnnxValue {
  name: string;
  type: ElementType;
  dims: (number | string)[];
}

/** Constant data of a graph, in row-major order. */
export interface OnnxTensor {
  name: string;
  type: ElementType;
  dims: number[];
  data: Float32Array | Uint8Array | Int32Array | BigInt64Array;
}

export type OnnxAttribute = { i: number } | { f: number } | { s: string } | { ints: number[] };

export interface OnnxNode {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes?: Record<string, OnnxAttribute>;
}

/** What a graph takes and gives. */
export interface OnnxSignature {
  /** Of the default operator set. */
  opset: number;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

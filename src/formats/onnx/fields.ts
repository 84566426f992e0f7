/** Field numbers of onnx.proto3, of what is read or written here. */
export const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8 } as const;
export const OPSET = { domain: 1, version: 2 } as const;
export const GRAPH = { node: 1, name: 2, tensor: 5, input: 11, output: 12 } as const;
export const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5 } as const;
export const ATTRIBUTE = { name: 1, f: 2, i: 3, s: 4, ints: 8, type: 20 } as const;
export const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, external: 13 } as const;
export const ENTRY = { key: 1, value: 2 } as const;
export const VALUE = { name: 1, type: 2 } as const;
export const TYPE = { tensor: 1 } as const;
export const TENSOR_TYPE = { element: 1, shape: 2 } as const;
export const SHAPE = { dim: 1 } as const;
export const DIM = { value: 1, name: 2 } as const;

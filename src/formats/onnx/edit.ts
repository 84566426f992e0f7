import { GRAPH, MODEL } from './fields.ts';
import { graphOf, reading } from './read.ts';
import type { OnnxNode, OnnxTensor, OnnxValue } from './types.ts';
import { fieldsOf, integer, nested, type Parts } from './wire.ts';
import { nodeField, tensorField, valueField } from './write.ts';

/** The first version in which weights need not be inputs, so that inputs can be replaced. */
const MIN_IR_VERSION = 4;

export interface OnnxEdits {
  /** Nodes in front of the graph's own. */
  before?: OnnxNode[];
  /** Nodes behind the graph's own. */
  after?: OnnxNode[];
  tensors?: OnnxTensor[];
  /** Replace those of the graph. */
  inputs?: OnnxValue[];
  outputs?: OnnxValue[];
}

/**
 * A model with another beginning or end. The graph's own nodes and weights are copied as they stand, so this costs one
 * copy of the file, however large. `name`: of the file, for messages.
 *
 * Throws FatalError MODEL_INVALID where the bytes are no whole ONNX file.
 */
export function editModel(bytes: Uint8Array, edits: OnnxEdits, name = 'the ONNX file'): Uint8Array {
  const model = reading(name, () => [...fieldsOf(bytes)]);
  const graph = reading(name, () => editedGraph(graphOf(model), edits));
  const version = model.find(({ number }) => number === MODEL.irVersion)?.value ?? 0;
  return Buffer.concat([
    integer(MODEL.irVersion, Math.max(version, MIN_IR_VERSION)),
    ...nested(MODEL.graph, graph),
    ...model
      .filter(({ number }) => number !== MODEL.irVersion && number !== MODEL.graph)
      .map(({ raw }) => raw),
  ]);
}

function editedGraph(
  graph: Uint8Array,
  { before = [], after = [], tensors = [], inputs, outputs }: OnnxEdits,
): Parts {
  const nodes: Parts = [];
  const others: Parts = [];
  for (const { number, raw } of fieldsOf(graph)) {
    const replaced = (number === GRAPH.input && inputs) || (number === GRAPH.output && outputs);
    if (!replaced) (number === GRAPH.node ? nodes : others).push(raw);
  }
  return [
    ...before.flatMap(nodeField),
    ...nodes,
    ...after.flatMap(nodeField),
    ...others,
    ...tensors.flatMap(tensorField),
    ...(inputs ?? []).flatMap((value) => valueField(GRAPH.input, value)),
    ...(outputs ?? []).flatMap((value) => valueField(GRAPH.output, value)),
  ];
}

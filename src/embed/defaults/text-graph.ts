import { GraphBuilder } from '../../formats/onnx/build.ts';
import { ELEMENT } from '../../formats/onnx/types.ts';
import { writeModel } from '../../formats/onnx/write.ts';
import type { TfGraph, TfWeight } from '../../formats/tfjs/graph-model.ts';
import { FatalError } from '../../model/errors.ts';

/** Raised when the same model makes another graph. */
export const TEXT_GRAPH_REVISION = 1;
export const TEXT_INPUT = 'input_ids';
export const TEXT_OUTPUT = 'embedding';
export const TEXT_DIMENSIONS = 512;
/** Where a text is shorter than the longest of its batch; 0 is a token. */
export const TEXT_PADDING = -1;

const WORD_DIMENSIONS = 256;
const HEADS = 4;
const LAYER_NORM_EPSILON = 1e-6;
/** Added to the attention that padding would get. */
const MASKED = -1e9;

/**
 * Universal Sentence Encoder Lite for rows of equal length: int64 [N, T] with -1 as padding becomes float32 [N, 512],
 * not normalised. The original takes sparse tensors, by operators that ONNX does not have; what it computes is a
 * transformer of two layers, written down here.
 *
 * Throws FatalError MODEL_INVALID where the model is another one.
 */
export function textGraph(model: TfGraph): Uint8Array {
  const graph = new GraphBuilder();
  const node = graph.node.bind(graph);
  const axis = (value: number) => ({ axis: { i: value } });

  const isToken = node('Greater', [TEXT_INPUT, graph.ints(TEXT_PADDING)]);
  const mask = node('Cast', [isToken], { to: { i: ELEMENT.float } });
  const ids = node('Max', [TEXT_INPUT, graph.ints(0)]);
  const words = node('Gather', [constant('module/Embeddings_en'), ids]);
  // As the original does it: the words themselves are added once more.
  const placed = node('Add', [words, node('Add', [words, positions()])]);
  const absent = node('Mul', [node('Sub', [graph.scalar(1), mask]), graph.scalar(MASKED)]);
  const bias = node('Unsqueeze', [absent, graph.ints([1, 2])]);
  const encoded = layer(1, layer(0, placed, WORD_DIMENSIONS, bias), TEXT_DIMENSIONS, bias);

  const masked = node('Mul', [encoded, node('Unsqueeze', [mask, graph.ints([2])])]);
  const sum = node('ReduceSum', [masked, graph.ints([1])], { keepdims: { i: 0 } });
  const count = node('ReduceSum', [mask, graph.ints([1])], { keepdims: { i: 1 } });
  const mean = node('Div', [sum, count]);
  const hidden = 'module/Encoder_en/hidden_layers/tanh_layer_0/';
  node('Tanh', [dense(mean, constant(`${hidden}weights`), constant(`${hidden}bias`))], {}, TEXT_OUTPUT);

  return writeModel({
    opset: 17,
    name: 'universal-sentence-encoder-lite',
    nodes: graph.nodes,
    tensors: graph.tensors,
    inputs: [{ name: TEXT_INPUT, type: ELEMENT.int64, dims: ['N', 'T'] }],
    outputs: [{ name: TEXT_OUTPUT, type: ELEMENT.float, dims: ['N', TEXT_DIMENSIONS] }],
  });

  /** Sines, then cosines, of each position at each time scale: [T, 256]. */
  function positions(): string {
    const length = node('Gather', [node('Shape', [TEXT_INPUT]), graph.ints(1)]);
    const places = node('Range', [graph.ints(0), length, graph.ints(1)]);
    const column = node('Unsqueeze', [node('Cast', [places], { to: { i: ELEMENT.float } }), graph.ints([1])]);
    const angles = node('Mul', [column, constant(/TimingSignal\/ExpandDims_1$/)]);
    return node('Concat', [node('Sin', [angles]), node('Cos', [angles])], axis(1));
  }

  /** A transformer's layer, normalised before attention and before the feed-forward part: [N, T, size] → [N, T, 512]. */
  function layer(index: number, input: string, size: number, bias: string): string {
    const own = (name: string) => new RegExp(`/Layer_${index}/TransformerLayer/${name}`);
    const normal = normalised(input, own('layer_prepostprocess/layer_norm/'));
    const kernel = constant(own('MultiheadAttention/qkv_transform_single/kernel'), [size, 3 * size]);
    const projected = dense(normal, kernel, constant(own('MultiheadAttention/qkv_transform_single/bias')));
    const [query, key, value] = graph.split(projected, [size, size, size], 2);
    const scaled = node('Mul', [
      heads(query!, size, [0, 2, 1, 3]),
      graph.scalar(1 / Math.sqrt(size / HEADS)),
    ]);
    const scores = node('MatMul', [scaled, heads(key!, size, [0, 2, 3, 1])]);
    const attention = node('Softmax', [node('Add', [scores, bias])], axis(-1));
    const context = node('MatMul', [attention, heads(value!, size, [0, 2, 1, 3])]);
    const joined = node('Transpose', [context], { perm: { ints: [0, 2, 1, 3] } });
    const attended = dense(
      node('Reshape', [joined, graph.ints([0, 0, size])]),
      constant(own('MultiheadAttention/output_transform_single/kernel'), [size, TEXT_DIMENSIONS]),
      constant(own('MultiheadAttention/output_transform_single/bias')),
    );
    const widened =
      size === TEXT_DIMENSIONS
        ? input
        : dense(input, constant(own('dense/kernel')), constant(own('dense/bias')));
    const middle = node('Add', [attended, widened]);
    const forward = normalised(middle, own('FFN/layer_prepostprocess/layer_norm/'));
    const wide = node('Relu', [
      dense(forward, constant(own('FFN/conv1/.*Reshape_1$')), constant(own('FFN/conv1/bias'))),
    ]);
    return node('Add', [
      dense(wide, constant(own('FFN/conv2/.*Reshape_1$')), constant(own('FFN/conv2/bias'))),
      middle,
    ]);
  }

  /** [N, T, size] as [N, heads, …] in the order that `perm` gives. */
  function heads(input: string, size: number, perm: number[]): string {
    const parts = node('Reshape', [input, graph.ints([0, 0, HEADS, size / HEADS])]);
    return node('Transpose', [parts], { perm: { ints: perm } });
  }

  function normalised(input: string, { source }: RegExp): string {
    const scale = constant(new RegExp(`${source}layer_norm_scale`));
    const bias = constant(new RegExp(`${source}layer_norm_bias`));
    return node('LayerNormalization', [input, scale, bias], {
      epsilon: { f: LAYER_NORM_EPSILON },
      ...axis(-1),
    });
  }

  function dense(input: string, kernel: string, bias: string): string {
    return node('Add', [node('MatMul', [input, kernel]), bias]);
  }

  /** The weights of that name, or the only ones whose name fits. */
  function constant(name: string | RegExp, dims?: number[]): string {
    const { shape, data } = find(name);
    const wanted = dims ?? shape;
    const count = wanted.reduce((product, size) => product * size, 1);
    if (count !== data.length) invalid(`the weights ${name} are [${shape}]`);
    return graph.floats(Float32Array.from(data), wanted);
  }

  function find(name: string | RegExp): TfWeight {
    const fits = (key: string) => (typeof name === 'string' ? key === name : name.test(key));
    const found = [...model.weights].filter(([key]) => fits(key));
    const [only] = found;
    if (only === undefined || found.length > 1) return invalid(`${found.length} weights are called ${name}`);
    return only[1];
  }
}

function invalid(why: string): never {
  throw new FatalError(
    'MODEL_INVALID',
    `the built-in text model is not the one that Sluice converts: ${why}`,
  );
}

import { GraphBuilder } from '../../formats/onnx/build.ts';
import { ELEMENT } from '../../formats/onnx/types.ts';
import { writeModel } from '../../formats/onnx/write.ts';
import type { TfGraph, TfNode, TfWeight } from '../../formats/tfjs/graph-model.ts';
import { FatalError } from '../../model/errors.ts';

/** Raised when the same model makes another graph. */
export const IMAGE_GRAPH_REVISION = 1;
export const IMAGE_INPUT = 'pixels';
export const IMAGE_OUTPUT = 'embedding';
export const IMAGE_DIMENSIONS = 720;

/** The last layer of the backbone, before the heads that find objects. */
const TAP = 'tower_0/MobilenetV3/expanded_conv_14/expand/BatchNorm/FusedBatchNorm';

/** `tf.nn.relu6`. */
const RELU6_MAX = 6;

/**
 * The backbone of MobileNetV3-CenterNet with the mean over the picture at its end: uint8 [N, H, W, 3] becomes float32
 * [N, 720], for any H and W. The model takes values of 0 to 255 as they are.
 *
 * Throws FatalError MODEL_INVALID where the model is another one.
 */
export function imageGraph(model: TfGraph): Uint8Array {
  const graph = new GraphBuilder();
  const made = new Map<string, string>();
  const tap = nameOf(TAP);
  const mean = graph.node('GlobalAveragePool', [tap]);
  graph.node('Flatten', [mean], { axis: { i: 1 } }, IMAGE_OUTPUT);
  return writeModel({
    opset: 17,
    name: 'mobilenetv3-coco',
    nodes: graph.nodes,
    tensors: graph.tensors,
    inputs: [{ name: IMAGE_INPUT, type: ELEMENT.uint8, dims: ['N', 'H', 'W', 3] }],
    outputs: [{ name: IMAGE_OUTPUT, type: ELEMENT.float, dims: ['N', IMAGE_DIMENSIONS] }],
  });

  /** Of what a node of the model gives, in our graph; its inputs come first. */
  function nameOf(reference: string): string {
    const name = reference.replace(/:0$/, '');
    const known = made.get(name);
    if (known !== undefined) return known;
    const node = model.nodes.get(name) ?? invalid(`it has no ${name}`);
    const output = converted(node);
    made.set(name, output);
    return output;
  }

  function converted(node: TfNode): string {
    const [first = '', second = '', third = ''] = node.input;
    switch (node.op) {
      case 'Placeholder':
        return graph.node('Transpose', [graph.node('Cast', [IMAGE_INPUT], { to: { i: ELEMENT.float } })], {
          perm: { ints: [0, 3, 1, 2] },
        });
      case 'Const':
        return scalar(node.name);
      case 'Add':
      case 'Mul':
        return graph.node(node.op, [nameOf(first), nameOf(second)]);
      case 'Relu6':
        return graph.node('Clip', [nameOf(first), graph.scalar(0), graph.scalar(RELU6_MAX)]);
      case 'Mean':
        return mean2d(node, nameOf(first), weight(second));
      case '_FusedConv2D':
      case 'FusedDepthwiseConv2dNative':
        return convolution(node, nameOf(first), weight(second), weight(third));
      default:
        return invalid(`${node.name} is a ${node.op}`);
    }
  }

  function scalar(name: string): string {
    const { shape, data } = weight(name);
    return shape.length === 0 ? graph.scalar(data[0]!) : invalid(`${name} is no single number`);
  }

  function mean2d(node: TfNode, input: string, axes: TfWeight): string {
    if (axes.data.join() !== '1,2' || node.attr['keep_dims']?.b !== true)
      invalid(`${node.name} is another mean`);
    return graph.node('GlobalAveragePool', [input]);
  }

  function convolution(node: TfNode, input: string, kernel: TfWeight, bias: TfWeight): string {
    const { padding, strides, fused_ops: fused } = node.attr;
    const [, down, right] = strides?.list?.i ?? [];
    const last = fused?.list?.s?.join() ?? '';
    if (padding?.s !== 'SAME' || !/^BiasAdd(,Relu)?$/.test(last) || !down || !right) {
      invalid(`${node.name} is a convolution of another kind`);
    }
    const depthwise = node.op !== '_FusedConv2D';
    // [H, W, in, out] becomes [out, in, H, W]; of depthwise ones [H, W, channels, 1] becomes [channels, 1, H, W].
    const order = depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1];
    const weights = graph.floats(
      transposed(kernel, order),
      order.map((axis) => kernel.shape[axis]!),
    );
    const sum = graph.node('Conv', [input, weights, graph.floats(Float32Array.from(bias.data), bias.shape)], {
      auto_pad: { s: 'SAME_UPPER' },
      strides: { ints: [down!, right!] },
      group: { i: depthwise ? kernel.shape[2]! : 1 },
    });
    return last.endsWith('Relu') ? graph.node('Relu', [sum]) : sum;
  }

  function weight(name: string): TfWeight {
    return model.weights.get(name) ?? invalid(`it has no weights ${name}`);
  }
}

function invalid(why: string): never {
  throw new FatalError(
    'MODEL_INVALID',
    `the built-in image model is not the one that Sluice converts: ${why}`,
  );
}

/** The numbers of an array of four axes in another order of axes. */
function transposed({ shape, data }: TfWeight, order: number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const [a, b, c, d] = order.map((axis) => ({ size: shape[axis]!, stride: strides[axis]! }));
  const result = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < a!.size; i++) {
    for (let j = 0; j < b!.size; j++) {
      for (let k = 0; k < c!.size; k++) {
        const from = i * a!.stride + j * b!.stride + k * c!.stride;
        for (let l = 0; l < d!.size; l++) result[at++] = data[from + l * d!.stride]!;
      }
    }
  }
  return result;
}

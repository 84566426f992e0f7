import { editModel } from '../../formats/onnx/edit.ts';
import { readSignature } from '../../formats/onnx/read.ts';
import { ELEMENT, type OnnxNode, type OnnxTensor, type OnnxValue } from '../../formats/onnx/types.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import type { Processor } from './processor.ts';

/** Names of what a graph that was edited takes and gives. */
export const PIXELS = 'sluice_pixels';
export const VECTORS = 'sluice_vectors';

/** What is read of config.json, and of the `vision_config` in it where a model has several sides. */
export interface VisionConfig {
  model_type?: string;
  hidden_size?: number;
  projection_dim?: number;
  vision_config?: VisionConfig;
}

/** How the vector is taken out of what the graph gives. */
export interface VectorOutput {
  value: OnnxValue;
  /** `whole`: [N, D], or [N, D, 1, 1]; `cls` and `mean`: of the tokens in [N, T, D]. */
  take: 'whole' | 'cls' | 'mean';
}

export interface ImageGraph {
  input: OnnxValue;
  output: VectorOutput;
  dimensions: number;
}

/** Models whose first token is made to stand for the whole image. */
const FIRST_TOKEN = /^(?:vit|deit|dinov2|dinov2_with_registers|dinov3_vit)$/;
/** Models that are compared by what their head makes of the tokens. */
const POOLED =
  /^(?:siglip|siglip_vision_model|siglip2|siglip2_vision_model|convnext|convnextv2|dinov3_convnext)$/;

/** Throws FatalError MODEL_INVALID, MODEL_UNSUPPORTED. `file`: of the graph, for messages. */
export function imageGraph(
  bytes: Uint8Array,
  { config, ref, file }: { config: VisionConfig; ref: ModelRef; file: string },
): ImageGraph {
  const { inputs, outputs } = readSignature(bytes, `${file} of the model ${ref.model}`);
  const input = inputs.find(({ name }) => name === 'pixel_values');
  const others = inputs.filter((value) => value !== input).map(({ name }) => name);
  if (input === undefined || others.length > 0) {
    const asks = others.includes('spatial_shapes')
      ? 'is of the NaFlex kind, whose images have different sizes'
      : `takes ${inputs.map(({ name }) => name).join(', ')}, and pixel_values alone is known`;
    throw unsupported(`${file} of the model ${ref.model} ${asks}`);
  }
  if (input.type !== ELEMENT.float && input.type !== ELEMENT.float16)
    throw unsupported(
      `${file} of the model ${ref.model} takes pixel_values that are no floating-point numbers`,
    );
  const output = chosenOutput(outputs, config, ref, file);
  return { input, output, dimensions: dimensionsOf(output, config, file) };
}

function chosenOutput(
  outputs: readonly OnnxValue[],
  config: VisionConfig,
  ref: ModelRef,
  file: string,
): VectorOutput {
  const named = (name: string) => outputs.find((output) => output.name === name);
  const type = config.model_type ?? '';
  const embeds = named('image_embeds');
  if (embeds !== undefined) return { value: embeds, take: 'whole' };
  const tokens = named('last_hidden_state');
  const { pooling } = ref;
  if (pooling === 'cls' || pooling === 'mean') {
    if (tokens?.dims.length === 3) return { value: tokens, take: pooling };
  } else if (pooling === undefined) {
    const pooled = named('pooler_output');
    if (pooled !== undefined && POOLED.test(type)) return { value: pooled, take: 'whole' };
    if (tokens?.dims.length === 3 && FIRST_TOKEN.test(type)) return { value: tokens, take: 'cls' };
  }
  const given = outputs.map(({ name }) => name).join(', ');
  const how = pooling === undefined ? `model_type ${type || 'missing'}` : `pooling ${pooling}`;
  throw unsupported(
    `${file} of the model ${ref.model} gives ${given} (${how}), and no recipe says which of them is the vector; ` +
      `where last_hidden_state holds tokens, say how they become one: ${ref.model}?pooling=cls or ?pooling=mean`,
  );
}

function dimensionsOf({ value, take }: VectorOutput, config: VisionConfig, file: string): number {
  const dimension = take === 'whole' ? value.dims[1] : value.dims[2];
  if (typeof dimension === 'number') return dimension;
  const projected = config.projection_dim ?? config.vision_config?.projection_dim;
  const hidden = config.vision_config?.hidden_size ?? config.hidden_size;
  const stated = value.name === 'image_embeds' ? projected : hidden;
  if (stated !== undefined) return stated;
  throw new FatalError('MODEL_INVALID', `neither ${file} nor config.json says how long the vectors are`);
}

/**
 * The graph with another beginning and end: it takes uint8 [N, H, W, 3], as pixels come out of a decoder, and gives
 * float32 [N, D] alone. What is done to each number, x = byte * rescale / std - mean / std, is the processor's.
 */
export function editedGraph(
  bytes: Uint8Array,
  { input, output, dimensions }: ImageGraph,
  { mean, std, rescale }: Processor,
  { width, height }: { width: number; height: number },
): Uint8Array {
  const half = input.type === ELEMENT.float16;
  const scaled = half ? 'sluice_channels' : input.name;
  const before: OnnxNode[] = [
    cast(PIXELS, 'sluice_bytes', ELEMENT.float),
    node('Mul', ['sluice_bytes', 'sluice_scale'], 'sluice_scaled'),
    node('Add', ['sluice_scaled', 'sluice_offset'], 'sluice_normal'),
    { ...node('Transpose', ['sluice_normal'], scaled), attributes: { perm: { ints: [0, 3, 1, 2] } } },
    ...(half ? [cast(scaled, input.name, ELEMENT.float16)] : []),
  ];
  const { after, tensors } = ending(output);
  const scale = Float32Array.from(std, (value) => rescale / value);
  const offset = Float32Array.from(mean, (value, channel) => -value / std[channel]!);
  return editModel(bytes, {
    before,
    after,
    tensors: [
      { name: 'sluice_scale', type: ELEMENT.float, dims: [3], data: scale },
      { name: 'sluice_offset', type: ELEMENT.float, dims: [3], data: offset },
      ...tensors,
    ],
    inputs: [{ name: PIXELS, type: ELEMENT.uint8, dims: ['batch', height, width, 3] }],
    outputs: [{ name: VECTORS, type: ELEMENT.float, dims: ['batch', dimensions] }],
  });
}

function ending({ value, take }: VectorOutput): { after: OnnxNode[]; tensors: OnnxTensor[] } {
  const single = value.type === ELEMENT.float ? value.name : 'sluice_single';
  const casts = value.type === ELEMENT.float ? [] : [cast(value.name, single, ELEMENT.float)];
  const int64 = (name: string, dims: number[], data: bigint[]): OnnxTensor => ({
    ...{ name, type: ELEMENT.int64, dims },
    data: BigInt64Array.from(data),
  });
  if (take === 'mean') {
    // In every operator set, unlike ReduceMean, whose axes became an input.
    const turned = {
      ...node('Transpose', [single], 'sluice_turned'),
      attributes: { perm: { ints: [0, 2, 1] } },
    };
    return {
      after: [
        ...[...casts, turned, node('GlobalAveragePool', ['sluice_turned'], 'sluice_mean')],
        flatten('sluice_mean'),
      ],
      tensors: [],
    };
  }
  if (take === 'cls') {
    const first = { ...node('Gather', [single, 'sluice_first'], VECTORS), attributes: { axis: { i: 1 } } };
    return { after: [...casts, first], tensors: [int64('sluice_first', [], [0n])] };
  }
  return { after: [...casts, flatten(single)], tensors: [] };
}

const node = (op: string, inputs: string[], output: string): OnnxNode => ({ op, inputs, outputs: [output] });
const flatten = (from: string): OnnxNode => ({
  ...node('Flatten', [from], VECTORS),
  attributes: { axis: { i: 1 } },
});
const cast = (from: string, to: string, type: number): OnnxNode => ({
  ...node('Cast', [from], to),
  attributes: { to: { i: type } },
});

const unsupported = (message: string): FatalError => new FatalError('MODEL_UNSUPPORTED', message);

import type { OnnxEdits } from '../../formats/onnx/edit.ts';
import { readSignature } from '../../formats/onnx/read.ts';
import { ELEMENT, type OnnxNode, type OnnxTensor, type OnnxValue } from '../../formats/onnx/types.ts';
import { FatalError } from '../../model/errors.ts';
import { hasOffsetPositions } from './limit.ts';
import type { TextFiles } from './model-config.ts';
import type { Pooling } from './pooling.ts';
import { TEXT_INPUTS, type TextInput, WEIGHTS_INPUT } from './preparation.ts';
import { checkModules, type TextRecipe } from './recipe.ts';

/** What is taken of a graph, and what is changed about it so that only [N, D] leaves it. */
export interface TextGraph {
  inputs: readonly TextInput[];
  /** Name of the vectors, once the edits are made. */
  output: string;
  dimensions: number;
  /** Undefined: the graph's own output is the vector. */
  pooling: Pooling | undefined;
  /** Tokens of every row, where the graph takes no others. */
  padTo: number | undefined;
  /** Undefined: the graph is used as it is. */
  edits: OnnxEdits | undefined;
}

const VECTORS: Omit<OnnxValue, 'dims'> = { name: 'sluice_vectors', type: ELEMENT.float };
const TOKEN_OUTPUTS = ['last_hidden_state', 'token_embeddings'];

/** Throws FatalError MODEL_INVALID, MODEL_UNSUPPORTED. `file`: of the graph, for messages. */
export function textGraph(
  bytes: Uint8Array,
  { recipe, files, file, name }: { recipe: TextRecipe; files: TextFiles; file: string; name: string },
): TextGraph {
  const { inputs, outputs } = readSignature(bytes, `${file} of the model ${name}`);
  const ready = named(outputs, recipe.ready);
  const tokens = named(outputs, TOKEN_OUTPUTS) ?? outputs.find(({ dims }) => dims.length === 3);
  const output = ready ?? (recipe.pooling && tokens);
  if (output === undefined) throw unsupported(noOutput(recipe, outputs, file, name));
  if (output.name !== 'sentence_embedding') checkModules(name, files);
  if (hasOffsetPositions(files.config) && inputs.some((input) => input.name === 'position_ids'))
    throw unsupported(
      `${file} of the model ${name} asks for position_ids, which are not known for ${files.config.model_type}`,
    );
  const length = inputs.find((input) => input.name === 'input_ids')?.dims[1];
  return {
    inputs: inputs.map((input) => knownInput(input, file, name)),
    padTo: typeof length === 'number' ? length : undefined,
    dimensions: dimensionsOf(output, files, file),
    ...(ready === undefined ? pooled(output, inputs, recipe.pooling!) : taken(ready)),
  };
}

/** An output that is the vector already; float16 becomes float32. */
function taken({ name, type, dims }: OnnxValue): Pick<TextGraph, 'output' | 'pooling' | 'edits'> {
  if (type === ELEMENT.float) return { output: name, pooling: undefined, edits: undefined };
  const edits = { after: [cast(name, VECTORS.name)], outputs: [{ ...VECTORS, dims }] };
  return { output: VECTORS.name, pooling: undefined, edits };
}

/** [N, 1, T] weights × [N, T, D] vectors of tokens = [N, 1, D]; a masked mean, the first or the last, as the weights are. */
function pooled(
  tokens: OnnxValue,
  inputs: readonly OnnxValue[],
  pooling: Pooling,
): Pick<TextGraph, 'output' | 'pooling' | 'edits'> {
  const node = (op: string, from: string[], to: string): OnnxNode => ({ op, inputs: from, outputs: [to] });
  const shape = (name: string, dims: bigint[]): OnnxTensor => ({
    name,
    type: ELEMENT.int64,
    dims: [dims.length],
    data: BigInt64Array.from(dims),
  });
  const float = tokens.type === ELEMENT.float;
  const hidden = float ? tokens.name : 'sluice_hidden';
  const weights: OnnxValue = { name: WEIGHTS_INPUT, type: ELEMENT.float, dims: ['batch', 'tokens'] };
  return {
    output: VECTORS.name,
    pooling,
    edits: {
      after: [
        ...(float ? [] : [cast(tokens.name, hidden)]),
        node('Reshape', [WEIGHTS_INPUT, 'sluice_row'], 'sluice_rows'),
        node('MatMul', ['sluice_rows', hidden], 'sluice_pooled'),
        node('Reshape', ['sluice_pooled', 'sluice_flat'], VECTORS.name),
      ],
      // 0 keeps a dimension, -1 takes what is left.
      tensors: [shape('sluice_row', [0n, 1n, -1n]), shape('sluice_flat', [0n, -1n])],
      inputs: [...inputs, weights],
      outputs: [{ ...VECTORS, dims: ['batch', tokens.dims[2] ?? 'dimensions'] }],
    },
  };
}

const cast = (from: string, to: string): OnnxNode => ({
  op: 'Cast',
  inputs: [from],
  outputs: [to],
  attributes: { to: { i: ELEMENT.float } },
});

/** The first of the names that there is. */
const named = (outputs: readonly OnnxValue[], names: readonly string[]): OnnxValue | undefined =>
  names.map((name) => outputs.find((output) => output.name === name)).find(Boolean);

function knownInput(input: OnnxValue, file: string, name: string): TextInput {
  const known = TEXT_INPUTS.find((text) => text === input.name);
  if (known !== undefined && input.type === ELEMENT.int64) return known;
  const what =
    known === undefined ? `${input.name}, which is not known` : `${known} of another type than int64`;
  throw unsupported(`${file} of the model ${name} asks for ${what}; known are ${TEXT_INPUTS.join(', ')}`);
}

function dimensionsOf(output: OnnxValue, { config }: TextFiles, file: string): number {
  const last = output.dims.at(-1);
  if (typeof last === 'number') return last;
  const projected = output.name === 'text_embeds' ? config.projection_dim : undefined;
  const stated = projected ?? config.text_config?.hidden_size ?? config.hidden_size;
  if (stated !== undefined) return stated;
  throw new FatalError('MODEL_INVALID', `neither ${file} nor config.json says how long the vectors are`);
}

function noOutput(recipe: TextRecipe, outputs: readonly OnnxValue[], file: string, name: string): string {
  const given = outputs.map((output) => output.name).join(', ');
  if (recipe.ready.length > 0 && recipe.pooling === undefined)
    return `${file} of the model ${name} gives ${given}, and none of ${recipe.ready.join(', ')}; where these are vectors of tokens, say how they become one: ${name}?pooling=mean`;
  return `${file} of the model ${name} gives ${given}, which are no vectors of texts or tokens`;
}

const unsupported = (message: string): FatalError => new FatalError('MODEL_UNSUPPORTED', message);

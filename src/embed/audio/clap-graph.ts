import { editModel } from '../../formats/onnx/edit.ts';
import { readSignature } from '../../formats/onnx/read.ts';
import { ELEMENT, type OnnxValue } from '../../formats/onnx/types.ts';
import { FatalError } from '../../model/errors.ts';
import { SAMPLES } from './clap-preparation.ts';
import type { ClapRecipe } from './clap-recipe.ts';
import { framesOf } from './mel.ts';
import { melNodes } from './mel-graph.ts';

const FEATURES = 'input_features';
const EMBEDDINGS = 'audio_embeds';
/** Of the vectors, where the graph gives them as float16. */
const VECTORS = 'sluice_vectors';
const MIN_OPSET = 11;

/** What is known of the audio graph of a CLAP. */
export interface ClapGraph {
  features: OnnxValue;
  embeddings: OnnxValue;
  dimensions: number;
  /** Name of the vectors in the graph that is run. */
  output: string;
}

/** Throws FatalError MODEL_INVALID, MODEL_UNSUPPORTED. `file`: of the graph, for messages. */
export function clapGraph(bytes: Uint8Array, recipe: ClapRecipe, file: string): ClapGraph {
  const { inputs, outputs, opset } = readSignature(bytes, file);
  const features = inputs.find(({ name }) => name === FEATURES);
  const embeddings = outputs.find(({ name }) => name === EMBEDDINGS);
  const others = inputs.filter(({ name }) => name !== FEATURES).map(({ name }) => name);
  const unsupported = (why: string) =>
    new FatalError('MODEL_UNSUPPORTED', `${file} is no CLAP that Sluice knows: ${why}`);
  if (features === undefined) throw unsupported(`it has no input ${FEATURES}`);
  if (others.length > 0) throw unsupported(`it wants ${others.join(', ')} as well, as models with fusion do`);
  if (embeddings === undefined) throw unsupported(`it has no output ${EMBEDDINGS}`);
  if (opset < MIN_OPSET)
    throw unsupported(`its operator set is ${opset}, older than ${MIN_OPSET}; export it again`);
  const dimensions = embeddings.dims.at(-1);
  if (embeddings.dims.length !== 2 || typeof dimensions !== 'number')
    throw unsupported(`${EMBEDDINGS} is not [N, dimensions] but [${embeddings.dims.join(', ')}]`);
  const { mel, samples } = recipe;
  const made = ['N', 1, framesOf(samples, mel), mel.bands];
  const fits = (dim: number | string, i: number) => i === 0 || typeof dim !== 'number' || dim === made[i];
  if (features.dims.length !== made.length || !features.dims.every(fits)) {
    throw new FatalError(
      'MODEL_INVALID',
      `${file} takes ${FEATURES} [${features.dims.join(', ')}], and its preprocessor_config.json makes [${made.join(', ')}]`,
    );
  }
  const output = embeddings.type === ELEMENT.float ? EMBEDDINGS : VECTORS;
  return { features, embeddings, dimensions, output };
}

/** The graph with the spectrum in front, from samples to float32 vectors. */
export function withSpectrum(
  bytes: Uint8Array,
  recipe: ClapRecipe,
  graph: ClapGraph,
  file: string,
): Uint8Array {
  const { mel, samples } = recipe;
  const { features, output, dimensions } = graph;
  const half = features.type === ELEMENT.float16;
  const { nodes, tensors } = melNodes(mel, { input: SAMPLES, output: FEATURES, samples, half });
  const toFloat = {
    op: 'Cast',
    inputs: [EMBEDDINGS],
    outputs: [VECTORS],
    attributes: { to: { i: ELEMENT.float } },
  };
  return editModel(
    bytes,
    {
      before: nodes,
      after: output === EMBEDDINGS ? [] : [toFloat],
      tensors,
      inputs: [{ name: SAMPLES, type: ELEMENT.float, dims: ['batch', samples + mel.window] }],
      outputs: [{ name: output, type: ELEMENT.float, dims: ['batch', dimensions] }],
    },
    file,
  );
}

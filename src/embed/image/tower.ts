import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { externalFiles } from '../../formats/onnx/read.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { itemsApart } from '../models/alone.ts';
import type { ModelFolder } from '../models/folder.ts';
import { findGraph, requireGraph } from '../models/onnx-file.ts';
import { sideFiles } from '../models/sides.ts';
import { openBatched } from '../onnx/batched.ts';
import { cachedGraph } from '../onnx/graph-cache.ts';
import type { Tower } from '../tower.ts';
import { editedGraph, type ImageGraph, imageGraph, PIXELS, VECTORS, type VisionConfig } from './graph.ts';
import { type ImageRecipe, imagePreparation, inputSize } from './preparation.ts';
import { type Processor, processorFields, readProcessor } from './processor.ts';

/** Of what is done to graphs and images here; another number makes new fingerprints. */
const REVISION = 1;

/**
 * The image side of a model: CLIP's, SigLIP's, or a model of images alone (DINOv2, ViT …); undefined where the folder
 * holds none. Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED.
 */
export async function imageTower(folder: ModelFolder, ref: ModelRef): Promise<Tower | undefined> {
  const fields = await processorFields(folder);
  if (fields === undefined) return undefined;
  const processor = readProcessor(fields, ref.model);
  const config = (await folder.json<VisionConfig>('config.json')) ?? {};
  const sides = config.vision_config !== undefined || findGraph(folder, ref, ['vision_model']) !== undefined;
  const path = requireGraph(folder, ref, [sides ? 'vision_model' : 'model']);
  const bytes = await readFile(path);
  const graph = imageGraph(bytes, { config, ref, file: basename(path) });
  const size = inputSize(processor.framing);
  checkSize(graph, size, basename(path), ref);
  const recipe: ImageRecipe = { ...processor.framing, input: PIXELS, output: VECTORS };
  const files = [path, ...externalFiles(bytes, path).map((file) => join(dirname(path), file))];
  const { mean, std, rescale } = processor;
  const taken = { output: graph.output.value.name, take: graph.output.take };
  return {
    modality: 'image',
    model: ref.model,
    dtype: ref.dtype ?? 'fp32',
    dimensions: graph.dimensions,
    normalised: true,
    files,
    spaceFiles: sides ? sideFiles(folder, ref) : files,
    preprocessing: { revision: REVISION, ...processor.framing, mean, std, rescale, ...taken },
    async open(options, ctx) {
      const edited = await edit(path, graph, processor, options.cacheDir);
      return openBatched(edited, imagePreparation(recipe), itemsApart(bytes, options), ctx);
    },
  };
}

/** Sizes that a graph fixes are those of its preprocessing. */
function checkSize(
  { input }: ImageGraph,
  size: { width: number; height: number },
  file: string,
  ref: ModelRef,
): void {
  const [, , height, width] = input.dims;
  const fits = (fixed: number | string | undefined, wanted: number) =>
    typeof fixed !== 'number' || fixed === wanted;
  if (fits(height, size.height) && fits(width, size.width)) return;
  throw new FatalError(
    'MODEL_INVALID',
    `${file} of the model ${ref.model} takes images of ${width} × ${height} pixels, and its preprocessor_config.json makes them ${size.width} × ${size.height}`,
  );
}

async function edit(
  path: string,
  graph: ImageGraph,
  processor: Processor,
  cacheDir: string,
): Promise<string> {
  const bytes = await readFile(path);
  const key = { image: REVISION, weights: hash('sha256', bytes, 'hex'), graph, processor };
  const size = inputSize(processor.framing);
  return cachedGraph(cacheDir, key, async () => editedGraph(bytes, graph, processor, size), path);
}

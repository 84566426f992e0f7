import { readFile } from 'node:fs/promises';
import { readGraphModel } from '../../formats/tfjs/graph-model.ts';
import { fileHashes } from '../fingerprint.ts';
import { type ImageRecipe, imagePreparation } from '../image/preparation.ts';
import type { ModelFolder } from '../models/folder.ts';
import { openBatched } from '../onnx/batched.ts';
import { cachedGraph } from '../onnx/graph-cache.ts';
import type { Tower } from '../tower.ts';
import {
  IMAGE_DIMENSIONS,
  IMAGE_GRAPH_REVISION,
  IMAGE_INPUT,
  IMAGE_OUTPUT,
  imageGraph,
} from './image-graph.ts';
import { packageFolder } from './package-files.ts';

/**
 * Pictures are pressed into a square, as those that the model was trained with (at 512). 256 is the least size from which
 * more helped no more: of 19 photos of five classes and 24 objects cut out of others, the nearest one was of the same
 * class for 28–30 at 224, 31–32 at 256, 31–34 at 288 to 384 and 28–30 at 512; with the middle cut out instead, for 4 to 7
 * fewer.
 */
const RECIPE: ImageRecipe = {
  resize: { width: 256, height: 256 },
  kernel: 'linear',
  background: '#ffffff',
  input: IMAGE_INPUT,
  output: IMAGE_OUTPUT,
};

/**
 * The built-in model for images: the backbone of a MobileNetV3 that finds the objects of COCO (610265158/mobilenetv3_centernet,
 * which states no licence; the package that converted it is MIT). Throws FatalError MODEL_NOT_FOUND.
 */
export async function defaultImageTower(
  folder: ModelFolder = packageFolder('@vladmandic/human', 'models'),
): Promise<Tower> {
  const json = folder.require('centernet.json');
  const files = [json, folder.require('centernet.bin')];
  const { resize, kernel, background } = RECIPE;
  return {
    modality: 'image',
    model: 'default',
    licence: 'MIT (the package; the upstream model states none)',
    dtype: 'fp32',
    dimensions: IMAGE_DIMENSIONS,
    normalised: true,
    files,
    spaceFiles: files,
    preprocessing: { revision: IMAGE_GRAPH_REVISION, resize, kernel, background },
    async open(options, ctx) {
      const key = { graph: 'default image', revision: IMAGE_GRAPH_REVISION, files: await fileHashes(files) };
      const graph = await cachedGraph(options.cacheDir, key, async () => {
        const read = (file: string) => readFile(folder.require(file));
        return imageGraph(
          await readGraphModel(await readFile(json), read, `centernet.json of the model ${folder.name}`),
        );
      });
      return openBatched(graph, imagePreparation(RECIPE), options, ctx);
    },
  };
}

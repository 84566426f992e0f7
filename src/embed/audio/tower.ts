import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { externalFiles } from '../../formats/onnx/read.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { itemsApart } from '../models/alone.ts';
import type { ModelFolder } from '../models/folder.ts';
import { requireGraph } from '../models/onnx-file.ts';
import { sideFiles } from '../models/sides.ts';
import { openBatched } from '../onnx/batched.ts';
import { cachedGraph } from '../onnx/graph-cache.ts';
import type { Tower } from '../tower.ts';
import { clapGraph, withSpectrum } from './clap-graph.ts';
import { clapPreparation } from './clap-preparation.ts';
import { clapRecipe } from './clap-recipe.ts';

/** Of what is done to graphs and sounds here; another number makes new fingerprints. */
const REVISION = 1;

/**
 * The audio side of a CLAP without fusion, such as laion/clap-htsat-unfused; undefined where the folder holds none.
 * Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED.
 */
export async function audioTower(folder: ModelFolder, ref: ModelRef): Promise<Tower | undefined> {
  const recipe = await clapRecipe(folder);
  if (recipe === undefined) return undefined;
  const path = requireGraph(folder, ref, ['audio_model']);
  const bytes = await readFile(path);
  const file = `${basename(path)} of the model ${ref.model}`;
  const graph = clapGraph(bytes, recipe, file);
  const weights = hash('sha256', bytes, 'hex');
  return {
    modality: 'audio',
    model: ref.model,
    dtype: ref.dtype ?? 'fp32',
    dimensions: graph.dimensions,
    normalised: true,
    files: [path, ...externalFiles(bytes, path).map((name) => join(dirname(path), name))],
    spaceFiles: sideFiles(folder, ref),
    preprocessing: { kind: 'clap', revision: REVISION, ...recipe, crop: 'middle' },
    async open(options, ctx) {
      const key = { clap: REVISION, weights, recipe };
      const make = async () => withSpectrum(await readFile(path), recipe, graph, file);
      const ready = await cachedGraph(options.cacheDir, key, make, path);
      const preparation = clapPreparation(recipe, graph.output, ctx);
      return openBatched(ready, preparation, itemsApart(bytes, options), ctx);
    },
  };
}

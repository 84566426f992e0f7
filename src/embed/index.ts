import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../model/contracts.ts';
import type { ModelRef } from '../model/embedding.ts';
import { FatalError } from '../model/errors.ts';
import { ModelFolder } from './models/folder.ts';
import type { HubOptions } from './models/hub.ts';
import { parseHubId } from './models/hub-id.ts';
import type { Tower } from './tower.ts';

export { openEmbedder } from './embedder.ts';
export { fingerprintOf, generationId, nodeFingerprint } from './fingerprint.ts';
export { cachedModels } from './models/cached.ts';
export type { HubOptions } from './models/hub.ts';
export { describeRef, parseModelRef, workflowNodeSchema } from './models/ref.ts';
export type { EngineOptions, Tower } from './tower.ts';

/** The name of the built-in models. */
export const DEFAULT_MODEL = 'default';

export interface FindOptions {
  /** Where converted graphs and downloaded models are kept. */
  cacheDir: string;
  hub?: HubOptions;
}

/**
 * The towers of a model: one for each modality that it takes. A folder is preferred to a hub id of the same name.
 *
 * Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID or MODEL_UNSUPPORTED.
 */
export async function findTowers(ref: ModelRef, options: FindOptions, ctx: Context): Promise<Tower[]> {
  if (ref.model === DEFAULT_MODEL) return defaultTowers(ref);
  const folder = await folderOf(ref, options, ctx);
  const found = await Promise.all([
    import('./image/tower.ts').then(({ imageTower }) => imageTower(folder, ref)),
    import('./text/tower.ts').then(({ textTower }) => textTower(folder, ref)),
    import('./audio/tower.ts').then(({ audioTower }) => audioTower(folder, ref)),
  ]);
  const towers = found.filter((tower) => tower !== undefined);
  if (towers.length > 0) return towers;
  const config = await folder.json<{ model_type?: unknown }>('config.json');
  const what =
    config === undefined
      ? `no config.json in ${folder.path}`
      : `model_type ${JSON.stringify(config.model_type)} in ${folder.path}`;
  throw new FatalError(
    'MODEL_UNSUPPORTED',
    `the model ${ref.model} is none that Sluice has a recipe for (${what}); looked for an image model ` +
      '(preprocessor_config.json), a text model (tokenizer.json) and CLAP, each with its ONNX file',
  );
}

async function defaultTowers(ref: ModelRef): Promise<Tower[]> {
  const { dtype, pooling, maxTokens, documentPrompt, queryPrompt } = ref;
  const variations = { dtype, pooling, maxTokens, documentPrompt, queryPrompt };
  const [varied] = Object.entries(variations).find(([, value]) => value !== undefined) ?? [];
  if (varied !== undefined)
    throw new FatalError('MODEL_UNSUPPORTED', `the built-in models cannot be varied: leave out ${varied}`);
  return Promise.all([
    import('./defaults/image.ts').then(({ defaultImageTower }) => defaultImageTower()),
    import('./defaults/text.ts').then(({ defaultTextTower }) => defaultTextTower()),
    import('./defaults/audio.ts').then(({ defaultAudioTower }) => defaultAudioTower()),
  ]);
}

/** Throws FatalError MODEL_NOT_FOUND. */
async function folderOf(ref: ModelRef, options: FindOptions, ctx: Context): Promise<ModelFolder> {
  const path = resolve(ref.model);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return new ModelFolder(ref.model, path);
  const id = parseHubId(ref.model);
  if (id === undefined) {
    const why = found === undefined ? 'does not exist' : 'is no folder';
    throw new FatalError('MODEL_NOT_FOUND', `the model ${ref.model} was not found: ${path} ${why}`);
  }
  const { fetchModel } = await import('./models/hub.ts');
  return fetchModel(id, ref, options, ctx);
}

import { resolve } from 'node:path';
import type { Context } from '../model/contracts.ts';
import type { ModelRef } from '../model/embedding.ts';
import { FatalError } from '../model/errors.ts';
import { ModelFolder } from './models/folder.ts';
import type { Tower } from './tower.ts';

export { openEmbedder } from './embedder.ts';
export { fingerprintOf, generationId, nodeFingerprint } from './fingerprint.ts';
export type { EngineOptions, Tower } from './tower.ts';

/** The name of the built-in models. */
export const DEFAULT_MODEL = 'default';

/**
 * The towers of a model: one for each modality that it takes.
 *
 * Throws FatalError MODEL_NOT_FOUND, MODEL_INVALID or MODEL_UNSUPPORTED.
 */
export async function findTowers(
  ref: ModelRef,
  options: { cacheDir: string },
  ctx: Context,
): Promise<Tower[]> {
  throw new FatalError(
    'MODEL_UNSUPPORTED',
    `${ref.model} ${options.cacheDir} ${ctx.clock.now()} ${resolve} ${ModelFolder}`,
  );
}

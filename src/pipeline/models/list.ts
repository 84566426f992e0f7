import { stat } from 'node:fs/promises';
import { cachedModels, DEFAULT_MODEL, describeRef, type Tower } from '../../embed/index.ts';
import type { Dtype, Modality, ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { environment, type RunEnvironment } from '../environment.ts';
import { towersOf } from './request.ts';

/** One side of a model that needs no network. */
export interface ListedModel {
  /** What to give as the model. */
  model: string;
  source: 'built-in' | 'cache';
  modality?: Modality;
  dimensions?: number;
  dtype: Dtype;
  /** SPDX name, where it is known. */
  licence?: string;
  /** Of its files. */
  bytes: number;
  /** Why it cannot be used. */
  problem?: string;
}

/** The built-in models, and those that were fetched from a hub into the cache. */
export async function listModels(given: Partial<RunEnvironment> = {}): Promise<ListedModel[]> {
  const env = environment(given);
  const listed = await sidesOf({ model: DEFAULT_MODEL }, 'built-in', env);
  for (const ref of await cachedModels(env.cacheDir)) listed.push(...(await sidesOf(ref, 'cache', env)));
  return listed;
}

async function sidesOf(
  ref: ModelRef,
  source: ListedModel['source'],
  env: RunEnvironment,
): Promise<ListedModel[]> {
  const known = { model: describeRef(ref), source, dtype: ref.dtype ?? 'fp32' };
  let towers: Tower[];
  try {
    towers = await towersOf(ref, env);
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    return [{ ...known, bytes: 0, problem: error.message }];
  }
  return Promise.all(
    towers.map(async ({ modality, dimensions, licence, files }) => ({
      ...known,
      modality,
      dimensions,
      ...(licence === undefined ? {} : { licence }),
      bytes: (await Promise.all(files.map((file) => stat(file)))).reduce((sum, { size }) => sum + size, 0),
    })),
  );
}

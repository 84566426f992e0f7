import { readdir } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { errnoOf } from '../../io/disk-errors.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { ModelFolder } from './folder.ts';
import { MANIFEST, readManifest } from './manifest.ts';

/** The models of hubs that were fetched whole, one for each type of weights. */
export async function cachedModels(cacheDir: string): Promise<ModelRef[]> {
  const root = join(cacheDir, 'models');
  const files = await readdir(root, { recursive: true }).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  });
  const refs: ModelRef[] = [];
  for (const file of files.filter((name) => basename(name) === MANIFEST).sort()) {
    const [organisation, name, revision] = dirname(file).split(sep);
    const model = `${organisation}/${name}${revision === 'main' ? '' : `@${revision}`}`;
    const { dtypes } = await readManifest(new ModelFolder(model, join(root, dirname(file))));
    for (const dtype of dtypes) refs.push(dtype === 'fp32' ? { model } : { model, dtype });
  }
  return refs;
}

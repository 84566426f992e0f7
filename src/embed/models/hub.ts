import { join } from 'node:path';
import type { Context } from '../../model/contracts.ts';
import type { ModelRef } from '../../model/embedding.ts';
import { FatalError } from '../../model/errors.ts';
import { ModelFolder } from './folder.ts';
import { fetchFile } from './hub-fetch.ts';
import { dtypesOf, wantedFiles } from './hub-files.ts';
import type { Hub, HubFile, HubId } from './hub-id.ts';
import { listModel } from './hub-listing.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';

export interface HubOptions {
  /** Of a server with the hub's addresses; `https://huggingface.co` unless given. */
  endpoint?: string;
  /** Also connect to private addresses: a mirror in the own network. */
  allowPrivateAddresses?: boolean;
}

const ENDPOINT = 'https://huggingface.co';

/**
 * The files of a hub's model, in `<cacheDir>/models/<org>/<name>/<revision>`. Only files that are missing there are
 * fetched; once all are there, no network is needed and a branch stays at the commit that it had.
 *
 * Throws FatalError MODEL_NOT_FOUND (no such model, no such weights, no network), MODEL_INVALID (damaged on the way),
 * STORE_FULL, STORE_WRITE_FAILED, or the signal's reason.
 */
export async function fetchModel(
  { id, revision }: HubId,
  { model, dtype = 'fp32' }: ModelRef,
  options: { cacheDir: string; hub?: HubOptions },
  ctx: Context,
): Promise<ModelFolder> {
  const path = join(options.cacheDir, 'models', ...id.split('/'), revision);
  const folder = new ModelFolder(model, path);
  const known = await readManifest(folder);
  const have = known.files.filter((name) => folder.find(name) !== undefined);
  if (known.dtypes.includes(dtype) && have.length === known.files.length) return folder;
  const { endpoint = ENDPOINT, allowPrivateAddresses = false } = options.hub ?? {};
  const hub: Hub = { endpoint: endpoint.replace(/\/+$/, ''), allowPrivateAddresses };
  const { commit, files } = await listModel(hub, id, known.commit || revision, ctx);
  const names = files.map(({ name }) => name);
  const { beside, graphs } = wantedFiles(names, dtype);
  if (graphs.length === 0) throw noGraphs(model, dtype, names);
  const lost = known.files.filter((name) => !have.includes(name));
  const wanted = new Set([...beside, ...graphs, ...lost]);
  const missing = files.filter(({ name }) => wanted.has(name) && !have.includes(name));
  const manifest: Manifest = { schema: 1, commit, files: have, dtypes: known.dtypes };
  await fetchAll(hub, id, path, { manifest, missing }, ctx);
  await writeManifest(path, { ...manifest, dtypes: [...new Set([...known.dtypes, dtype])] });
  return folder;
}

/** One after another: a model is one or two large files, and each takes the whole line. Notes each one that is there. */
async function fetchAll(
  hub: Hub,
  id: string,
  path: string,
  { manifest, missing }: { manifest: Manifest; missing: readonly HubFile[] },
  ctx: Context,
): Promise<void> {
  const { commit } = manifest;
  for (const [i, file] of missing.entries()) {
    const fields = { model: id, commit, file: file.name, bytes: file.size };
    const place = `${file.name}, file ${i + 1} of ${missing.length}`;
    ctx.logger.info(fields, `fetching the model ${id} from ${hub.endpoint}: ${place}`);
    await fetchFile(hub, { id, commit, file, to: join(path, ...file.name.split('/')) }, ctx);
    manifest.files.push(file.name);
    await writeManifest(path, manifest);
  }
}

function noGraphs(model: string, dtype: string, names: readonly string[]): FatalError {
  const others = dtypesOf(names);
  const remedy =
    others.length === 0
      ? 'it has no ONNX files at all: export it (optimum-cli export onnx) and give the folder'
      : `it has ${others.join(', ')}: ${others.map((other) => `${model}?dtype=${other}`).join(' or ')}`;
  return new FatalError(
    'MODEL_NOT_FOUND',
    `the model ${model} has no ONNX file with ${dtype} weights; ${remedy}`,
  );
}

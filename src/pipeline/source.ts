import { resolve } from 'node:path';
import { detectSource, loadLoader } from '../loaders/index.ts';
import type { Loader } from '../model/contracts.ts';
import { parseOptions } from './config.ts';

export interface OpenedSource {
  loader: Loader;
  /** Absolute. */
  source: string;
  sourceType: string;
  /** With defaults filled in. */
  options: Record<string, unknown>;
}

/** Detects what a source is, unless `sourceType` says so, and opens it with the loader's own options. */
export async function openSource(
  source: string,
  sourceType: string | undefined,
  given: Record<string, unknown>,
  store: string,
): Promise<OpenedSource> {
  const path = resolve(source);
  const component =
    sourceType === undefined ? (await detectSource(path)).loader : await loadLoader(sourceType);
  const { name } = component;
  const known = component.options;
  const options = parseOptions(known, given, `the options of a ${name} source`) as Record<string, unknown>;
  const loader = await component.open(path, options, [resolve(store)]);
  return { loader, source: path, sourceType: name, options };
}

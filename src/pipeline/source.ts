import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { isS3 } from '../io/s3/address.ts';
import { loadLabels } from '../labels/index.ts';
import { detectSource, loadLoader } from '../loaders/index.ts';
import type { ConceptDefinition } from '../model/annotation.ts';
import type { LoaderComponent } from '../model/component.ts';
import type { Context, LabelSource, Loader } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import { shortHash } from '../model/ids.ts';
import { type LabelsConfig, parseOptions, type RunConfig, type SourceConfig } from './config.ts';
import { joinedLoader } from './joined-loader.ts';
import { LabelCopies } from './label-copies.ts';
import { labelledLoader } from './labelled-loader.ts';
import { loadTransform, transformedLoader } from './transform.ts';

/** Where items come from, as a caller asks for it. */
export interface SourceRequest {
  /** Told apart by it where there are several: uris begin with it, and so do derived ids. */
  name?: string;
  /** A folder, a file that a loader takes, `s3://bucket/prefix`, or what `sourceType` says. */
  source: string;
  /** Detected when absent. */
  sourceType?: string;
  /** The loader's own options (docs/loaders). */
  loader?: Record<string, unknown>;
  /** Labels that lie beside this source (docs/labels). */
  annotate?: { type: string; options?: Record<string, unknown> }[];
}

/** Everything that a run lists, opened. */
export interface OpenedSources {
  loader: Loader;
  /** What each source was found to be, in the order of the config. */
  describes: string[];
  /** As label sources declare them. */
  concepts: ConceptDefinition[];
  /** Lets go of what sources and label sources hold open. */
  close(): Promise<void>;
}

/**
 * Finds out what each source is, and validates all options. Nothing is opened. `everyLoader`: options that go to each
 * source whose loader has them; to one at least. Throws FatalError CONFIG_INVALID, SOURCE_NOT_FOUND, SOURCE_UNRECOGNISED.
 */
export async function resolveSources(
  requests: readonly SourceRequest[],
  everyLoader: Record<string, unknown> = {},
): Promise<SourceConfig[]> {
  const names = namesOf(requests);
  const components = await Promise.all(requests.map(componentOf));
  for (const field of Object.keys(everyLoader)) {
    if (components.some((component) => field in known(component, everyLoader))) continue;
    throw new FatalError('CONFIG_INVALID', `none of the sources has an option ${field}`);
  }
  return Promise.all(
    requests.map(async ({ source, loader = {}, annotate = [] }, i) => {
      const component = components[i]!;
      const name = names?.[i];
      const own = { ...loader, ...known(component, everyLoader) };
      const given = name === undefined ? own : withPrefix(component, own, name);
      return {
        ...(name === undefined ? {} : { name }),
        source: placeOf(source),
        sourceType: component.name,
        loader: parseOptions(component.options, given, `the options of a ${component.name} source`) as Record<
          string,
          unknown
        >,
        annotate: await Promise.all(annotate.map(resolveLabels)),
      };
    }),
  );
}

async function componentOf({ source, sourceType }: SourceRequest): Promise<LoaderComponent<unknown>> {
  if (sourceType === undefined) return (await detectSource(placeOf(source))).loader;
  const component = await loadLoader(sourceType);
  if (isS3(source) && component.name !== 's3') {
    throw new FatalError(
      'CONFIG_INVALID',
      `a ${sourceType} source is on this machine, and ${source} is in S3: the s3 loader reads CSV, TSV, JSON Lines and ZIP there, too`,
    );
  }
  return component;
}

/** An absolute path; an address as it stands, for every character of a prefix counts. */
const placeOf = (place: string): string => (isS3(place) ? place : resolve(place));

async function resolveLabels({
  type,
  options = {},
}: NonNullable<SourceRequest['annotate']>[number]): Promise<LabelsConfig> {
  const component = await loadLabels(type);
  return {
    type,
    options: parseOptions(component.options, options, `the options of ${type} labels`) as Record<
      string,
      unknown
    >,
  };
}

/** Opens every source and its labels as one listing. `store` is never listed. */
export async function openSources(
  { sources, transform }: Pick<RunConfig, 'sources' | 'transform'>,
  store: string,
  ctx: Context,
): Promise<OpenedSources> {
  const opened: LabelSource[] = [];
  const held: { close?(): Promise<void> }[] = [];
  const close = async () => {
    await Promise.all([...opened, ...held].map((each) => each.close?.()));
  };
  try {
    const parts: { name: string | undefined; loader: Loader; describes: string }[] = [];
    for (const config of sources) {
      const component = await loadLoader(config.sourceType);
      const loader = await component.open(config.source, config.loader, [placeOf(store)], ctx.signal);
      held.push(loader);
      const base = await baseOfLabels(config, component, ctx, held);
      const labels = await openLabels(config, base, component, ctx, opened);
      parts.push({
        name: config.name,
        loader: labels.length === 0 ? loader : labelledLoader(loader, labels),
        describes: [loader, ...labels].map((part) => part.describes).join('; '),
      });
    }
    const [only] = parts;
    const joined =
      parts.length === 1 ? only!.loader : joinedLoader(parts as { name: string; loader: Loader }[]);
    const loader =
      transform === undefined ? joined : transformedLoader(joined, await loadTransform(transform));
    const concepts = opened.flatMap((labels) => [...labels.concepts]);
    return { loader, describes: parts.map(({ describes }) => describes), concepts, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The folder that label files are looked for in; `held` is told of what must be removed in the end. */
async function baseOfLabels(
  config: SourceConfig,
  loader: LoaderComponent<unknown>,
  ctx: Context,
  held: { close?(): Promise<void> }[],
): Promise<string> {
  if (loader.name === 'folder' || loader.name === 'delta') return config.source;
  if (loader.name !== 's3' || config.annotate.length === 0) return dirname(config.source);
  const copies = await LabelCopies.make(config, ctx);
  held.push(copies);
  return copies.folder;
}

/** `opened` is told of each label source as soon as it must be closed. */
async function openLabels(
  config: SourceConfig,
  base: string,
  loader: LoaderComponent<unknown>,
  ctx: Context,
  opened: LabelSource[],
): Promise<LabelSource[]> {
  const labels: LabelSource[] = [];
  for (const { type, options } of config.annotate) {
    const component = await loadLabels(type);
    const source = component.create(base, options, {
      hasFolder: loader.name === 'folder' || loader.name === 's3',
    });
    labels.push(source);
    opened.push(source);
    await source.open(ctx);
  }
  return labels;
}

/** Tells the fingerprints of a run's sources apart: equal names, sizes and times are not equal bytes. */
export function sourceTags(sources: readonly SourceConfig[]): (uri: string) => string {
  const tagOf = ({ source }: SourceConfig) => shortHash(source).slice(0, 8);
  if (sources.length === 1) {
    const tag = tagOf(sources[0]!);
    return () => tag;
  }
  const byName = new Map(sources.map((config) => [config.name, tagOf(config)]));
  return (uri) => byName.get(uri.slice(0, uri.indexOf('/')))!;
}

/** Undefined for a single source, whose uris need none. Throws FatalError CONFIG_INVALID. */
function namesOf(requests: readonly SourceRequest[]): string[] | undefined {
  if (requests.length === 0) throw new FatalError('CONFIG_INVALID', 'a run needs at least one source');
  if (requests.length === 1) return undefined;
  const names = requests.map(({ name, source }, i) => name ?? (slugOf(source) || `source-${i + 1}`));
  names.forEach((name, i) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
      throw new FatalError(
        'CONFIG_INVALID',
        `the name of a source takes ASCII letters, digits, "_", "." and "-" only: ${name}`,
      );
    }
    if (names.indexOf(name) !== i) {
      throw new FatalError('CONFIG_INVALID', `two sources are named ${name}; give each a name of its own`);
    }
  });
  return names;
}

const slugOf = (source: string): string =>
  basename(source)
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 24);

/** Those of the options that a loader has. */
function known(
  component: LoaderComponent<unknown>,
  options: Record<string, unknown>,
): Record<string, unknown> {
  const shape = component.options instanceof z.ZodObject ? component.options.shape : {};
  return Object.fromEntries(Object.entries(options).filter(([field]) => field in shape));
}

/** Derived ids of several sources are kept apart by their names, where a loader derives any. */
function withPrefix(
  component: LoaderComponent<unknown>,
  given: Record<string, unknown>,
  name: string,
): Record<string, unknown> {
  return { ...known(component, { idPrefix: name.replaceAll('.', '-').slice(0, 24) }), ...given };
}

import { resolve } from 'node:path';
import { isS3 } from '../../io/s3/address.ts';
import { FatalError } from '../../model/errors.ts';
import type { ExportRequest } from '../export/request.ts';
import type { IngestRequest } from '../ingest.ts';
import type { SourceRequest } from '../source.ts';
import { absolute } from './paths.ts';
import {
  BESIDE_LOADER,
  componentOf,
  type ExportFields,
  type LabelEntry,
  type PipelineFile,
  runOptionsOf,
  type SourceEntry,
  sourcesOf,
} from './pipeline-file.ts';
import type { ReadPipeline } from './read.ts';
import { RUN_FIELDS } from './schema.ts';

/** What a caller says about a run beside its pipeline file; it is stronger than the file. */
export interface RunOverrides {
  /** Where the file names no store, too. */
  store: string;
  /** Whether `store` was given on purpose. */
  storeGiven?: boolean;
  /** Options of the run, each in place of the file's. */
  options?: Record<string, unknown>;
  /** Options of loaders, given to each source whose loader has them. */
  loader?: Record<string, unknown>;
  dryRun?: boolean;
  wait?: boolean;
}

/** The run that a sound pipeline asks for. */
export function requestOf(
  { file, path, base, sha256 }: ReadPipeline,
  overrides: RunOverrides,
): IngestRequest {
  if (file.source === undefined) {
    throw new FatalError('PIPELINE_INVALID', `${path ?? 'the pipeline'} is an export and has no source`);
  }
  const { transform, sink } = file;
  const { options, loader = {}, dryRun = false, wait = false } = overrides;
  return {
    store: storeOfPipeline({ file, base }, overrides),
    sources: sourceRequests(file.source, base, file.annotate),
    ...(Object.keys(loader).length === 0 ? {} : { everyLoader: loader }),
    ...(transform === undefined ? {} : { transform: transformOf(transform, base) }),
    options: { ...runOptionsOf(file, RUN_FIELDS), ...options },
    ...(path === undefined ? {} : { pipeline: { file: path, sha256 } }),
    dryRun: dryRun || (sink !== undefined && 'null' in sink),
    wait,
  };
}

/** The export that a sound pipeline asks for; undefined where it has a source instead. */
export function exportRequestOf(
  { file, path, base, sha256 }: ReadPipeline,
  overrides: RunOverrides,
): ExportRequest | undefined {
  if (file.export === undefined) return undefined;
  const { options = {}, loader = {}, dryRun = false, wait = false } = overrides;
  const { maxRejected, ...others } = { ...runOptionsOf(file, RUN_FIELDS), ...options };
  const [foreign] = [...Object.keys(others), ...Object.keys(loader)];
  if (foreign !== undefined) {
    throw new FatalError('CONFIG_INVALID', `the pipeline is an export, which has no option ${foreign}`);
  }
  const [format, fields] = componentOf(file.export) as [string, ExportFields & Record<string, unknown>];
  const { store: _, dataset, version, filter, out, overwrite = false, ...own } = fields;
  return {
    store: storeOfPipeline({ file, base }, overrides),
    dataset,
    ...(version === undefined ? {} : { version }),
    ...(filter === undefined ? {} : { filter }),
    format,
    out: absolute(out, base),
    options: own,
    overwrite,
    ...(maxRejected === undefined ? {} : { maxRejected: String(maxRejected) }),
    ...(path === undefined ? {} : { pipeline: { file: path, sha256 } }),
    dryRun,
    wait,
  };
}

/** The store of a pipeline. What the file names is relative to it; what the caller names stays as it is. */
export function storeOfPipeline(
  { file, base }: Pick<ReadPipeline, 'file' | 'base'>,
  { store, storeGiven }: Pick<RunOverrides, 'store' | 'storeGiven'>,
): string {
  const { sink, export: exported, reindex } = file;
  const ofExport = exported === undefined ? undefined : (componentOf(exported)[1] as Partial<ExportFields>);
  const named = sink !== undefined && 'local' in sink ? sink.local.store : (ofExport ?? reindex)?.store;
  return named === undefined || storeGiven ? store : isS3(named) ? named : resolve(base, named);
}

export const sourceRequests = (
  source: PipelineFile['source'],
  base: string,
  annotate?: LabelEntry[],
): SourceRequest[] => sourcesOf(source).map(({ entry }) => sourceRequest(entry, base, annotate));

function sourceRequest(
  entry: string | SourceEntry,
  base: string,
  shared: LabelEntry[] | undefined,
): SourceRequest {
  const annotate = labelsOf([...(shared ?? []), ...((typeof entry !== 'string' && entry.annotate) || [])]);
  if (typeof entry === 'string') return { source: absolute(entry, base), annotate };
  const [sourceType, { path, ...loader }] = componentOf(entry, BESIDE_LOADER);
  return {
    ...(entry.name === undefined ? {} : { name: entry.name }),
    source: absolute(String(path), base),
    sourceType,
    loader,
    annotate,
  };
}

const labelsOf = (entries: LabelEntry[]): NonNullable<SourceRequest['annotate']> =>
  entries.map((entry) => {
    const [type, options] = componentOf(entry);
    return { type, options };
  });

function transformOf(
  transform: NonNullable<PipelineFile['transform']>,
  base: string,
): { module: string; export?: string } {
  const given = typeof transform === 'string' ? { module: transform } : transform;
  return { ...given, module: resolve(base, given.module) };
}

import type { z } from 'zod';
import type { clarifai } from '../../labels/clarifai.ts';
import type { coco } from '../../labels/coco.ts';
import type { huggingface } from '../../labels/huggingface.ts';
import type { maskOptions } from '../../labels/mask-options.ts';
import type { clarifaiArchive } from '../../loaders/clarifai-archive.ts';
import type { csv } from '../../loaders/csv.ts';
import type { delta } from '../../loaders/delta.ts';
import type { folder } from '../../loaders/folder.ts';
import type { jsonl } from '../../loaders/jsonl.ts';
import type { moduleLoader } from '../../loaders/module.ts';
import type { parquet } from '../../loaders/parquet.ts';
import type { s3 } from '../../loaders/s3.ts';
import type { sdkLog } from '../../loaders/sdk-log.ts';
import type { urlList } from '../../loaders/url-list.ts';
import type { zip } from '../../loaders/zip.ts';
import type { LabelComponent, LoaderComponent } from '../../model/component.ts';
import type { runOptions } from '../config.ts';
import type { scheduleSchema } from '../schedule/options.ts';
import type { reindexSchema } from './reindex-schema.ts';
import type { RUN_FIELDS, SECTIONS } from './schema.ts';
import type { PipelineTest } from './test-schema.ts';

type RunInput = z.input<typeof runOptions>;
/** The options that a section gives, by the names that they have there. */
type Section<Name extends keyof typeof SECTIONS> = {
  -readonly [Field in keyof (typeof SECTIONS)[Name]]?: RunInput[(typeof SECTIONS)[Name][Field] &
    keyof RunInput];
};
type Placed = {
  [Name in keyof typeof SECTIONS]: (typeof SECTIONS)[Name][keyof (typeof SECTIONS)[Name]];
}[keyof typeof SECTIONS];

/** What a loader or label source may be given; what it needs, the linter says. */
type Given<Component> =
  Component extends LoaderComponent<infer Options>
    ? { path: string } & Partial<Options>
    : Component extends LabelComponent<infer Options>
      ? Partial<Options>
      : never;

/** Labels beside a source, by the label source that reads them: `{ coco: { file: 'instances.json' } }`. */
export interface LabelEntry {
  clarifai?: Given<typeof clarifai>;
  coco?: Given<typeof coco>;
  huggingface?: Given<typeof huggingface>;
  masks?: Partial<z.input<typeof maskOptions>>;
}

/** A source by its loader: exactly one of them. */
export interface SourceEntry {
  /** Of one source among several: uris and derived ids begin with it. */
  name?: string;
  /** Labels beside this source. */
  annotate?: LabelEntry[];
  'clarifai-archive'?: Given<typeof clarifaiArchive>;
  csv?: Given<typeof csv>;
  delta?: Given<typeof delta>;
  folder?: Given<typeof folder>;
  jsonl?: Given<typeof jsonl>;
  module?: Given<typeof moduleLoader>;
  parquet?: Given<typeof parquet>;
  s3?: Given<typeof s3>;
  'sdk-log'?: Given<typeof sdkLog>;
  'url-list'?: Given<typeof urlList>;
  zip?: Given<typeof zip>;
}

/** What an export says beside the options of its format. */
export interface ExportFields {
  store?: string;
  dataset: string;
  version?: string;
  filter?: string;
  out: string;
  overwrite?: boolean;
}

/** An export by its format: exactly one of the table of exporters, whose options the linter checks. */
export type ExportEntry = Record<string, ExportFields & Record<string, unknown>>;

/** A pipeline file as an object; docs/pipeline.md explains each field. Relative paths start from its folder. */
export interface PipelineFile {
  name?: string;
  /** There is a source, an export or a reindex. */
  source?: string | SourceEntry | (string | SourceEntry)[];
  transform?: string | { module: string; export?: string };
  label?: Section<'label'>;
  validate?: Omit<RunInput, Placed>;
  annotate?: LabelEntry[];
  batch?: Section<'batch'>;
  sink?: { local: Section<'local'> & { store?: string } } | { null: Record<string, never> };
  export?: ExportEntry;
  reindex?: z.input<typeof reindexSchema>;
  schedule?: string | z.input<typeof scheduleSchema>;
  on_failure?: Section<'on_failure'>;
  tests?: PipelineTest[];
}

/** Types a pipeline: `export default definePipeline({ source: 'photos/' })`. */
export const definePipeline = (pipeline: PipelineFile): PipelineFile => pipeline;

/** The sections that hold options of a run, as they stand in a file. */
export function runOptionsOf(
  file: Partial<PipelineFile>,
  fields: typeof RUN_FIELDS,
): Record<string, unknown> {
  const { label, validate, batch, sink, on_failure } = file;
  const local = sink !== undefined && 'local' in sink ? sink.local : undefined;
  const options: Record<string, unknown> = {};
  for (const [name, given] of Object.entries({ label, validate, batch, local, on_failure })) {
    for (const [field, option] of Object.entries(fields[name as keyof typeof fields])) {
      const value = (given as Record<string, unknown> | undefined)?.[field];
      if (value !== undefined) options[option] = value;
    }
  }
  return options;
}

/** The one component that an entry names, and its options. */
export function componentOf(
  entry: object,
  others: readonly string[] = [],
): [name: string, options: Record<string, unknown>] {
  const [found] = Object.entries(entry).filter(([key]) => !others.includes(key));
  return found as [string, Record<string, unknown>];
}

/** What an entry of `source` may have beside its loader. */
export const BESIDE_LOADER = ['name', 'annotate'];

/** The sources of a pipeline as a list, each with its place in the file. */
export function sourcesOf(
  source: PipelineFile['source'],
): { entry: string | SourceEntry; path: (string | number)[] }[] {
  if (source === undefined) return [];
  return Array.isArray(source)
    ? source.map((entry, i) => ({ entry, path: ['source', i] }))
    : [{ entry: source, path: ['source'] }];
}

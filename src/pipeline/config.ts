import { hash } from 'node:crypto';
import { z } from 'zod';
import { REPAIR_STEPS } from '../media/repair/steps.ts';
import { DEVICES, type Device } from '../model/embedding.ts';
import { FatalError } from '../model/errors.ts';

const percentOrCount = z
  .string()
  .regex(/^\d+(\.\d+)?%?$/, 'expected a count such as 10 or a share such as 1%');

/** The options of a run that do not depend on the loader. Defaults are those of DESIGN.md §6a. */
export const runOptions = z.strictObject({
  dataset: z.string().min(1).max(200).default('default').describe('Dataset that the inputs join'),
  profile: z.string().default('clarifai').describe('Upload limits: clarifai or open (docs/limits.md)'),
  limit: z
    .record(z.string(), z.string())
    .default({})
    .describe('Override one limit of the profile, as NAME=VALUE; repeatable'),
  check: z
    .enum(['decode', 'header'])
    .default('decode')
    .describe('How far images are checked: a full decode finds truncation, header only reads their size'),
  repair: z
    .array(z.enum(REPAIR_STEPS))
    .default([])
    .describe(
      'What may be done to items over the limits or in formats that are not taken: downscale, reencode, transcode, split; repeatable',
    ),
  concept: z
    .array(z.string().min(1))
    .default([])
    .describe('Concept for every input, as ID, ID=1 or ID=0; repeatable'),
  metadata: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Metadata for every input, as a JSON object; an item’s own values win'),
  split: z.string().min(1).optional().describe('Split for every input that brings none, such as train'),
  onExisting: z
    .enum(['merge', 'overwrite', 'keep'])
    .default('merge')
    .describe('Labels of an input that is already stored with the same bytes'),
  onDuplicate: z
    .enum(['reject', 'suffix', 'replace'])
    .default('reject')
    .describe('An input whose id is stored with other bytes'),
  onAnnotations: z
    .enum(['append', 'replace', 'keep'])
    .default('append')
    .describe('Annotations of an input that is already stored with the same bytes'),
  media: z
    .enum(['copy', 'hardlink', 'reference'])
    .default('copy')
    .describe('How original bytes get into the store'),
  verify: z.boolean().default(false).describe('Read items again whose size and time have not changed'),
  concurrency: z.number().int().min(1).max(256).optional().describe('Items read and checked at once'),
  batchItems: z.number().int().min(1).max(128).default(32).describe('Most items in one request'),
  batchMegabytes: z
    .number()
    .positive()
    .max(128)
    .default(128)
    .describe('One request stays under this, serialised (MB of 1 000 000 bytes)'),
  index: z.boolean().default(true).describe('Store only, and leave embedding to sluice reindex'),
  device: z
    .array(z.enum(DEVICES))
    .default([])
    .describe('Device to embed on, tried in the order given (default: cuda, webgpu, cpu); repeatable'),
  maxRejected: percentOrCount
    .default('0')
    .describe('Rejected and failed items (a count or N%) up to which the exit code stays 0'),
});
export type RunOptions = z.infer<typeof runOptions>;

export interface LabelsConfig {
  /** Of the table of label sources. */
  type: string;
  options: Record<string, unknown>;
}

export interface SourceConfig {
  /** Where there are several sources. */
  name?: string;
  /** Absolute path of the source, or its address. */
  source: string;
  sourceType: string;
  /** The loader's own options, with defaults filled in. */
  loader: Record<string, unknown>;
  annotate: LabelsConfig[];
}

export interface TransformConfig {
  /** Absolute path of the module. */
  module: string;
  /** Name of the exported function. */
  export: string;
}

/** What an export was asked to do. */
export interface ExportConfig {
  version: string;
  format: string;
  /** Folder where an export to S3 is written before it is uploaded. */
  staging?: string;
  /** The exporter's own, with defaults filled in. */
  options: Record<string, unknown>;
  /** Absolute path of the file or folder. */
  out: string;
  overwrite: boolean;
}

/** What a re-index was asked to do. */
export interface ReindexConfig {
  /** The base that it works towards. */
  generation: string;
  /** Generations that searches used before and that stay. */
  keepGenerations: number;
  devices: Device[];
  /** Only the inputs that the run's selection names, which is kept beside its ledger. */
  selected?: true;
}

/** What a run was asked to do; kept in run.json, so that `resume` and `retry` repeat it. Holds no secrets. */
export interface RunConfig {
  sources: SourceConfig[];
  transform?: TransformConfig;
  /** The pipeline file that the run was read from. */
  pipeline?: { file: string; sha256: string };
  /** Of an export, whose one source is the version. */
  export?: ExportConfig;
  /** Of a re-index, whose one source is the store. */
  reindex?: ReindexConfig;
  options: RunOptions;
}

/** Validates options, or throws FatalError CONFIG_INVALID naming each field. */
export function parseOptions<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((i) => `${i.path.join('.') || what}: ${i.message}`);
  throw new FatalError('CONFIG_INVALID', `${what} cannot be used: ${problems.join('; ')}`, {
    cause: parsed.error,
  });
}

/** SHA-256 of a config or a part of one, the same for the same options whatever their order. */
export function configHash(config: object): string {
  return hash('sha256', stableJson(config), 'hex');
}

function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

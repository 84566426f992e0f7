import { resolve } from 'node:path';
import type { RunEnvironment } from '../environment.ts';
import { exportDataset } from '../export/export.ts';
import { ingest } from '../ingest.ts';
import type { RunReport } from '../report.ts';
import type { PipelineFile } from './pipeline-file.ts';
import { checkObject, type ReadPipeline, readPipeline, requireSound } from './read.ts';
import { reindexSchema } from './reindex-schema.ts';
import { runReindexOf } from './run-reindex.ts';
import { exportRequestOf, type RunOverrides, requestOf } from './to-request.ts';

export interface PipelineRequest extends RunOverrides {
  /** Path of a pipeline file, or the same as an object. */
  pipeline: string | PipelineFile;
  /** What relative paths of an object start from; the current folder unless given. */
  base?: string;
}

/** A sound pipeline. Throws FatalError PIPELINE_INVALID with all that is wrong, each by file, line and column. */
export async function openPipeline(pipeline: string | PipelineFile, base = '.'): Promise<ReadPipeline> {
  const read = await (typeof pipeline === 'string'
    ? readPipeline(pipeline)
    : checkObject(pipeline, resolve(base)));
  requireSound(read);
  return read;
}

/** Runs a pipeline as one run, and gives its report; as `ingest`, `exportDataset` or `reindex`, which it is made into. */
export async function runPipeline(
  request: PipelineRequest,
  env?: Partial<RunEnvironment>,
): Promise<RunReport> {
  return runRead(await openPipeline(request.pipeline, request.base), request, env);
}

/** As `runPipeline`, of one that is sound. */
export function runRead(
  pipeline: ReadPipeline,
  overrides: RunOverrides,
  env?: Partial<RunEnvironment>,
): Promise<RunReport> {
  const { reindex } = pipeline.file;
  if (reindex !== undefined) return runReindexOf(pipeline, reindexSchema.parse(reindex), overrides, env);
  const exported = exportRequestOf(pipeline, overrides);
  return exported === undefined ? ingest(requestOf(pipeline, overrides), env) : exportDataset(exported, env);
}

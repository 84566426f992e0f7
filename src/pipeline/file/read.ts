import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { asError, FatalError } from '../../model/errors.ts';
import { checkPipeline } from './check.ts';
import { asProblem, type Issue } from './issues.ts';
import type { PipelineFile } from './pipeline-file.ts';
import { headline, type PipelineProblem } from './problem.ts';
import { pipelineSchema } from './schema.ts';
import { MAX_FILE_BYTES, readYaml, type Yaml } from './yaml.ts';

/** A pipeline as it was read, with everything that is wrong with it. */
export interface ReadPipeline {
  /** Absolute; of a pipeline given as an object, absent. */
  path?: string;
  /** What its relative paths start from. */
  base: string;
  sha256: string;
  /** Sound only where no problem is an error. */
  file: PipelineFile;
  /** In the order of the file. */
  problems: PipelineProblem[];
}

/** Reads and checks a pipeline file. Throws FatalError PIPELINE_INVALID only when there is no text to look at. */
export async function readPipeline(path: string): Promise<ReadPipeline> {
  const text = await readText(path);
  const yaml = readYaml(text);
  const base = dirname(resolve(path));
  const read = { path: resolve(path), base, sha256: hash('sha256', text, 'hex') };
  const schema = await pipelineSchema();
  const file = asWritten(schema, yaml);
  const { errors, warnings } = yaml.broken
    ? { errors: [], warnings: [] }
    : await checkPipeline(schema, file, base);
  const at = (issue: Issue) => ({ ...asProblem(issue), ...yaml.placeOf(issue.path, issue.what) });
  const problems = [
    ...yaml.problems,
    ...errors.map(at),
    ...warnings.map((issue) => ({ ...at(issue), severity: 'warning' as const })),
  ];
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return { ...read, file: file as PipelineFile, problems };
}

/** Checks a pipeline that was made in code. */
export async function checkObject(file: PipelineFile, base: string): Promise<ReadPipeline> {
  const { errors, warnings } = await checkPipeline(await pipelineSchema(), file, base);
  const problems = [
    ...errors.map(asProblem),
    ...warnings.map((issue) => ({ ...asProblem(issue), severity: 'warning' as const })),
  ];
  return { base, sha256: hash('sha256', JSON.stringify(file), 'hex'), file, problems };
}

/** Throws FatalError PIPELINE_INVALID with everything that is wrong with a pipeline. */
export function requireSound({ path, problems }: ReadPipeline): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const name = path ?? 'the pipeline';
  throw new FatalError('PIPELINE_INVALID', errors.map((problem) => headline(name, problem)).join('; '));
}

/** Its size is looked at before it is read. */
async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) throw new Error('it is a folder; sluice ingest takes folders');
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size <= MAX_FILE_BYTES) return await file.readFile('utf8');
    throw new FatalError(
      'PIPELINE_INVALID',
      `${path} has ${stats.size} bytes, and a pipeline file at most ${MAX_FILE_BYTES}`,
      {
        measured: stats.size,
        limit: MAX_FILE_BYTES,
      },
    );
  } catch (error) {
    if (error instanceof FatalError) throw error;
    throw new FatalError('PIPELINE_INVALID', `${path} cannot be read: ${asError(error).message}`, {
      cause: error,
    });
  }
}

/** A number where a text is expected is the text as it is written: `maxRejected: 10`. */
function asWritten(schema: z.ZodType, yaml: Yaml): unknown {
  for (const { code, path, ...issue } of schema.safeParse(yaml.value).error?.issues ?? []) {
    if (code !== 'invalid_type' || !('expected' in issue) || issue.expected !== 'string') continue;
    const written = yaml.writtenAt(path);
    if (written !== undefined) set(yaml.value, path, written);
  }
  return yaml.value;
}

function set(value: unknown, path: readonly PropertyKey[], to: string): void {
  const inside = path.slice(0, -1).reduce((at, key) => (at as Record<PropertyKey, unknown>)[key], value);
  (inside as Record<PropertyKey, unknown>)[path.at(-1)!] = to;
}

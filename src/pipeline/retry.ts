import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { resolvePlace } from '../io/place.ts';
import { isS3 } from '../io/s3/address.ts';
import { FatalError } from '../model/errors.ts';
import { parseOptions, type RunConfig, runOptions } from './config.ts';
import { contextOf, environment, type RunEnvironment } from './environment.ts';
import { retryReindex } from './indexing/reindex.ts';
import { beginRun } from './ingest.ts';
import { selectedByLog } from './log-selection.ts';
import type { RunReport } from './report.ts';
import type { RunFolder, RunManifest } from './run-folder.ts';
import { isRunId, newRunId } from './run-id.ts';
import { Selection, type SelectionFilter } from './selection.ts';
import { openSources, resolveSources, type SourceRequest } from './source.ts';
import { StoreRuns } from './store-runs.ts';
import type { Target } from './target.ts';

export interface RetryRequest extends Target, SelectionFilter {
  /** A run's `failures.jsonl`, or an upload log of the official Python SDK. */
  failures: string;
  /** Of an upload log: what was uploaded; without it the paths and texts in the log are taken. */
  source?: SourceRequest;
  /** Of an upload log without a source: also take files outside its folder. */
  allowOutside?: boolean;
  /** Of an upload log: options of the run. A run's failures are taken up with the options of that run. */
  options?: Record<string, unknown>;
}

/** Whether a file is an upload log, by its name: `Dataset_Upload<seconds>.log`. */
export const isUploadLog = (path: string): boolean => path.endsWith('.log');

/** The store and run that a failures file lies in: `<store>/runs/<run-id>/failures.jsonl`. */
export function runOfFailures(failures: string): { store: string; runId: string } {
  const folder = dirname(resolvePlace(failures));
  const runId = basename(folder);
  const runs = dirname(folder);
  if (!isRunId(runId) || basename(runs) !== 'runs') {
    throw new FatalError(
      'CONFIG_INVALID',
      `${failures}: expected a failures file in its run’s folder, <store>/runs/<run-id>/failures.jsonl`,
    );
  }
  return { store: dirname(runs), runId };
}

/**
 * Takes up the failed (and on request rejected) items of an earlier run, as a new run with the same options.
 *
 * `listed` is what was selected; an item that the source no longer has is an outcome too.
 */
export async function retry(request: RetryRequest, given?: Partial<RunEnvironment>): Promise<RunReport> {
  const env = environment(given);
  if (isUploadLog(request.failures)) return retryLog(request, env);
  const earlier = runOfFailures(request.failures);
  const runs = await StoreRuns.of(earlier.store, env);
  const manifest = await runs.folder(earlier.runId).manifest();
  return runs.reading(earlier.runId, (folder) => retryRun(request, folder, manifest, env));
}

async function retryRun(
  request: RetryRequest,
  earlier: RunFolder,
  manifest: RunManifest,
  env: RunEnvironment,
): Promise<RunReport> {
  // A temporary copy, where the run is in a bucket.
  const failures = isS3(request.failures) ? earlier.failures : request.failures;
  if (!existsSync(failures)) {
    throw new FatalError(
      'RUN_NOT_FOUND',
      `${request.failures} is gone; sluice runs prune removes such files`,
    );
  }
  if (manifest.command === 'export') {
    const message = `${request.failures} is of an export; export again when what the failures name is in place`;
    throw new FatalError('CONFIG_INVALID', message);
  }
  if (manifest.config.reindex !== undefined) return retryReindex({ ...request, failures }, manifest, env);
  const config = structuredClone(manifest.config);
  if (request.retryDuplicates) config.options.onDuplicate = 'suffix';
  const sources = await openSources(config, request.store, contextOf(env));
  try {
    return await beginRun(
      {
        command: 'retry',
        target: request,
        runId: newRunId(env.clock.now(), randomUUID()),
        config,
        sources,
        retryOf: earlier.runId,
        prepare: async (part, folder) => {
          const path = join(part, basename(folder.selection));
          const selection = await Selection.make(failures, request, path);
          await selection.knowEarlier(earlier.ledger);
          return selection.narrow(sources.loader, folder.selection);
        },
      },
      env,
    );
  } finally {
    await sources.close();
  }
}

/** An upload log knows neither stages nor codes of ours: a duplicate is one, and everything else failed to be delivered. */
async function retryLog(request: RetryRequest, env: RunEnvironment): Promise<RunReport> {
  const { stage = 'deliver', code } = request;
  const duplicates = request.retryDuplicates === true;
  if (stage !== 'deliver' || (code !== undefined && !(duplicates && code === 'INPUT_DUPLICATE'))) {
    throw new FatalError(
      'CONFIG_INVALID',
      'an upload log has no stages and codes to select by; --retry-duplicates takes up its duplicates as well',
    );
  }
  const log = resolve(request.failures);
  if (!existsSync(log)) throw new FatalError('SOURCE_NOT_FOUND', `${request.failures} does not exist`);
  const options = parseOptions(
    runOptions,
    { ...request.options, ...(duplicates ? { onDuplicate: 'suffix' } : {}) },
    'the options of the run',
  );
  const source = request.source ?? {
    source: log,
    sourceType: 'sdk-log',
    loader: { duplicates, allowOutside: request.allowOutside === true },
  };
  const config: RunConfig = { sources: await resolveSources([source]), options };
  const sources = await openSources(config, request.store, contextOf(env));
  const narrowed =
    request.source === undefined
      ? {}
      : {
          retryLog: { path: log, duplicates },
          prepare: () => selectedByLog(sources.loader, log, { duplicates }),
        };
  try {
    return await beginRun(
      {
        command: 'retry',
        target: request,
        runId: newRunId(env.clock.now(), randomUUID()),
        config,
        sources,
        ...narrowed,
      },
      env,
    );
  } finally {
    await sources.close();
  }
}

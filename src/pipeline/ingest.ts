import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Loader, Sink } from '../model/contracts.ts';
import { openPlan } from '../stores/index.ts';
import { resolveProfile } from '../validation/index.ts';
import { Accounts } from './accounts.ts';
import { configHash, parseOptions, type RunConfig, runOptions } from './config.ts';
import { environment, type RunEnvironment } from './environment.ts';
import { RunLabels } from './labels.ts';
import { emptyBatchTotals, type RunReport } from './report.ts';
import { RunFolder } from './run-folder.ts';
import { newRunId } from './run-id.ts';
import { SeenIds } from './seen.ts';
import { runSession } from './session.ts';
import { openSource } from './source.ts';
import { openTarget, type Target } from './target.ts';
import { versions } from './versions.ts';

export interface IngestRequest extends Target {
  /** A folder, or a .csv, .tsv or .zip file. */
  source: string;
  /** Detected when absent. */
  sourceType?: string;
  /** The loader's own options (docs/loaders). */
  loader?: Record<string, unknown>;
  /** Options of the run (docs/cli/ingest.md). */
  options?: Record<string, unknown>;
  /** Lists, probes and plans batches without writing. */
  dryRun?: boolean;
}

/**
 * Brings a source into a store as one new run, and gives its report.
 *
 * Bad items are outcomes in the report; what ends the run early is in `report.error`. Throws FatalError only for what
 * keeps a run from beginning: options, source, lock.
 */
export async function ingest(request: IngestRequest, given?: Partial<RunEnvironment>): Promise<RunReport> {
  const env = environment(given);
  const options = parseOptions(runOptions, request.options ?? {}, 'the options of the run');
  // Before anything is made in the store: what cannot be used is said at once.
  resolveProfile(options.profile, options.limit);
  new RunLabels(options);
  const opened = await openSource(request.source, request.sourceType, request.loader ?? {}, request.store);
  const config: RunConfig = {
    source: opened.source,
    sourceType: opened.sourceType,
    loader: opened.options,
    options,
  };
  const runId = newRunId(env.clock.now(), randomUUID());
  if (request.dryRun) return dryRun(request, opened.loader, config, runId, env);
  return beginRun({ command: 'ingest', target: request, runId, config, loader: opened.loader }, env);
}

export interface Beginning {
  command: RunReport['command'];
  target: Target;
  runId: string;
  config: RunConfig;
  loader: Loader;
  retryOf?: string;
  /** Puts more files into `part`, the run's folder before it appears under its name; may narrow the loader. */
  prepare?(part: string, folder: RunFolder): Promise<Loader>;
}

/** Takes the store, makes the run's folder, and runs. */
export async function beginRun(beginning: Beginning, env: RunEnvironment): Promise<RunReport> {
  const { command, target, runId, config } = beginning;
  const { sink, runsDir } = await openTarget(target, runId, config, env);
  try {
    let { loader } = beginning;
    const startedAt = new Date(env.clock.now()).toISOString();
    const fingerprint = await loader.fingerprint();
    const folder = new RunFolder(runsDir, runId);
    await folder.create(
      {
        schema: 1,
        type: 'run',
        runId,
        command,
        ...(beginning.retryOf === undefined ? {} : { retryOf: beginning.retryOf }),
        config,
        configHash: configHash(config),
        source: { describes: loader.describes, ...(fingerprint === undefined ? {} : { fingerprint }) },
        versions: versions(),
        startedAt,
      },
      async (part) => {
        if (beginning.prepare !== undefined) loader = await beginning.prepare(part, folder);
      },
    );
    return await runNew(runId, command, config, loader, sink, startedAt, env, folder);
  } finally {
    await sink.close();
  }
}

async function dryRun(
  target: Target,
  loader: Loader,
  config: RunConfig,
  runId: string,
  env: RunEnvironment,
): Promise<RunReport> {
  const spoolDir = await mkdtemp(join(tmpdir(), 'sluice-plan-'));
  try {
    const { dataset, onExisting, onDuplicate } = config.options;
    const sink = await openPlan(resolve(target.store), { spoolDir, dataset, onExisting, onDuplicate });
    const startedAt = new Date(env.clock.now()).toISOString();
    try {
      return await runNew(runId, 'ingest', config, loader, sink, startedAt, env);
    } finally {
      await sink.close();
    }
  } finally {
    await rm(spoolDir, { recursive: true, force: true });
  }
}

function runNew(
  runId: string,
  command: RunReport['command'],
  config: RunConfig,
  loader: Loader,
  sink: Sink,
  startedAt: string,
  env: RunEnvironment,
  folder?: RunFolder,
): Promise<RunReport> {
  return runSession(
    {
      runId,
      command,
      config,
      loader,
      sink,
      seen: SeenIds.in(sink.spoolDir),
      ...(folder === undefined ? {} : { folder }),
      startedAt,
      resumed: false,
      accounts: new Accounts(),
      batches: emptyBatchTotals(),
      bytesRead: 0,
    },
    env,
  );
}

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolvePlace } from '../io/place.ts';
import type { Loader } from '../model/contracts.ts';
import { openPlan } from '../stores/index.ts';
import { resolveProfile } from '../validation/index.ts';
import { Accounts } from './accounts.ts';
import { configHash, parseOptions, type RunConfig, runOptions } from './config.ts';
import { contextOf, environment, type RunEnvironment } from './environment.ts';
import { RunLabels } from './labels.ts';
import { emptyBatchTotals, type RunReport } from './report.ts';
import { writePage } from './report-page.ts';
import type { RunFolder, RunManifest } from './run-folder.ts';
import { newRunId } from './run-id.ts';
import { SeenIds } from './seen.ts';
import { runSession, type Session } from './session.ts';
import { type OpenedSources, openSources, resolveSources, type SourceRequest } from './source.ts';
import { openTarget, type Target } from './target.ts';
import { versions } from './versions.ts';

interface IngestOptions extends Target {
  /** A function for each item, between the listing and the read (docs/pipeline.md). */
  transform?: { module: string; export?: string };
  /** Options that go to each source whose loader has them, such as `idPrefix`. */
  everyLoader?: Record<string, unknown>;
  /** Options of the run (docs/cli/ingest.md). */
  options?: Record<string, unknown>;
  /** The file that this request was read from, for the run's manifest. */
  pipeline?: { file: string; sha256: string };
  /** Lists, probes and plans batches without writing. */
  dryRun?: boolean;
}

/** One source, or several in one run. */
export type IngestRequest = IngestOptions & (SourceRequest | { sources: readonly SourceRequest[] });

/**
 * Brings one source or several into a store as one new run, and gives its report.
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
  const config: RunConfig = {
    sources: await resolveSources('sources' in request ? request.sources : [request], request.everyLoader),
    ...(request.transform === undefined ? {} : { transform: { export: 'default', ...request.transform } }),
    ...(request.pipeline === undefined ? {} : { pipeline: request.pipeline }),
    options,
  };
  const runId = newRunId(env.clock.now(), randomUUID());
  const sources = await openSources(config, request.store, contextOf(env));
  try {
    if (request.dryRun) return await dryRun(request, sources, config, runId, env);
    return await beginRun({ command: 'ingest', target: request, runId, config, sources }, env);
  } finally {
    await sources.close();
  }
}

export interface Beginning {
  command: RunReport['command'];
  target: Target;
  runId: string;
  config: RunConfig;
  sources: OpenedSources;
  retryOf?: string;
  retryLog?: RunManifest['retryLog'];
  /** Puts more files into `part`, the run's folder before it appears under its name; may narrow the loader. */
  prepare?(part: string, folder: RunFolder): Promise<Loader>;
}

/** Takes the store, makes the run's folder, and runs. */
export async function beginRun(beginning: Beginning, env: RunEnvironment): Promise<RunReport> {
  const { command, target, runId, config, sources } = beginning;
  const opened = await openTarget(target, runId, config, env);
  const { sink, runs, index } = opened;
  let report: RunReport;
  try {
    let { loader } = sources;
    const startedAt = new Date(env.clock.now()).toISOString();
    const fingerprint = await loader.fingerprint();
    const folder = runs.folder(runId);
    await folder.create(
      {
        schema: 1,
        type: 'run',
        runId,
        command,
        ...(beginning.retryOf === undefined ? {} : { retryOf: beginning.retryOf }),
        ...(beginning.retryLog === undefined ? {} : { retryLog: beginning.retryLog }),
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
    const run = { runId, command, config, sources, loader, sink, startedAt, folder };
    report = await runNew(index === undefined ? run : { ...run, index }, env);
  } finally {
    await opened.close();
  }
  await writePage(target, report, env);
  return report;
}

async function dryRun(
  target: Target,
  sources: OpenedSources,
  config: RunConfig,
  runId: string,
  env: RunEnvironment,
): Promise<RunReport> {
  const spoolDir = await mkdtemp(join(tmpdir(), 'sluice-plan-'));
  try {
    const { dataset, onExisting, onDuplicate, onAnnotations } = config.options;
    const policy = { dataset, onExisting, onDuplicate, onAnnotations };
    const sink = await openPlan(resolvePlace(target.store), { spoolDir, ...policy });
    const startedAt = new Date(env.clock.now()).toISOString();
    try {
      const { loader } = sources;
      return await runNew({ runId, command: 'ingest', config, sources, loader, sink, startedAt }, env);
    } finally {
      await sink.close();
    }
  } finally {
    await rm(spoolDir, { recursive: true, force: true });
  }
}

type NewRun = Pick<
  Session,
  'runId' | 'command' | 'config' | 'sources' | 'loader' | 'sink' | 'startedAt' | 'folder' | 'index'
>;

function runNew(run: NewRun, env: RunEnvironment): Promise<RunReport> {
  return runSession(
    {
      ...run,
      seen: SeenIds.in(run.sink.spoolDir),
      resumed: false,
      accounts: new Accounts(),
      batches: emptyBatchTotals(),
      bytesRead: 0,
    },
    env,
  );
}

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JsonlWriter, readJsonlBlocks } from '../../io/jsonl.ts';
import { resolvePlace } from '../../io/place.ts';
import { FatalError } from '../../model/errors.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Generation } from '../../model/workflow.ts';
import { changeIndexState, openIndexWriter, openReader, readIndexState } from '../../stores/index.ts';
import { configHash, parseOptions, type ReindexConfig, type RunConfig, runOptions } from '../config.ts';
import { contextOf, environment, type RunEnvironment } from '../environment.ts';
import type { RunReport } from '../report.ts';
import { writePage } from '../report-page.ts';
import type { RunFolder, RunManifest } from '../run-folder.ts';
import { newRunId } from '../run-id.ts';
import { matches, type SelectionFilter } from '../selection.ts';
import { StoreRuns } from '../store-runs.ts';
import { versions } from '../versions.ts';
import { inWords, withBase } from './generations.ts';
import { type OpenModels, openWorkflow, workflowOf } from './open-models.ts';
import { ReindexLedger } from './reindex-ledger.ts';
import { planReindex } from './reindex-plan.ts';
import { KEPT_GENERATIONS, type ReindexRequest } from './reindex-request.ts';
import { runReindex } from './reindex-run.ts';

/** What the inputs of a re-index are a part of: all datasets. */
const ALL_DATASETS = '*';

type ReindexRunConfig = RunConfig & { reindex: ReindexConfig };

/**
 * Embeds every input of a store under its base workflow, then lets searches use that.
 *
 * What is embedded already is skipped, so the same call goes on after a kill. Inputs that cannot be embedded are
 * outcomes in the report and do not hold up the rest. Throws FatalError only for what keeps it from beginning.
 */
export async function reindex(request: ReindexRequest, given?: Partial<RunEnvironment>): Promise<RunReport> {
  const env = environment(given);
  const store = resolvePlace(request.store);
  const { ids, devices = [], keepGenerations = KEPT_GENERATIONS, maxRejected } = request;
  const options = parseOptions(
    runOptions,
    { dataset: ALL_DATASETS, ...(maxRejected === undefined ? {} : { maxRejected }) },
    'the options of the run',
  );
  const config: ReindexRunConfig = {
    sources: [{ source: store, sourceType: 'store', loader: {}, annotate: [] }],
    ...(request.pipeline === undefined ? {} : { pipeline: request.pipeline }),
    reindex: {
      generation: '',
      keepGenerations,
      devices: [...devices],
      ...(ids === undefined ? {} : { selected: true }),
    },
    options,
  };
  const runId = newRunId(env.clock.now(), randomUUID());
  if (request.dryRun) return planReindex({ store, runId, config, ids: setOf(ids) }, env);
  const folder = (await StoreRuns.of(store, env)).folder(runId);
  const begin = async (generation: string) => {
    config.reindex.generation = generation;
    await create(folder, 'reindex', config, ids, env);
  };
  return run({ command: 'reindex', store, config, folder, wait: request.wait === true, begin }, env);
}

/** Goes on with a re-index that was cut off: the same run, the same ledger. */
export async function resumeReindex(
  { store, wait = false }: Pick<ReindexRequest, 'store' | 'wait'>,
  folder: RunFolder,
  manifest: RunManifest,
  env: RunEnvironment,
): Promise<RunReport> {
  const { command } = manifest;
  const config = manifest.config as ReindexRunConfig;
  const begin = async (generation: string) => {
    if (generation === config.reindex.generation) return folder.fetch();
    // Its ledger tells what was embedded under another workflow.
    throw new FatalError(
      'WORKFLOW_CHANGED',
      `the base workflow is another one than when run ${folder.runId} began; sluice reindex begins a new run`,
    );
  };
  return run({ command, store: resolvePlace(store), config, folder, wait, begin }, env);
}

/** Takes up inputs that failed in an earlier re-index, as a new run. */
export async function retryReindex(
  {
    store,
    wait = false,
    failures,
    ...filter
  }: SelectionFilter & { store: string; wait?: boolean; failures: string },
  { runId: retryOf, config: earlier }: RunManifest,
  env: RunEnvironment,
): Promise<RunReport> {
  const config = structuredClone(earlier) as ReindexRunConfig;
  config.reindex.selected = true;
  const root = resolvePlace(store);
  const folder = (await StoreRuns.of(root, env)).folder(newRunId(env.clock.now(), randomUUID()));
  const begin = async (generation: string) => {
    config.reindex.generation = generation;
    const ids = new Set<string>();
    for await (const block of readJsonlBlocks<Outcome>(failures, { type: 'failures' })) {
      for (const line of block)
        if (line.inputId !== undefined && matches(line, filter)) ids.add(line.inputId);
    }
    await create(folder, 'retry', config, [...ids], env, retryOf);
  };
  return run({ command: 'retry', store: root, config, folder, wait, begin }, env);
}

interface Beginning {
  command: RunReport['command'];
  store: string;
  config: ReindexRunConfig;
  folder: RunFolder;
  wait: boolean;
  /** Makes the run's folder, once nothing can keep the run from beginning. */
  begin(generation: string): Promise<void>;
}

async function run(
  { command, store, config, folder, wait, begin }: Beginning,
  env: RunEnvironment,
): Promise<RunReport> {
  const { runId } = folder;
  const models = await openBase(store, config.reindex, env);
  let report: RunReport;
  try {
    const writer = await openIndexWriter(store, models.generation.models, { runId, wait }, contextOf(env));
    try {
      const reader = await openReader(store);
      try {
        await assertBase(store, models.generation);
        await begin(models.generation.id);
        const { startedAt } = await folder.manifest();
        const { bytesRead = 0, vectors = 0 } = (await folder.readCheckpoint()) ?? {};
        const ledger = await ReindexLedger.open(folder, env.clock);
        const ids = config.reindex.selected ? await readSelection(folder) : undefined;
        const counted = { bytesRead, vectors };
        const job = {
          command,
          runId,
          store,
          config,
          folder,
          startedAt,
          models,
          writer,
          reader,
          ledger,
          counted,
        };
        report = await runReindex(ids === undefined ? job : { ...job, ids }, env);
      } finally {
        reader.close();
      }
    } finally {
      await writer.close();
    }
  } finally {
    await models.close();
  }
  await writePage({ store }, report, env);
  return report;
}

/**
 * Opens the models of the base workflow. Where their files are others than when it was set, the base is a new
 * generation from now on.
 */
async function openBase(store: string, { devices }: ReindexConfig, env: RunEnvironment): Promise<OpenModels> {
  const { base } = await readIndexState(store);
  const models = await openWorkflow(workflowOf(base), devices, env);
  if (base.models.length === 0 || models.generation.id === base.id) return models.as(base);
  env.logger.warn(
    { was: base.id, is: models.generation.id },
    `the files of a model of the workflow ${base.workflow} have changed; all inputs are embedded anew`,
  );
  const { generation } = models;
  await changeIndexState(
    store,
    (state) => (state.base.id === base.id ? withBase(state, generation) : state),
    contextOf(env),
  );
  return models;
}

/** Another may have been set while this waited for the lock. */
async function assertBase(store: string, opened: Generation): Promise<void> {
  const { base } = await readIndexState(store);
  if (base.id === opened.id) return;
  throw new FatalError(
    'WORKFLOW_CHANGED',
    `the base workflow was ${inWords(opened)} and is ${inWords(base)} now`,
  );
}

async function create(
  folder: RunFolder,
  command: RunReport['command'],
  config: ReindexRunConfig,
  ids: readonly string[] | undefined,
  env: RunEnvironment,
  retryOf?: string,
): Promise<void> {
  await folder.create(
    {
      schema: 1,
      type: 'run',
      runId: folder.runId,
      command,
      ...(retryOf === undefined ? {} : { retryOf }),
      config,
      configHash: configHash(config),
      source: { describes: ids === undefined ? 'all inputs of the store' : 'selected inputs of the store' },
      versions: versions(),
      startedAt: new Date(env.clock.now()).toISOString(),
    },
    async (part) => {
      if (ids === undefined) return;
      const writer = new JsonlWriter(join(part, 'selection.jsonl'), 'selection');
      try {
        for (const inputId of new Set(ids)) writer.append({ inputId });
        await writer.flush({ sync: true });
      } finally {
        writer.close();
      }
    },
  );
}

async function readSelection({ selection, runId }: RunFolder): Promise<Set<string>> {
  if (!existsSync(selection)) throw new FatalError('RUN_NOT_FOUND', `the selection of run ${runId} is gone`);
  const ids = new Set<string>();
  for await (const block of readJsonlBlocks<{ inputId: string }>(selection, { type: 'selection' })) {
    for (const { inputId } of block) ids.add(inputId);
  }
  return ids;
}

const setOf = (ids: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  ids === undefined ? undefined : new Set(ids);

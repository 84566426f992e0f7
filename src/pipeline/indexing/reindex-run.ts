import { KeyTable } from '../../io/key-table.ts';
import { contentKey } from '../../model/content-key.ts';
import type { Context } from '../../model/contracts.ts';
import { asError, FatalError } from '../../model/errors.ts';
import type { Input } from '../../model/input.ts';
import type { IndexWriter } from '../../model/vector-index.ts';
import {
  dropUnusedVectors,
  ensureVectorIndex,
  type LocalReader,
  removeStaleOfOthers,
} from '../../stores/index.ts';
import type { ReindexConfig, RunConfig } from '../config.ts';
import { contextOf, type RunEnvironment } from '../environment.ts';
import { Heartbeat } from '../heartbeat.ts';
import { type Ending, emptyBatchTotals, judge, type RunReport } from '../report.ts';
import type { RunFolder } from '../run-folder.ts';
import { saveReport } from '../save-report.ts';
import { cutOver } from './generations.ts';
import { reportedModels } from './index-accounts.ts';
import { Indexer } from './indexer.ts';
import type { OpenModels } from './open-models.ts';
import { indexPass } from './pass.ts';
import type { ReindexLedger } from './reindex-ledger.ts';
import { embedContext } from './run-index.ts';

/** So often inputs that were added meanwhile are looked for; a run that still adds some embeds them at its own end. */
const MAX_PASSES = 20;

/** A re-index that is about to begin or to go on. */
export interface ReindexJob {
  command: RunReport['command'];
  runId: string;
  /** Absolute path. */
  store: string;
  config: RunConfig & { reindex: ReindexConfig };
  folder: RunFolder;
  startedAt: string;
  models: OpenModels;
  writer: IndexWriter;
  reader: LocalReader;
  ledger: ReindexLedger;
  /** Only these inputs. */
  ids?: ReadonlySet<string>;
  /** What earlier parts of a resumed run counted. */
  counted: { bytesRead: number; vectors: number };
}

/** Runs to its end, whichever that is, and gives the report. */
export async function runReindex(job: ReindexJob, env: RunEnvironment): Promise<RunReport> {
  const { ledger, runId, reader, counted, folder } = job;
  const ctx = contextOf(env);
  const total = job.ids?.size ?? (await reader.countInputs());
  const { accounts } = ledger;
  const heartbeat = new Heartbeat(
    env,
    () => ({
      totals: accounts.totals(false),
      bytesRead: counted.bytesRead,
      listing: { done: Math.min(accounts.listed, total), total },
    }),
    () => saveCheckpoint(folder, counted, env),
  );
  env.onStart?.({ runId, describes: describe(job, total), dryRun: false });
  let ending: Ending;
  try {
    ending = (await indexAll(job, env)) ? await finish(job, ctx) : { kind: 'interrupted' };
  } catch (thrown) {
    ending = endingOf(thrown, env);
  }
  await heartbeat.stop();
  try {
    await ledger.close();
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    if (ending.kind !== 'fatal') ending = { kind: 'fatal', error };
  }
  return report(job, ending, env);
}

/** False when it was stopped. */
async function indexAll(job: ReindexJob, env: RunEnvironment): Promise<boolean> {
  const { writer, ledger, ids } = job;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const current = new KeyTable({ values: false });
    const before = ledger.accounts.listed;
    await onePass(job, current, env);
    if (env.stop.aborted) return false;
    if (ids !== undefined) {
      for (const id of ids) {
        if (current.has(id) || ledger.has(id, '')) continue;
        ledger.list();
        ledger.appendMissing(id);
      }
      return true;
    }
    if (ledger.accounts.listed > before) continue;
    // Nobody else writes vectors, so whatever this pass did not see is stale.
    await writer.removeStale((inputId, content) => current.has(`${content}:${inputId}`));
    return true;
  }
  env.logger.warn({ passes: MAX_PASSES }, 'inputs are still being added; the run that adds them embeds them');
  return true;
}

/** Lists what has no line yet. `current` is told of every input that there is. */
async function onePass(job: ReindexJob, current: KeyTable, env: RunEnvironment): Promise<void> {
  const { models, writer, reader, ledger, ids, counted } = job;
  const { regions } = models.generation;
  async function* unlisted(): AsyncGenerator<Input> {
    for await (const input of reader.listInputs()) {
      if (ids !== undefined && !ids.has(input.id)) continue;
      const content = contentKey(input, regions);
      current.set(ids === undefined ? `${content}:${input.id}` : input.id);
      if (ledger.has(input.id, content)) continue;
      ledger.list();
      yield input;
    }
  }
  await indexPass(unlisted(), {
    indexer: new Indexer(models, writer, embedContext(env)),
    locate: (input) => reader.locate(input),
    stop: env.stop,
    onResult: (input, { content }, result) => {
      if (result.code !== 'INPUT_INDEXED' && result.code !== 'INPUT_KIND_NOT_INDEXED')
        counted.bytesRead += input.bytes;
      counted.vectors += result.vectors;
      ledger.append(input, content, result);
    },
  });
}

/** Indexes the vectors for searches, and lets searches use them. */
async function finish({ store, config, models, ids }: ReindexJob, ctx: Context): Promise<Ending> {
  const { generation } = models;
  for (const { fingerprint } of generation.models) await ensureVectorIndex(store, fingerprint, {}, ctx);
  // What was selected is not all that there is.
  if (ids === undefined) {
    const state = await cutOver(store, generation, config.reindex.keepGenerations, ctx);
    await dropUnusedVectors(store, state, ctx);
    await removeStaleOfOthers(store, state, ctx);
  }
  return { kind: 'finished' };
}

function endingOf(thrown: unknown, env: RunEnvironment): Ending {
  if (thrown instanceof FatalError) return { kind: 'fatal', error: thrown };
  if (env.abort.aborted || env.stop.aborted) return { kind: 'interrupted' };
  const error = asError(thrown);
  return { kind: 'fatal', error: new FatalError('INTERNAL', error.message, { cause: error }) };
}

function describe({ models, ids }: ReindexJob, total: number): string {
  const { workflow, models: of } = models.generation;
  const named = of.map(({ kind, node }) => `${kind}: ${node.model}`).join(', ');
  const inputs = `${total} input${total === 1 ? '' : 's'}`;
  return `${ids === undefined ? inputs : `${inputs} that were selected`} under the workflow ${workflow}${named === '' ? '' : ` (${named})`}`;
}

async function report(job: ReindexJob, ending: Ending, env: RunEnvironment): Promise<RunReport> {
  const { ledger, config, folder, models, counted } = job;
  const { accounts } = ledger;
  const { generation } = models;
  const finished = ending.kind === 'finished' || ending.kind === 'incomplete';
  const totals = accounts.totals(finished);
  const { listed, ok, rejected, failed, skipped, pending } = totals;
  const made: RunReport = {
    schema: 1,
    runId: job.runId,
    command: job.command,
    ...judge(ending, totals, accounts.balanced, config.options.maxRejected),
    sources: [{ uri: job.store, type: 'store', describes: describe(job, listed) }],
    dataset: config.options.dataset,
    totals,
    byCode: accounts.byCode,
    byKind: accounts.byKind,
    index: {
      workflow: generation.workflow,
      generation: generation.id,
      models: reportedModels(models),
      totals: {
        listed: listed + (pending ?? 0),
        ok,
        failed: rejected + failed,
        skipped,
        ...(pending === undefined ? {} : { pending }),
      },
      byCode: accounts.byCode,
      vectors: counted.vectors,
    },
    bytes: { read: counted.bytesRead, stored: 0 },
    batches: emptyBatchTotals(),
    startedAt: job.startedAt,
    endedAt: new Date(env.clock.now()).toISOString(),
    ...folder.shown,
  };
  return saveReport(folder, made);
}

async function saveCheckpoint(
  folder: RunFolder,
  { bytesRead, vectors }: ReindexJob['counted'],
  { logger }: RunEnvironment,
): Promise<void> {
  await folder
    .writeCheckpoint({ batches: emptyBatchTotals(), bytesRead, vectors })
    .catch((error: unknown) => {
      logger.warn({ error }, 'the checkpoint could not be saved');
    });
}

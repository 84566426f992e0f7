import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { Batcher } from '../batching/batcher.ts';
import { Delivery } from '../batching/deliver.ts';
import { requestOverhead } from '../formats/input-size.ts';
import { ByteBudget } from '../io/byte-budget.ts';
import { findTools, type MediaTools } from '../media/tools.ts';
import type { Context, Loader, ReadyItem, Sink } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import type { Outcome } from '../model/outcome.ts';
import { resolveProfile } from '../validation/index.ts';
import type { Accounts } from './accounts.ts';
import type { RunConfig } from './config.ts';
import type { RunEnvironment } from './environment.ts';
import { recordOf } from './failure.ts';
import { Heartbeat } from './heartbeat.ts';
import type { RunIndex } from './indexing/run-index.ts';
import { RunLabels } from './labels.ts';
import { CountingLog, isFailure, Ledger, type OutcomeLog } from './ledger.ts';
import { ListingPosition } from './listing-position.ts';
import { Preparer } from './prepare.ts';
import type { ProgressInput } from './progress.ts';
import { Repairer } from './repair.ts';
import { type BatchTotals, countBatch, type Ending, judge, type RunReport } from './report.ts';
import type { RunFolder } from './run-folder.ts';
import { Runner } from './runner.ts';
import { saveReport } from './save-report.ts';
import type { SeenIds } from './seen.ts';
import { type OpenedSources, sourceTags } from './source.ts';

/** Payload bytes held at once: room for one full request, and for what is being read beside it. */
const BUDGET_BYTES = 256_000_000;
const BATCH_AGE_MS = 5_000;
/** Twice the threads that the command line has, so that none waits for the next item. */
const LANES_PER_CORE = 4;

export interface Session {
  runId: string;
  command: RunReport['command'];
  config: RunConfig;
  sources: OpenedSources;
  /** Of `sources`, narrowed to what a resumed run or a retry still has to take. */
  loader: Loader;
  sink: Sink;
  /** Of a store whose base workflow has models. */
  index?: RunIndex;
  seen: SeenIds;
  /** Where the ledger and report go; a dry run has none. */
  folder?: RunFolder;
  startedAt: string;
  resumed: boolean;
  /** What earlier parts of a resumed run counted. */
  accounts: Accounts;
  batches: BatchTotals;
  bytesRead: number;
}

/** Runs a prepared session to its end, whichever that is, and gives its report. */
export async function runSession(session: Session, env: RunEnvironment): Promise<RunReport> {
  const { accounts, config, sink, folder, index } = session;
  const { options } = config;
  const halt = new AbortController();
  const ctx: Context = {
    logger: env.logger,
    clock: env.clock,
    signal: AbortSignal.any([env.abort, halt.signal]),
  };
  // Before anything is opened that would have to be closed again.
  if (session.sources.concepts.length > 0) await sink.defineConcepts?.(session.sources.concepts);
  const profile = resolveProfile(options.profile, options.limit);
  const log: OutcomeLog =
    folder === undefined ? new CountingLog(accounts) : new Ledger(folder, accounts, env.clock);
  const position = new ListingPosition(session.loader);
  const record = (outcome: Outcome) => {
    log.append(outcome);
    position.settled(outcome.uri);
  };
  const concurrency = options.concurrency ?? availableParallelism() * LANES_PER_CORE;
  let tools: Promise<MediaTools> | undefined;
  await mkdir(sink.spoolDir, { recursive: true });

  const labels = new RunLabels(options);
  const batcher = new Batcher<ReadyItem>({
    items: options.batchItems,
    bytes: options.batchMegabytes * 1_000_000,
    ageMs: BATCH_AGE_MS,
    overheadBytes: requestOverhead(),
  });
  const settle = (ready: ReadyItem, outcome: Outcome) => {
    ready.discard?.();
    index?.list(outcome);
    const whole = ready.group === undefined ? outcome : ready.group.settle(ready, outcome);
    if (whole !== undefined) record(isFailure(whole) ? { ...whole, record: recordOf(ready.item) } : whole);
  };
  const delivery = new Delivery({ sink, ctx, onResult: settle });
  const reading = {
    profile,
    spoolDir: sink.spoolDir,
    tools: () => (tools ??= findTools({ path: env.searchPath })),
    ctx,
    onBytes: (bytes: number) => {
      session.bytesRead += bytes;
    },
  };
  const preparer = new Preparer({
    ...reading,
    check: options.check,
    dataset: options.dataset,
    sourceTag: sourceTags(config.sources),
    labels,
    onAnnotations: (more) => {
      accounts.annotations.listed += more;
    },
    budget: new ByteBudget(BUDGET_BYTES),
  });
  const repairer = new Repairer({ ...reading, allowed: options.repair, preparer });
  const runner = new Runner({
    ...session,
    batcher,
    delivery,
    settle,
    preparer,
    repairer,
    labels,
    profile,
    record,
    position,
    verify: options.verify,
    severalSources: config.sources.length > 1,
    concurrency,
    ctx,
    stop: AbortSignal.any([env.stop, env.abort]),
    halt: () => halt.abort(),
    onBatch: (batch) => countBatch(session.batches, batch),
  });

  env.onStart?.({ runId: session.runId, describes: session.loader.describes, dryRun: folder === undefined });
  const heartbeat = new Heartbeat(
    env,
    () => progressOf(session),
    () => saveCheckpoint(session, position, log, env),
  );
  const ran = await runner.run();
  const logged = await closeLog(log, ran);
  const ending = index === undefined ? logged : await lookBack(index, logged, env);
  await heartbeat.stop();
  session.seen.close();
  await rm(sink.spoolDir, { recursive: true, force: true });

  const finished = ending.kind === 'finished' || ending.kind === 'incomplete';
  const totals = accounts.totals(finished);
  const annotations = accounts.annotationTotals(finished);
  const indexed = index?.report(finished);
  const balanced = accounts.balanced && (index?.balanced ?? true);
  const report: RunReport = {
    schema: 1,
    runId: session.runId,
    command: session.command,
    ...judge(ending, totals, balanced, options.maxRejected, { annotations, index: indexed?.totals }),
    ...(folder === undefined ? { dryRun: true as const } : {}),
    sources: config.sources.map(({ name, source, sourceType }, i) => ({
      ...(name === undefined ? {} : { name }),
      uri: source,
      type: sourceType,
      describes: session.sources.describes[i]!,
    })),
    dataset: options.dataset,
    totals,
    byCode: accounts.byCode,
    byKind: accounts.byKind,
    ...(accounts.withText > 0 ? { withText: accounts.withText } : {}),
    ...(annotations === undefined
      ? {}
      : { annotations: { totals: annotations, byCode: accounts.annotationsByCode } }),
    ...(indexed === undefined ? {} : { index: indexed }),
    bytes: { read: session.bytesRead, stored: accounts.bytesStored },
    batches: session.batches,
    ...(Object.keys(accounts.warnings).length > 0 ? { warnings: accounts.warnings } : {}),
    startedAt: session.startedAt,
    endedAt: new Date(env.clock.now()).toISOString(),
    ...(folder === undefined ? {} : folder.shown),
  };
  return saveReport(folder, report);
}

/** What the run stored and is not embedded yet is embedded now; Ctrl-C leaves it to a resume. */
async function lookBack(index: RunIndex, ending: Ending, env: RunEnvironment): Promise<Ending> {
  if (ending.kind !== 'finished' && ending.kind !== 'incomplete') return ending;
  try {
    return (await index.lookBack()) ? ending : { kind: 'interrupted' };
  } catch (error) {
    if (env.abort.aborted) return { kind: 'interrupted' };
    if (!(error instanceof FatalError)) throw error;
    return { kind: 'fatal', error };
  }
}

/** A ledger that cannot be written to its end ends the run as a sink that fails does. */
async function closeLog(log: OutcomeLog, ending: Ending): Promise<Ending> {
  try {
    await log.close();
    return ending;
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    return ending.kind === 'fatal' ? ending : { kind: 'fatal', error };
  }
}

const progressOf = ({ accounts, bytesRead, loader }: Session): ProgressInput => ({
  totals: accounts.totals(false),
  bytesRead,
  listing: loader.progress?.(),
});

/** The report replaces it in the end; failing to save it must not end a run that may still go on. */
async function saveCheckpoint(
  { folder, batches, bytesRead }: Session,
  { safe: position }: ListingPosition,
  log: OutcomeLog,
  { logger }: RunEnvironment,
): Promise<void> {
  try {
    // What a resume will not list again must have its line before.
    if (position !== undefined) await log.sync();
    await folder?.writeCheckpoint({ batches, bytesRead, ...(position === undefined ? {} : { position }) });
  } catch (error) {
    logger.warn({ error }, 'the checkpoint could not be saved');
  }
}

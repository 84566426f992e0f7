import { basename } from 'node:path';
import { errnoOf, writeFailure } from '../../io/disk-errors.ts';
import type { Context } from '../../model/contracts.ts';
import { asError, FatalError } from '../../model/errors.ts';
import type { ExportResult } from '../../model/export.ts';
import type { RunEnvironment } from '../environment.ts';
import { Heartbeat } from '../heartbeat.ts';
import { type Ending, emptyBatchTotals, judge, type RunReport } from '../report.ts';
import { saveReport } from '../save-report.ts';
import { writeCompanions } from './companions.ts';
import { CountedSource } from './counted-source.ts';
import { ExportLedger } from './export-ledger.ts';
import type { ExportJob } from './job.ts';
import type { ExportOutput } from './output.ts';

/** Writes a version to its output and gives the report; everything that ends it early is in `report.error`. */
export async function runExport(job: ExportJob, env: RunEnvironment): Promise<RunReport> {
  const halt = new AbortController();
  const ctx: Context = {
    logger: env.logger,
    clock: env.clock,
    signal: AbortSignal.any([env.abort, halt.signal]),
    searchPath: env.searchPath,
  };
  const source = new CountedSource(job.source);
  const ledger = new ExportLedger(job.folder, env.clock);
  const heartbeat = new Heartbeat(env, () => {
    ledger.count(source);
    const { accounts } = ledger;
    const listing = { done: accounts.listed, total: source.version.metrics.inputsCount };
    return { totals: accounts.totals(false), bytesRead: accounts.bytesExported, listing };
  });
  env.onStart?.({ runId: job.runId, describes: job.describes, dryRun: false });
  let result: ExportResult | undefined;
  let files: ExportResult['files'] | undefined;
  let ending: Ending;
  try {
    result = await writeAll(job, source, ledger, env, ctx);
    ending = result === undefined ? { kind: 'interrupted' } : { kind: 'finished' };
    if (result !== undefined) {
      const reason = await shortfall(job, ledger, result);
      if (reason !== undefined) ending = { kind: 'incomplete', code: 'EXPORT_INCOMPLETE', reason };
      else files = await finish(job, result, ctx, AbortSignal.any([ctx.signal, env.stop]));
    }
  } catch (thrown) {
    ending = endingOf(thrown, job, env);
  } finally {
    halt.abort();
    await heartbeat.stop();
  }
  ledger.count(source);
  return report(job, ledger, { ending, result, files }, env);
}

/** Undefined when it was stopped. */
async function writeAll(
  { exporter, config, output, state }: ExportJob,
  source: CountedSource,
  ledger: ExportLedger,
  env: RunEnvironment,
  ctx: Context,
): Promise<ExportResult | undefined> {
  const target = {
    path: output.part,
    checkpoint: state.checkpoint,
    async save(checkpoint: unknown) {
      await ledger.sync();
      await output.writeState({ ...state, checkpoint });
    },
  };
  const outcomes = exporter.write(source, target, config.export.options, ctx);
  try {
    for (;;) {
      if (env.stop.aborted) return undefined;
      const next = await outcomes.next();
      if (!ledger.isOpen) await ledger.open(next.done ? undefined : next.value.inputId, source);
      if (next.done) return tidied(next.value, output);
      ledger.append(next.value);
    }
  } finally {
    await outcomes.return?.(undefined as never);
    if (!ledger.isOpen) await ledger.open(undefined, source);
    ledger.count(source);
    await ledger.close();
  }
}

/** A file under the name that it will have, and the losses that there were. */
function tidied(result: ExportResult, { writes, path, part }: ExportOutput): ExportResult {
  const named = writes === 'file' ? new Map([[basename(part), basename(path)]]) : new Map<string, string>();
  return {
    ...result,
    files: result.files.map((file) => ({ ...file, path: named.get(file.path) ?? file.path })),
    losses: Object.fromEntries(Object.entries(result.losses).filter(([, count]) => count > 0)),
  };
}

/** What the export lacks of what the version has; undefined when it lacks nothing. */
async function shortfall(
  { source, output }: ExportJob,
  { accounts }: ExportLedger,
  { annotations, files }: ExportResult,
): Promise<string | undefined> {
  const { inputsCount } = source.version.metrics;
  if (accounts.listed !== inputsCount)
    return `the version has ${inputsCount} inputs, and ${accounts.listed} were read`;
  const told = annotations.written + annotations.leftOut;
  const { ok } = accounts.annotations;
  if (told !== ok) {
    return `the exported inputs have ${ok} annotations; ${annotations.written} are said to be written and ${annotations.leftOut} left out`;
  }
  return output.missing(files);
}

/** Adds what goes with every export, and gives it its name. */
async function finish(
  job: ExportJob,
  result: ExportResult,
  ctx: Context,
  signal: AbortSignal,
): Promise<ExportResult['files']> {
  const { version } = job.source;
  const files = [...result.files, ...(await writeCompanions(job, result, ctx))];
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  await job.output.complete(
    {
      schema: 1,
      type: 'export',
      dataset: version.dataset,
      version: version.id,
      contentHash: version.contentHash,
      format: job.exporter.name,
      files,
    },
    signal,
  );
  return files;
}

function endingOf(thrown: unknown, { output }: ExportJob, env: RunEnvironment): Ending {
  if (thrown instanceof FatalError) return { kind: 'fatal', error: thrown };
  if (env.abort.aborted || env.stop.aborted) return { kind: 'interrupted' };
  if (errnoOf(thrown) !== undefined) return { kind: 'fatal', error: writeFailure(thrown, output.part) };
  const error = asError(thrown);
  return { kind: 'fatal', error: new FatalError('INTERNAL', error.message, { cause: error }) };
}

interface Ended {
  ending: Ending;
  result: ExportResult | undefined;
  /** Of a complete export. */
  files: ExportResult['files'] | undefined;
}

async function report(
  job: ExportJob,
  { accounts }: ExportLedger,
  { ending, result, files }: Ended,
  env: RunEnvironment,
): Promise<RunReport> {
  const { config, folder, source, exporter, output } = job;
  const { version } = source;
  const finished = ending.kind === 'finished' || ending.kind === 'incomplete';
  const totals = accounts.totals(finished);
  const annotations = accounts.annotationTotals(finished);
  const judged = judge(ending, totals, accounts.balanced, config.options.maxRejected);
  const written = files?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  const made: RunReport = {
    schema: 1,
    runId: job.runId,
    command: 'export',
    ...judged,
    sources: [sourceOf(job)],
    dataset: version.dataset,
    totals,
    byCode: accounts.byCode,
    byKind: accounts.byKind,
    ...(annotations === undefined ? {} : { annotations: { totals: annotations, byCode: {} } }),
    bytes: { read: accounts.bytesExported, stored: written },
    batches: emptyBatchTotals(),
    export: {
      format: exporter.name,
      out: output.out,
      version: version.id,
      contentHash: version.contentHash,
      ...(files === undefined ? {} : { files: { count: files.length, bytes: written } }),
      losses: result?.losses ?? {},
      annotations: result?.annotations ?? { written: 0, leftOut: 0 },
    },
    ...(Object.keys(accounts.warnings).length > 0 ? { warnings: accounts.warnings } : {}),
    startedAt: job.startedAt,
    endedAt: new Date(env.clock.now()).toISOString(),
    ...folder.shown,
  };
  return saveReport(folder, made);
}

const sourceOf = ({ source: { version }, describes }: ExportJob): RunReport['sources'][number] => ({
  uri: `${version.dataset}@${version.id}`,
  type: 'dataset',
  describes,
});

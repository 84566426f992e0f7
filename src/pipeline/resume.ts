import type { Loader } from '../model/contracts.ts';
import { FatalError } from '../model/errors.ts';
import { Accounts } from './accounts.ts';
import type { RunConfig } from './config.ts';
import { contextOf, environment, type RunEnvironment } from './environment.ts';
import { exportDataset } from './export/export.ts';
import type { ExportRequest } from './export/request.ts';
import { filteredLoader } from './filtered-loader.ts';
import { resumeReindex } from './indexing/reindex.ts';
import { restoreFromLedger } from './ledger-state.ts';
import { selectedByLog } from './log-selection.ts';
import { emptyBatchTotals, type RunReport } from './report.ts';
import { writePage } from './report-page.ts';
import type { RunFolder, RunManifest } from './run-folder.ts';
import { SeenIds } from './seen.ts';
import { Selection } from './selection.ts';
import { runSession } from './session.ts';
import { type OpenedSources, openSources } from './source.ts';
import { StoreRuns } from './store-runs.ts';
import { openTarget, type Target } from './target.ts';

export interface ResumeRequest extends Target {
  runId: string;
  /** Go on although the CSV or ZIP changed; items are then told apart by id instead of by line. */
  acceptChanged?: boolean;
  /** Of an export whose format is none of the table: its exporter. */
  format?: ExportRequest['format'];
}

/**
 * Continues a run where it stopped: same run, same ledger, one report over the whole.
 *
 * What has a ledger line is not touched again. A complete run is left as it is and its report returned.
 */
export async function resume(request: ResumeRequest, given?: Partial<RunEnvironment>): Promise<RunReport> {
  const env = environment(given);
  const { runId } = request;
  const runs = await StoreRuns.of(request.store, env);
  const folder = runs.folder(runId);
  const manifest = await folder.manifest();
  const earlier = await folder.readReport();
  if (earlier?.status === 'complete') return earlier;

  const { config } = manifest;
  if (config.export !== undefined) return resumeExport(request, config, env);
  if (config.reindex !== undefined) return resumeReindex(request, folder, manifest, env);
  const opened = await openTarget(request, runId, config, env, { resumed: true });
  const { sink, index } = opened;
  let sources: OpenedSources | undefined;
  let report: RunReport;
  try {
    await folder.fetch();
    sources = await openSources(config, request.store, contextOf(env));
    const changed = await hasChanged(manifest, sources.loader.fingerprint());
    if (changed && !request.acceptChanged) {
      throw new FatalError(
        'SOURCE_CHANGED',
        `${config.sources.map(({ source }) => source).join(', ')} changed since run ${runId} began; resume with --accept-changed, or start a new run`,
      );
    }
    const accounts = new Accounts();
    const seen = SeenIds.in(sink.spoolDir);
    const { hasOutcome } = await restoreFromLedger(folder, accounts, seen, changed ? 'id' : 'uri');
    const checkpoint = await folder.readCheckpoint();
    if (checkpoint?.position !== undefined && !changed) sources.loader.startAt?.(checkpoint.position);
    const base = await selectedBy(manifest, folder, sources.loader, runs);
    report = await runSession(
      {
        runId,
        command: manifest.command,
        config,
        sources,
        loader: filteredLoader(base, (listed) => !hasOutcome(listed)),
        sink,
        seen,
        folder,
        startedAt: manifest.startedAt,
        resumed: true,
        accounts,
        batches: checkpoint?.batches ?? emptyBatchTotals(),
        bytesRead: checkpoint?.bytesRead ?? 0,
        ...(index === undefined ? {} : { index }),
      },
      env,
    );
  } finally {
    await sources?.close();
    await opened.close();
  }
  await writePage(request, report, env);
  return report;
}

/** The request of the export once more, which goes on by itself. */
function resumeExport(
  { store, format }: ResumeRequest,
  { export: asked, options, pipeline }: RunConfig,
  env: RunEnvironment,
): Promise<RunReport> {
  const { dataset, maxRejected } = options;
  const request = { ...asked!, store, dataset, maxRejected, format: format ?? asked!.format };
  return exportDataset({ ...request, ...(pipeline === undefined ? {} : { pipeline }) }, env);
}

async function hasChanged(manifest: RunManifest, now: Promise<string | undefined>): Promise<boolean> {
  return (await now) !== manifest.source.fingerprint;
}

/** Of a resumed retry: what it had selected of its source. */
async function selectedBy(
  { retryOf, retryLog }: RunManifest,
  folder: RunFolder,
  loader: Loader,
  runs: StoreRuns,
): Promise<Loader> {
  if (retryLog !== undefined) return selectedByLog(loader, retryLog.path, retryLog);
  if (retryOf === undefined) return loader;
  const selection = await Selection.read(folder.selection);
  await runs.reading(retryOf, ({ ledger }) => selection.knowEarlier(ledger));
  return selection.narrow(loader, folder.selection);
}

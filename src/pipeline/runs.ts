import { readJsonlBlocks } from '../io/jsonl.ts';
import type { Outcome, Totals } from '../model/outcome.ts';
import { Accounts } from './accounts.ts';
import { environment, type RunEnvironment } from './environment.ts';
import type { RunReport } from './report.ts';
import type { RunFolder, RunManifest } from './run-folder.ts';
import { StoreRuns } from './store-runs.ts';

export interface RunInfo {
  runId: string;
  command: RunManifest['command'];
  /** `unfinished`: it has no report, because it still runs or was killed. */
  status: RunReport['status'] | 'unfinished';
  exitCode?: number;
  source: string;
  dataset: string;
  totals: Totals;
  byCode: RunReport['byCode'];
  startedAt: string;
  endedAt?: string;
  /** Its ledger was removed by `runs prune`. */
  pruned?: true;
  folder: string;
}

/** The runs of a store, oldest first. */
export async function* listRuns(store: string, given?: Partial<RunEnvironment>): AsyncGenerator<RunInfo> {
  const runs = await StoreRuns.of(store, environment(given));
  for (const runId of await runs.ids()) yield await infoOf(runs, runId);
}

/** One run; of an unfinished one the counts come from its ledger. Throws FatalError RUN_NOT_FOUND. */
export async function showRun(
  store: string,
  runId: string,
  given?: Partial<RunEnvironment>,
): Promise<RunInfo> {
  return infoOf(await StoreRuns.of(store, environment(given)), runId);
}

async function infoOf(runs: StoreRuns, runId: string): Promise<RunInfo> {
  const folder = runs.folder(runId);
  const manifest = await folder.manifest();
  const report = await folder.readReport();
  const hasLedger = await folder.hasLedger();
  const common = {
    runId,
    command: manifest.command,
    source: manifest.config.sources.map(({ source }) => source).join(', '),
    dataset: manifest.config.options.dataset,
    startedAt: manifest.startedAt,
    folder: folder.place,
  };
  if (report !== undefined) {
    const { status, exitCode, totals, byCode, endedAt } = report;
    const pruned = hasLedger ? {} : { pruned: true as const };
    return { ...common, status, exitCode, totals, byCode, endedAt, ...pruned };
  }
  const accounts = new Accounts();
  const count = async ({ ledger }: RunFolder) => {
    for await (const block of readJsonlBlocks<Outcome>(ledger, { type: 'ledger' })) {
      for (const line of block) accounts.countOutcome(line);
    }
  };
  if (hasLedger) await runs.reading(runId, count);
  accounts.listed = accounts.accounted;
  return { ...common, status: 'unfinished', totals: accounts.totals(false), byCode: accounts.byCode };
}

/**
 * Removes the ledgers and failure files of complete runs, all but the newest `keep`. Manifest and report stay: the
 * store's rows name their run.
 */
export async function pruneRuns(
  store: string,
  options: { keep: number; dryRun: boolean },
  given?: Partial<RunEnvironment>,
): Promise<string[]> {
  const runs = await StoreRuns.of(store, environment(given));
  const complete: RunInfo[] = [];
  for await (const run of listRuns(store, given))
    if (run.status === 'complete' && !run.pruned) complete.push(run);
  const old = complete.slice(0, Math.max(0, complete.length - options.keep));
  if (!options.dryRun) {
    for (const { runId } of old) {
      await runs.folder(runId).prune();
    }
  }
  return old.map((run) => run.runId);
}

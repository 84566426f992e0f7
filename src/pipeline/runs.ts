import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readJsonlBlocks } from '../io/jsonl.ts';
import type { Outcome, Totals } from '../model/outcome.ts';
import { Accounts } from './accounts.ts';
import type { RunReport } from './report.ts';
import { listRunIds, RunFolder, type RunManifest } from './run-folder.ts';

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

const runsDirOf = (store: string): string => join(resolve(store), 'runs');

/** The runs of a store, oldest first. */
export async function* listRuns(store: string): AsyncGenerator<RunInfo> {
  for (const runId of await listRunIds(runsDirOf(store))) yield await showRun(store, runId);
}

/** One run; of an unfinished one the counts come from its ledger. Throws FatalError RUN_NOT_FOUND. */
export async function showRun(store: string, runId: string): Promise<RunInfo> {
  const folder = new RunFolder(runsDirOf(store), runId);
  const manifest = await folder.manifest();
  const report = await folder.readReport();
  const common = {
    runId,
    command: manifest.command,
    source: manifest.config.sources.map(({ source }) => source).join(', '),
    dataset: manifest.config.options.dataset,
    startedAt: manifest.startedAt,
    folder: folder.path,
    ...(existsSync(folder.ledger) ? {} : { pruned: true as const }),
  };
  if (report !== undefined) {
    const { status, exitCode, totals, byCode, endedAt } = report;
    return { ...common, status, exitCode, totals, byCode, endedAt };
  }
  const accounts = new Accounts();
  if (existsSync(folder.ledger)) {
    for await (const block of readJsonlBlocks<Outcome>(folder.ledger, { type: 'ledger' })) {
      for (const line of block) accounts.countOutcome(line);
    }
  }
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
): Promise<string[]> {
  const complete: RunInfo[] = [];
  for await (const run of listRuns(store)) if (run.status === 'complete' && !run.pruned) complete.push(run);
  const old = complete.slice(0, Math.max(0, complete.length - options.keep));
  if (!options.dryRun) {
    for (const { runId } of old) {
      const folder = new RunFolder(runsDirOf(store), runId);
      for (const file of [folder.failures, folder.selection, folder.ledger]) await rm(file, { force: true });
    }
  }
  return old.map((run) => run.runId);
}

import { type Code, codeInfo } from '../model/codes.ts';
import type { IndexReport } from './indexing/index-accounts.ts';
import type { ExportTotals, RunReport } from './report.ts';
import { printable, quoted } from './wording.ts';

export interface NextStep {
  what: string;
  /** A command to copy, or the path of a file. */
  how: string;
}

const LEFT_OVER: readonly Code[] = ['LABELS_WITHOUT_INPUT', 'LABELS_AMBIGUOUS'];

/** What a person can do after a run, the most useful first. */
export function nextSteps(report: RunReport, store: string): NextStep[] {
  if (report.export !== undefined) return stepsOfExport(report, report.export, store);
  if (isReindex(report)) return stepsOfReindex(report, store);
  const at = `--store ${quoted(store)}`;
  const retry = `sluice retry ${quoted(report.failures ?? '')}`;
  const steps: NextStep[] = [];
  if (report.status !== 'complete') steps.push({ what: 'go on', how: `sluice resume ${report.runId} ${at}` });
  if (report.totals.failed > 0) steps.push({ what: 'try failed ones again', how: retry });
  if (report.totals.rejected > 0) {
    const codes = Object.keys(report.byCode) as Code[];
    // Labels that are left over are found by ingesting again, as their remedies say.
    const rejected = codes.filter((code) => codeInfo(code).class === 'rejected' && !LEFT_OVER.includes(code));
    // A duplicate has nothing to correct; it needs another id.
    const onlyDuplicates = rejected.every((code) => code === 'INPUT_DUPLICATE');
    if (rejected.length > 0 && onlyDuplicates)
      steps.push({ what: 'store duplicates too', how: `${retry} --retry-duplicates` });
    else if (rejected.length > 0) steps.push({ what: 'after correcting them', how: `${retry} --rejected` });
  }
  if (report.index !== undefined && unindexed(report.index) > 0)
    steps.push({ what: 'embed what has no vectors', how: `sluice reindex ${at}` });
  steps.push({
    what: 'look at the inputs',
    how: `sluice inputs list ${at} --dataset ${quoted(report.dataset)}`,
  });
  if (report.page !== undefined) steps.push({ what: 'the run as a page', how: printable(report.page) });
  steps.push({ what: 'every outcome', how: printable(report.ledger ?? '') });
  return steps;
}

/** A retry of a re-index is one, too. */
export const isReindex = ({ sources }: RunReport): boolean => sources[0]?.type === 'store';

/** Inputs without all of their vectors. */
const unindexed = ({ totals }: IndexReport): number => totals.failed + (totals.pending ?? 0);

function stepsOfReindex(report: RunReport, store: string): NextStep[] {
  const at = `--store ${quoted(store)}`;
  const { failed, rejected } = report.totals;
  const retry = `sluice retry ${quoted(report.failures ?? '')}`;
  const steps: NextStep[] = [];
  if (report.error?.code === 'WORKFLOW_CHANGED')
    steps.push({ what: 'begin again', how: `sluice reindex ${at}` });
  else if (report.status !== 'complete')
    steps.push({ what: 'go on', how: `sluice resume ${report.runId} ${at}` });
  if (failed > 0) steps.push({ what: 'try failed ones again', how: retry });
  if (rejected > 0) steps.push({ what: 'after correcting them', how: `${retry} --rejected` });
  steps.push({ what: 'how far the index is', how: `sluice workflow show ${at}` });
  if (report.page !== undefined) steps.push({ what: 'the run as a page', how: printable(report.page) });
  steps.push({ what: 'every outcome', how: printable(report.ledger ?? '') });
  return steps;
}

function stepsOfExport(report: RunReport, { out }: ExportTotals, store: string): NextStep[] {
  const resume = `sluice resume ${report.runId} --store ${quoted(store)}`;
  const steps: NextStep[] = [];
  if (report.status !== 'complete' && report.exitCode !== 3) steps.push({ what: 'go on', how: resume });
  if (report.status === 'complete') steps.push({ what: 'the export', how: printable(out) });
  if (report.page !== undefined) steps.push({ what: 'the run as a page', how: printable(report.page) });
  steps.push({ what: 'every outcome', how: printable(report.ledger ?? '') });
  return steps;
}

import { type Code, codeInfo } from '../model/codes.ts';
import type { Outcome } from '../model/outcome.ts';
import type { RunReport } from '../pipeline/report.ts';
import { formatBytes, formatCount, formatDuration, printable, quoted, table } from './terminal.ts';

const EXAMPLES_A_CODE = 3;

/** The identity, what was wrong and why, and the next command: what a person reads when a run has ended. */
export function summary(report: RunReport, failures: readonly Outcome[], store: string): string {
  const { totals } = report;
  const lines = [identity(report), ''];
  const kinds = Object.entries(report.byKind).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  if (kinds.length > 0) lines.push(`ok by kind    ${kinds.join(' · ')}`);
  const tookMs = Date.parse(report.endedAt) - Date.parse(report.startedAt);
  lines.push(
    `bytes         ${formatBytes(report.bytes.read)} read · ${formatBytes(report.bytes.stored)} stored`,
    `requests      ${formatCount(report.batches.count)}, at most ${report.batches.maxItems} items and ${formatBytes(report.batches.maxBytes)}`,
    `took          ${formatDuration(tookMs)}`,
  );
  for (const outcome of ['rejected', 'failed', 'skipped', 'warning'] as const) {
    const explained = explain(report, outcome, failures);
    if (explained.length > 0) lines.push('', ...explained);
  }
  if (report.error !== undefined) {
    lines.push(
      '',
      `${report.error.code} (${report.error.codeNumber}): ${printable(report.error.message)}`,
      report.error.remedy,
    );
  }
  if (totals.pending !== undefined)
    lines.push('', `${formatCount(totals.pending)} items were listed and wait for resume`);
  lines.push('', ...nextSteps(report, store));
  return `${lines.join('\n')}\n`;
}

function identity(report: RunReport): string {
  const { listed, ok, rejected, failed, skipped } = report.totals;
  const sum = `${formatCount(listed)} listed = ${formatCount(ok)} ok + ${formatCount(rejected)} rejected + ${formatCount(failed)} failed + ${formatCount(skipped)} skipped`;
  const verdict = { complete: 'complete', interrupted: 'interrupted', failed: 'stopped' }[report.status];
  return `${report.dryRun ? 'dry run ' : ''}${verdict}: ${sum}`;
}

/** A code, how often, and the first items that have it. */
function explain(
  report: RunReport,
  kind: 'rejected' | 'failed' | 'skipped' | 'warning',
  failures: readonly Outcome[],
): string[] {
  const counts = kind === 'warning' ? (report.warnings ?? {}) : report.byCode;
  return Object.entries(counts).flatMap(([name, count]) => {
    const code = name as Outcome['code'];
    const info = codeInfo(code);
    if (info.class !== kind) return [];
    const head = `${kind.padEnd(9)} ${formatCount(count)} × ${code} (${info.number}): ${info.meaning}`;
    const examples = failures
      .filter((f) => f.code === code)
      .slice(0, EXAMPLES_A_CODE)
      .map((f) => `    ${printable(f.uri)}: ${printable(f.message ?? '')}`);
    return [head, ...examples, ...(kind === 'skipped' ? [] : [`    → ${info.remedy}`])];
  });
}

function nextSteps(report: RunReport, store: string): string[] {
  const at = `--store ${quoted(store)}`;
  const rows: string[][] = [];
  if (report.dryRun) return ['Nothing was written. The same command without --dry-run does it.'];
  if (report.status !== 'complete') rows.push(['go on', `sluice resume ${report.runId} ${at}`]);
  if (report.totals.failed > 0)
    rows.push(['try failed ones again', `sluice retry ${quoted(report.failures ?? '')}`]);
  if (report.totals.rejected > 0) {
    const rejected = Object.keys(report.byCode).filter((code) => codeInfo(code as Code).class === 'rejected');
    const retry = `sluice retry ${quoted(report.failures ?? '')}`;
    // A duplicate has nothing to correct; it needs another id.
    const onlyDuplicates = rejected.every((code) => code === 'INPUT_DUPLICATE');
    if (onlyDuplicates) rows.push(['store duplicates too', `${retry} --retry-duplicates`]);
    else rows.push(['after correcting them', `${retry} --rejected`]);
  }
  rows.push(['look at the inputs', `sluice inputs list ${at} --dataset ${quoted(report.dataset)}`]);
  rows.push(['every outcome', printable(report.ledger ?? '')]);
  return [table(rows)];
}

import { codeInfo } from '../model/codes.ts';
import type { Outcome, Totals } from '../model/outcome.ts';
import type { IndexReport } from '../pipeline/indexing/index-accounts.ts';
import { isReindex, nextSteps } from '../pipeline/next-steps.ts';
import type { ExportTotals, RunReport } from '../pipeline/report.ts';
import { deviceInWords } from './device-words.ts';
import { formatBytes, formatCount, formatDuration, printable, table } from './terminal.ts';

const EXAMPLES_A_CODE = 3;

/** The identity, what was wrong and why, and the next command: what a person reads when a run has ended. */
export function summary(report: RunReport, outcomes: readonly Outcome[], store: string): string {
  const { totals } = report;
  const lines = [identity(report)];
  if (report.annotations !== undefined) lines.push(`annotations: ${sumOf(report.annotations.totals)}`);
  if (report.index !== undefined && !isReindex(report)) lines.push(indexIdentity(report.index));
  lines.push('');
  const kinds = Object.entries(report.byKind).map(([kind, count]) => `${formatCount(count)} ${kind}`);
  if (report.withText !== undefined) kinds.push(`${formatCount(report.withText)} of the images with a text`);
  if (kinds.length > 0) lines.push(`ok by kind    ${kinds.join(' · ')}`);
  const tookMs = Date.parse(report.endedAt) - Date.parse(report.startedAt);
  if (report.index !== undefined) lines.push(...indexed(report.index));
  if (!isReindex(report))
    lines.push(
      ...(report.export === undefined ? delivered(report) : exported(report.export, report.bytes.read)),
    );
  lines.push(`took          ${formatDuration(tookMs)}`);
  for (const outcome of ['rejected', 'failed', 'skipped', 'warning'] as const) {
    const explained = explain(report, outcome, outcomes);
    if (explained.length > 0) lines.push('', ...explained);
  }
  if (report.index !== undefined && !isReindex(report)) lines.push(...explainIndex(report.index));
  const annotations = explainAnnotations(report, outcomes);
  if (annotations.length > 0) lines.push('', ...annotations);
  if (report.error !== undefined) {
    lines.push(
      '',
      `${report.error.code} (${report.error.codeNumber}): ${printable(report.error.message)}`,
      report.error.remedy,
    );
  }
  if (totals.pending !== undefined)
    lines.push('', `${formatCount(totals.pending)} items were listed and wait for resume`);
  lines.push('', next(report, store));
  return `${lines.join('\n')}\n`;
}

function indexIdentity({ totals, workflow }: IndexReport): string {
  const { listed, ok, failed, skipped, pending = 0 } = totals;
  const waits = pending > 0 ? ` + ${formatCount(pending)} pending` : '';
  return `index (${printable(workflow)}): ${formatCount(listed)} listed = ${formatCount(ok)} ok + ${formatCount(failed)} failed + ${formatCount(skipped)} skipped${waits}`;
}

function indexed({ vectors, models, plan }: IndexReport): string[] {
  const named = models.map(({ kind, model }) => `${kind} ${printable(model)}`);
  // Mostly all models are on one device.
  const devices = new Set(models.map(({ device }) => deviceInWords(device)));
  const lines = [`models        ${named.join(' · ')}`, ...[...devices].map((on) => `device        ${on}`)];
  const planned = (plan ?? []).map(
    ({ kind, model, inputs, bytes, estimatedMs }) =>
      `would embed   ${formatCount(inputs)} × ${kind} (${formatBytes(bytes)}) with ${printable(model)}: about ${formatDuration(estimatedMs)}`,
  );
  return [...(plan === undefined ? [`vectors       ${formatCount(vectors)} written`] : planned), ...lines];
}

/** What could not be embedded, by code; the items themselves are stored. */
function explainIndex({ byCode, failures = [] }: IndexReport): string[] {
  const lines = Object.entries(byCode).flatMap(([name, count]) => {
    const code = name as Outcome['code'];
    const info = codeInfo(code);
    if (info.class === 'ok' || info.class === 'skipped') return [];
    return [
      `index     ${formatCount(count)} × ${code} (${info.number}): ${info.meaning}`,
      ...failures
        .filter((failure) => failure.code === code)
        .map(({ inputId, message }) => `    ${printable(inputId)}: ${printable(message)}`),
      `    → ${info.remedy}`,
    ];
  });
  return lines.length === 0 ? [] : ['', ...lines];
}

const delivered = ({ bytes, batches }: RunReport): string[] => [
  `bytes         ${formatBytes(bytes.read)} read · ${formatBytes(bytes.stored)} stored`,
  `requests      ${formatCount(batches.count)}, at most ${batches.maxItems} items and ${formatBytes(batches.maxBytes)}`,
];

function exported(made: ExportTotals, read: number): string[] {
  const { files, estimatedBytes, lossTable, losses, annotations } = made;
  const lines = [`version       ${printable(made.version)}`];
  if (estimatedBytes !== undefined) lines.push(`would take    about ${formatBytes(estimatedBytes)}`);
  else lines.push(`media         ${formatBytes(read)}`);
  if (files !== undefined)
    lines.push(
      `written       ${formatCount(files.count)} files, ${formatBytes(files.bytes)}, to ${printable(made.out)}`,
    );
  const { written, leftOut } = annotations;
  if (written + leftOut > 0)
    lines.push(`annotations   ${formatCount(written)} written · ${formatCount(leftOut)} left out`);
  const lost = Object.entries(losses).map(([id, count]) => `${formatCount(count)} × ${id}`);
  if (lost.length > 0) lines.push(`not carried   ${lost.join(' · ')} (docs/exporters/${made.format}.md)`);
  for (const { what, instead } of lossTable ?? []) lines.push(`cannot carry  ${what}: ${instead}`);
  return lines;
}

function identity(report: RunReport): string {
  const verdict = { complete: 'complete', interrupted: 'interrupted', failed: 'stopped' }[report.status];
  return `${report.dryRun ? 'dry run ' : ''}${verdict}: ${sumOf(report.totals)}`;
}

const sumOf = ({ listed, ok, rejected, failed, skipped }: Omit<Totals, 'pending'>): string =>
  `${formatCount(listed)} listed = ${formatCount(ok)} ok + ${formatCount(rejected)} rejected + ${formatCount(failed)} failed + ${formatCount(skipped)} skipped`;

/** Annotations that were rejected, by code, with the first places. */
function explainAnnotations(report: RunReport, outcomes: readonly Outcome[]): string[] {
  const problems = outcomes.flatMap(({ uri, annotations }) =>
    (annotations?.problems ?? []).map((problem) => ({ uri, ...problem })),
  );
  return Object.entries(report.annotations?.byCode ?? {}).flatMap(([name, count]) => {
    const code = name as Outcome['code'];
    const { number, meaning, remedy } = codeInfo(code);
    return [
      `annotation ${formatCount(count)} × ${code} (${number}): ${meaning}`,
      ...problems
        .filter((problem) => problem.code === code)
        .slice(0, EXAMPLES_A_CODE)
        .map(({ uri, ref, message }) => `    ${printable(uri)}, ${printable(ref)}: ${printable(message)}`),
      `    → ${remedy}`,
    ];
  });
}

/** A code, how often, and the first items that have it. */
function explain(
  report: RunReport,
  kind: 'rejected' | 'failed' | 'skipped' | 'warning',
  outcomes: readonly Outcome[],
): string[] {
  const counts = kind === 'warning' ? (report.warnings ?? {}) : report.byCode;
  return Object.entries(counts).flatMap(([name, count]) => {
    const code = name as Outcome['code'];
    const info = codeInfo(code);
    if (info.class !== kind) return [];
    const head = `${kind.padEnd(9)} ${formatCount(count)} × ${code} (${info.number}): ${info.meaning}`;
    const examples = outcomes
      .filter((f) => f.code === code)
      .slice(0, EXAMPLES_A_CODE)
      .map((f) => `    ${printable(f.uri)}: ${printable(f.message ?? '')}`);
    return [head, ...examples, ...(kind === 'skipped' ? [] : [`    → ${info.remedy}`])];
  });
}

function next(report: RunReport, store: string): string {
  if (report.dryRun) return 'Nothing was written. The same command without --dry-run does it.';
  return table(nextSteps(report, store).map(({ what, how }) => [what, how]));
}

import { expect } from 'vitest';
import type { Code } from '../../src/model/codes.ts';
import type { Outcome } from '../../src/model/outcome.ts';
import type { RunReport } from '../../src/pipeline/report.ts';
import { ledgerOf } from './cli.ts';

/**
 * Holds a run that has ended against its ledger: the identity is true, each item has exactly one line, and the
 * totals are those of the lines. Gives the lines by uri.
 */
export function accounted(store: string, report: RunReport): Map<string, Outcome> {
  const { listed, ok, rejected, failed, skipped } = report.totals;
  expect(ok + rejected + failed + skipped).toBe(listed);
  const lines = ledgerOf(store, report.runId);
  expect(lines).toHaveLength(listed);
  const byUri = new Map(lines.map((line) => [line.uri, line]));
  expect(byUri.size).toBe(listed);
  const counted = { ok: 0, rejected: 0, failed: 0, skipped: 0 };
  for (const { outcome } of lines) counted[outcome]++;
  expect(counted).toEqual({ ok, rejected, failed, skipped });
  expectAnnotations(lines, report);
  return byUri;
}

/** The same of annotations: those that are good share the outcome of their item, the others are rejected. */
function expectAnnotations(lines: readonly Outcome[], report: RunReport): void {
  const counted = { ok: 0, rejected: 0, failed: 0, skipped: 0 };
  for (const { outcome, annotations } of lines) {
    counted[outcome] += annotations?.good ?? 0;
    counted.rejected += annotations?.problems?.length ?? 0;
  }
  const listed = counted.ok + counted.rejected + counted.failed + counted.skipped;
  expect(report.annotations?.totals ?? { listed: 0, ok: 0, rejected: 0, failed: 0, skipped: 0 }).toEqual({
    listed,
    ...counted,
  });
}

/** The code of each item of a run, by uri; what `accounted` expects holds. */
export function codesOf(store: string, report: RunReport): Record<string, Code> {
  return Object.fromEntries([...accounted(store, report)].map(([uri, line]) => [uri, line.code]));
}

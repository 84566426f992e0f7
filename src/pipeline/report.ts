import type { CloseReason } from '../batching/batcher.ts';
import type { Code } from '../model/codes.ts';
import { codeInfo } from '../model/codes.ts';
import type { SluiceError } from '../model/errors.ts';
import type { ExportResult, Loss } from '../model/export.ts';
import type { Kind } from '../model/kind.ts';
import type { Totals } from '../model/outcome.ts';
import type { IndexReport, IndexTotals } from './indexing/index-accounts.ts';

export interface BatchTotals {
  count: number;
  maxItems: number;
  maxBytes: number;
  closedBy: Record<CloseReason, number>;
}

/** What an export made, beside the outcomes. */
export interface ExportTotals {
  format: string;
  /** Absolute path of the file or folder. */
  out: string;
  version: string;
  contentHash: string;
  /** Absent while nothing was completed. */
  files?: { count: number; bytes: number };
  /** Of a dry run: what the files will take, by estimate. */
  estimatedBytes?: number;
  /** Of a dry run: what the format cannot carry. */
  lossTable?: Loss[];
  losses: ExportResult['losses'];
  annotations: ExportResult['annotations'];
}

/** The document that ends a run: `report.json`, and stdout with `--json` (DESIGN.md §6a). */
export interface RunReport {
  schema: 1;
  runId: string;
  command: 'ingest' | 'retry' | 'export' | 'reindex';
  status: 'complete' | 'interrupted' | 'failed';
  exitCode: number;
  dryRun?: true;
  sources: { name?: string; uri: string; type: string; describes: string }[];
  dataset: string;
  totals: Totals;
  byCode: Partial<Record<Code, number>>;
  byKind: Partial<Record<Kind, number>>;
  /** Of the ok images: those that came with a text. */
  withText?: number;
  /** Absent when no source said anything of annotations. */
  annotations?: { totals: Omit<Totals, 'pending'>; byCode: Partial<Record<Code, number>> };
  /** Of a run that embedded what it stored, and of a re-index. */
  index?: IndexReport;
  bytes: { read: number; stored: number };
  batches: BatchTotals;
  /** Of an export. */
  export?: ExportTotals;
  warnings?: Partial<Record<Code, number>>;
  error?: { code: Code; codeNumber: number; message: string; remedy: string };
  startedAt: string;
  endedAt: string;
  ledger?: string;
  failures?: string;
  report?: string;
  /** The same for people, to open in a browser. */
  page?: string;
}

export const emptyBatchTotals = (): BatchTotals => ({
  count: 0,
  maxItems: 0,
  maxBytes: 0,
  closedBy: { items: 0, bytes: 0, age: 0, end: 0 },
});

export function countBatch(
  totals: BatchTotals,
  batch: { items: number; bytes: number; reason: CloseReason },
): void {
  totals.count++;
  totals.maxItems = Math.max(totals.maxItems, batch.items);
  totals.maxBytes = Math.max(totals.maxBytes, batch.bytes);
  totals.closedBy[batch.reason]++;
}

/** How a run ended, before it is put into numbers. */
export type Ending =
  | { kind: 'finished' }
  | { kind: 'interrupted' }
  | { kind: 'incomplete'; reason: string; code?: 'EXPORT_INCOMPLETE' }
  | { kind: 'fatal'; error: SluiceError };

/** What has an identity of its own beside the items. */
interface Others {
  annotations?: Omit<Totals, 'pending'> | undefined;
  index?: IndexTotals | undefined;
}

/** Exit codes of DESIGN.md §6: 0 · 1 fatal · 2 some rejected or failed · 3 accounting or source · 130 interrupted. */
export function judge(
  ending: Ending,
  totals: Totals,
  balanced: boolean,
  maxRejected: string,
  others: Others = {},
): Pick<RunReport, 'status' | 'exitCode' | 'error'> {
  if (ending.kind === 'fatal')
    return { status: 'failed', exitCode: 1, error: errorOf(ending.error.code, ending.error.message) };
  if (ending.kind === 'interrupted') return { status: 'interrupted', exitCode: 130 };
  const { annotations } = others;
  const index = others.index && asTotals(others.index);
  if (!balanced) {
    const told = [
      unbalanced('items', totals),
      unbalanced('annotations', annotations),
      unbalanced('inputs of the index', index),
    ].filter(Boolean);
    return { status: 'failed', exitCode: 3, error: errorOf('ACCOUNTING_BROKEN', told.join('; ')) };
  }
  if (ending.kind === 'incomplete') {
    return {
      status: 'failed',
      exitCode: 3,
      error: errorOf(ending.code ?? 'SOURCE_INCOMPLETE', ending.reason),
    };
  }
  const tooMany = (of: Omit<Totals, 'pending'>) =>
    of.rejected + of.failed > allowance(maxRejected, of.listed);
  const isBad = [totals, annotations, index].some((of) => of !== undefined && tooMany(of));
  return { status: 'complete', exitCode: isBad ? 2 : 0 };
}

/** An input that waits for a re-index is as good as failed. */
const asTotals = ({ listed, ok, failed, skipped, pending = 0 }: IndexTotals): Omit<Totals, 'pending'> => ({
  listed,
  ok,
  rejected: 0,
  failed: failed + pending,
  skipped,
});

function unbalanced(what: string, of: Omit<Totals, 'pending'> | undefined): string | undefined {
  const sum = of === undefined ? 0 : of.ok + of.rejected + of.failed + of.skipped;
  if (of === undefined || of.listed === sum) return undefined;
  return `${of.listed} ${what} were listed, but ${sum} have an outcome`;
}

function allowance(maxRejected: string, listed: number): number {
  const value = Number.parseFloat(maxRejected);
  return maxRejected.endsWith('%') ? (value / 100) * listed : value;
}

function errorOf(code: Code, message: string): NonNullable<RunReport['error']> {
  const info = codeInfo(code);
  return { code, codeNumber: info.number, message, remedy: info.remedy };
}

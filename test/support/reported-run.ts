import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeInfo } from '../../src/model/codes.ts';
import type { ReadyItem } from '../../src/model/contracts.ts';
import { type Outcome, outcomeOf } from '../../src/model/outcome.ts';
import { Accounts } from '../../src/pipeline/accounts.ts';
import { emptyBatchTotals, type RunReport } from '../../src/pipeline/report.ts';
import { RunFolder } from '../../src/pipeline/run-folder.ts';
import { ingest } from '../stores/local/support.ts';
import { tempFolder } from './temp-folder.ts';

const RUN_ID = '20261121T104512345-7x3kq0';
const STARTED = Date.parse('2026-11-21T10:45:12.345Z');
/** Between two lines of the ledger. */
const STEP_MS = 250;

export interface ReportedRun {
  store: string;
  /** A folder source, for files that the run did not take. */
  source: string;
  folder: RunFolder;
  report: RunReport;
}

/** A store and the folder of a run that has ended in it: the items are stored, `others` are further outcomes. */
export async function reportedRun(
  items: readonly ReadyItem[],
  others: readonly Outcome[] = [],
  given: Partial<RunReport> = {},
): Promise<ReportedRun> {
  const root = await tempFolder();
  const [store, source] = [join(root, 'store'), join(root, 'source')];
  await mkdir(source);
  if (items.length > 0) await ingest(store, [[...items]], { runId: RUN_ID, dataset: 'pets' });
  const folder = new RunFolder(join(store, 'runs'), RUN_ID);
  await mkdir(folder.path, { recursive: true });
  await writeManifest(folder);

  const outcomes = [...items.map(storedOutcome), ...others];
  const accounts = new Accounts();
  let ledger = '{"schema":1,"type":"ledger"}\n';
  outcomes.forEach((outcome, i) => {
    accounts.countOutcome(outcome);
    accounts.listed++;
    const at = new Date(STARTED + (i + 1) * STEP_MS).toISOString();
    ledger += `${JSON.stringify({ ...outcome, codeNumber: codeInfo(outcome.code).number, at })}\n`;
  });
  await appendFile(folder.ledger, ledger);
  const report: RunReport = {
    schema: 1,
    runId: RUN_ID,
    command: 'ingest',
    status: 'complete',
    exitCode: 0,
    sources: [{ uri: source, type: 'folder', describes: 'a folder' }],
    dataset: 'pets',
    totals: accounts.totals(true),
    byCode: accounts.byCode,
    byKind: accounts.byKind,
    bytes: { read: 3_000_000, stored: accounts.bytesStored },
    batches: emptyBatchTotals(),
    warnings: accounts.warnings,
    startedAt: new Date(STARTED).toISOString(),
    endedAt: new Date(STARTED + (outcomes.length + 1) * STEP_MS).toISOString(),
    ledger: folder.ledger,
    failures: folder.failures,
    report: folder.report,
    ...given,
  };
  return { store, source, folder, report };
}

function storedOutcome({ item, sha256, kind, bytes, annotations }: ReadyItem): Outcome {
  return outcomeOf(item.uri, 'deliver', 'INPUT_SUCCESS', {
    inputId: item.id,
    sha256,
    kind,
    bytes,
    ...(annotations && { annotations: { good: annotations.length } }),
  });
}

function writeManifest(folder: RunFolder): Promise<void> {
  const manifest = {
    schema: 1,
    type: 'run',
    runId: folder.runId,
    command: 'ingest',
    configHash: 'c0ffee'.padEnd(64, '0'),
    versions: { sluice: '0.1.0', node: '24.0.0' },
  };
  return writeFile(join(folder.path, 'run.json'), JSON.stringify(manifest));
}

import { FatalError } from '../model/errors.ts';
import { judge, type RunReport } from './report.ts';
import type { RunFolder } from './run-folder.ts';

/** Writes the report into its run's folder. A full disk must not hide how the run ended, nor how to go on. */
export async function saveReport(
  folder: Pick<RunFolder, 'writeReport'> | undefined,
  report: RunReport,
): Promise<RunReport> {
  try {
    await folder?.writeReport(report);
    return report;
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    if (report.error !== undefined) return report;
    return { ...report, ...judge({ kind: 'fatal', error }, report.totals, true, '0') };
  }
}

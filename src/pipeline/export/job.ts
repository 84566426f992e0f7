import type { ExporterComponent, ExportSource } from '../../model/export.ts';
import type { RunConfig } from '../config.ts';
import type { RunFolder } from '../run-folder.ts';
import type { ExportOutput, ExportState } from './output.ts';

/** An export that is about to begin or to go on. */
export interface ExportJob {
  runId: string;
  config: RunConfig & { export: NonNullable<RunConfig['export']> };
  exporter: ExporterComponent<unknown>;
  source: ExportSource;
  output: ExportOutput;
  /** Of this export; its checkpoint is what an earlier attempt saved last. */
  state: ExportState;
  folder: RunFolder;
  startedAt: string;
  describes: string;
  /** For the card: what the dataset's metadata says, and the command line that makes the export again. */
  license: string | undefined;
  command: string;
}

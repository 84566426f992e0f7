import type { ExporterComponent } from '../../model/export.ts';

export interface ExportRequest {
  /** Folder of the local store; also where the runs live. */
  store: string;
  dataset: string;
  /** Unless given, a version is made of the dataset as it is now. */
  version?: string;
  /** Id of the annotation filter of a version that is made. */
  filter?: string;
  /** Of the table of exporters, or an exporter of your own. */
  format: string | ExporterComponent<unknown>;
  /** File or folder, or `s3://bucket/prefix`. */
  out: string;
  /** The exporter's own options (docs/exporters). */
  options?: Record<string, unknown>;
  /** Replace an earlier export of ours. */
  overwrite?: boolean;
  /** Inputs that failed (a count or N%) up to which the exit code stays 0. */
  maxRejected?: string;
  /** Says what would be written, and writes nothing. */
  dryRun?: boolean;
  /** Wait for a run that writes to the store, where a version must be made. */
  wait?: boolean;
  /** The file that this request was read from, for the run's manifest. */
  pipeline?: { file: string; sha256: string };
}

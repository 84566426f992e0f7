import { z } from 'zod';
import type { Context } from '../model/contracts.ts';
import type { DatasetVersion } from '../model/dataset.ts';
import type { ExporterComponent, ExportResult, ExportSource, ExportTarget } from '../model/export.ts';
import { KINDS } from '../model/kind.ts';
import type { Outcome } from '../model/outcome.ts';
import { MEDIA_HELP } from './media-option.ts';
import { MEDIA_MODES } from './tables/columns.ts';
import { writeParquetTables } from './tables/parquet-tables.ts';
import { tableBytes } from './tables/table-facts.ts';

const options = z.strictObject({
  media: z.enum(MEDIA_MODES).default('embed').describe(MEDIA_HELP),
  maxShardSize: z
    .int()
    .min(1_000_000)
    .max(2_000_000_000)
    .default(1_000_000_000)
    .describe('Bytes after which another pair of files is begun'),
  update: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of a Parquet export of ours: what this version does not have stays as it is there, all else is ' +
        'replaced by id',
    ),
});
export type ParquetOptions = z.infer<typeof options>;

/** Two tables, of inputs and of annotations, linked by `input_id`: the shape that Databricks users load. */
export const parquet: ExporterComponent<ParquetOptions> = {
  name: 'parquet',
  summary: 'Tables of inputs and annotations as Parquet files, the media in them or beside them',
  example: 'sluice export default --format parquet --out parquet',
  options,
  writes: 'folder',
  kinds: KINDS,
  // Everything goes into the tables.
  losses: [],
  estimate: (version: DatasetVersion, { media }: ParquetOptions) => tableBytes(version, media),
  write(
    source: ExportSource,
    target: ExportTarget,
    given: ParquetOptions,
    ctx: Context,
  ): AsyncGenerator<Outcome, ExportResult, void> {
    return writeParquetTables(source, target, given, ctx);
  },
};
